"""Odd files at every door that takes one; what is accepted has to end in time, with words."""

import gzip
import io
import random
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from tests.hostile.tally import HUNG_SECONDS, Tally
from tests.hostile.values import TEXTS
from tests.hostile.world import World

_ENDS_SECONDS = 60.0
_AT_ONCE = 2
_HEADER = "cedula,nombres,apellidos,email,telefono,ingresos,fecha_nacimiento,provincia,canton"
_ANA = "1710034065,Ana,Mora,ana@correo.example,0991234567,500,05/03/1990,17,1701"
_GOOD = f"{_HEADER}\n{_ANA}\n"
_CONTENT_TYPES = "[Content_Types].xml"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


@dataclass(frozen=True)
class OddFile:
    """A file with the name it comes by."""

    what: str
    name: str
    content: bytes


@dataclass(frozen=True)
class Door:
    """Where a file goes in; `job` tells what became of it, where a job reads it."""

    role: str
    path: str
    suffixes: tuple[str, ...]
    job: str | None
    data: tuple[tuple[str, str], ...] = ()


DOORS = (
    Door(
        "marketing_head",
        "/customers/imports",
        (".csv", ".xlsx", ".txt"),
        "/customers/imports/{id}",
        (("dry_run", "true"),),
    ),
    Door("admin", "/risk-loads", (".csv", ".xlsx", ".txt"), "/risk-loads/{id}"),
    Door("marketing_head", "/designs", (".zip", ".html"), None, (("name", "Raro"),)),
)


def cases() -> Iterator[OddFile]:
    """All of them."""
    for make in (tables, texts, encodings, names, workbooks, archives):
        yield from make()


def tables() -> Iterator[OddFile]:
    """CSV of odd shapes."""
    shapes = {
        "nothing": "",
        "a line end": "\n",
        "header alone": _HEADER + "\n",
        "header twice": f"{_HEADER}\n{_HEADER}\n",
        "column twice": "cedula,cedula,nombres,apellidos\n1710034065,1710034065,Ana,Mora\n",
        "no header": _ANA + "\n",
        "empty header": ",,,\n1,2,3,4\n",
        "100,000 columns": ",".join(f"c{n}" for n in range(100_000)) + "\n",
        "a cell of 5 MB": f"{_HEADER}\n1710034065,{'a' * 5_000_000},Mora\n",
        "a line of 20 MB": "a," * 10_000_000,
        "an open quote": f'{_HEADER}\n1710034065,"Ana,Mora\n' + _ANA * 50_000,
        "quotes in quotes": f'{_HEADER}\n1710034065,"""A""n""a",Mora\n',
        "lines end in CR": _GOOD.replace("\n", "\r"),
        "lines end in all ways": _GOOD + _ANA + "\r" + _ANA + "\r\n\v\f" + _ANA,
        "semicolons": _GOOD.replace(",", ";"),
        "tabs": _GOOD.replace(",", "\t"),
        "bars": _GOOD.replace(",", "|"),
        "too few cells": f"{_HEADER}\n1710034065\n",
        "too many cells": f"{_HEADER}\n{_ANA}{',x' * 5000}\n",
        "a million empty lines": _HEADER + "\n" * 1_000_000,
        "a NUL after a megabyte": _GOOD + (_ANA + "\n") * 20_000 + "1710034065,A\0na,Mora\n",
        "sep line of Excel": "sep=;\n" + _GOOD.replace(",", ";"),
    }
    for what, text in shapes.items():
        yield OddFile(what, "tabla.csv", text.encode())


def texts() -> Iterator[OddFile]:
    """Every odd text in every cell."""
    for number, text in enumerate(TEXTS):
        cell = '"' + text.replace('"', '""') + '"'
        lines = [_HEADER, ",".join([cell] * 9)]
        lines += [",".join([*_ANA.split(",")[:column], cell]) for column in range(1, 9)]
        content = "\n".join(lines).encode("utf-8", "surrogatepass")
        yield OddFile(f"text {number}: {text[:20]!r}", "celdas.csv", content)


def encodings() -> Iterator[OddFile]:
    """The same table as bytes of other kinds."""
    spanish = _GOOD.replace("Mora", "Muñoz Íñiguez")
    for name in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "mac_roman"):
        yield OddFile(f"as {name}", "tabla.csv", spanish.encode(name))
    yield OddFile("half a character", "tabla.csv", spanish.encode("utf-16")[:-1])
    yield OddFile("as cp037", "tabla.csv", _GOOD.encode("cp037"))
    yield OddFile("UTF-8, then Latin-1", "tabla.csv", spanish.encode() + spanish.encode("cp1252"))
    late = (_ANA + "\n").encode() * 20_000 + "1710034065,Ana,Muñoz\n".encode("cp1252")
    yield OddFile("Latin-1 after a megabyte", "tabla.csv", _GOOD.encode() + late)
    draw = random.Random(1)
    for size in (1, 10, 1000, 100_000):
        yield OddFile(f"{size} drawn bytes", "tabla.csv", draw.randbytes(size))
    yield OddFile("gzip", "tabla.csv", gzip.compress(_GOOD.encode()))
    yield OddFile("a gzip bomb", "tabla.csv", gzip.compress(bytes(50 << 20)))


def names() -> Iterator[OddFile]:
    """Names that are none."""
    for name in (
        "", ".csv", "csv", "a.CSV", "../../a.csv", "/etc/a.csv", "a.csv.exe", "a.exe", "a.csv/",
        "C:\\a.csv", "a" * 300 + ".csv", "ñ👩‍👩‍👧.csv", "<b>.csv", "=1.csv", "a;b.csv", "a%00.csv",
        "con.csv",
    ):  # fmt: skip
        yield OddFile(f"name {name[:30]!r}", name, _GOOD.encode())


def workbooks() -> Iterator[OddFile]:
    """XLSX as no program writes it."""
    sheet = f'<worksheet xmlns="{_MAIN}">{{}}</worksheet>'
    rows = "".join(
        f'<row r="{at}">'
        + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in line.split(","))
        + "</row>"
        for at, line in enumerate(_GOOD.split(), 1)
    )
    corner = '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>'
    dimension = '<dimension ref="A1:XFD1048576"/>'
    bomb = '<!DOCTYPE a [<!ENTITY b "' + "x" * 5000 + '">]>' + sheet.format("&b;" * 5000)
    sheets = {
        "a good one": sheet.format(f"<sheetData>{rows}</sheetData>"),
        "one cell far away": sheet.format(f"<sheetData>{corner}</sheetData>"),
        "a dimension that lies": sheet.format(f"{dimension}<sheetData>{rows}</sheetData>"),
        "no data": sheet.format(""),
        "broken XML": "<worksheet><sheetData>",
        "entities": bomb,
        "not XML": "hola",
        "nothing": "",
        "a cell of 200 MB": sheet.format(
            '<sheetData><row><c t="inlineStr"><is><t>'
            + "a" * (200 << 20)
            + "</t></is></c></row></sheetData>"
        ),
        "200,000 nested elements": sheet.format("<a>" * 200_000 + "</a>" * 200_000),
        "shared texts that are not there": sheet.format(
            '<sheetData><row><c t="s"><v>99999999999</v></c></row></sheetData>'
        ),
    }
    for what, xml in sheets.items():
        yield OddFile(f"workbook: {what}", "libro.xlsx", _workbook(xml))
    yield OddFile("workbook: 10,000 parts", "libro.xlsx", _workbook(sheets["a good one"], 10_000))


def _workbook(sheet: str, more: int = 0) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            _CONTENT_TYPES,
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_RELS}"><Relationship Id="r" Type="{_OFFICE}/officeDocument"'
            ' Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_RELS}"><Relationship Id="r1" Type="{_OFFICE}/worksheet"'
            ' Target="worksheets/sheet1.xml"/></Relationships>',
        )
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        for number in range(more):
            archive.writestr(f"xl/media/{number}.bin", b"")
    return target.getvalue()


def archives() -> Iterator[OddFile]:
    """Zips under the names of workbooks and designs."""
    link = b'<p>Hola</p><a href="{{ enlace_baja }}">Darse de baja</a>'
    whole = _zip({"index.html": link, "a.png": b"\x89PNG\r\n\x1a\n"})
    broken = bytearray(whole)
    broken[len(broken) // 2] ^= 0xFF
    found = {
        "a zip": whole,
        "a broken zip": bytes(broken),
        "half a zip": whole[: len(whole) // 2],
        "an empty zip": _zip({}),
        "zip in zip": _zip({"a.zip": whole}),
        "a zip bomb": _zip({"index.html": bytes(100 << 20)}),
        "10,000 files": _zip({f"{n}.txt": b"" for n in range(10_000)} | {"index.html": link}),
        "paths outside": _zip({"../../index.html": link, "/etc/x": b"x", "C:\\x": b"x"}),
        "a link": _linked(),
        "bzip2": _zip({"index.html": link}, zipfile.ZIP_BZIP2),
        "LZMA": _zip({"index.html": link}, zipfile.ZIP_LZMA),
        "no page": _zip({"a.txt": b"x"}),
        "two pages": _zip({"a.html": link, "b.html": link}),
        "pictures that are none": _zip({"index.html": link + b'<img src="a.png">', "a.png": b"x"}),
        "OLE": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000),
        "deflate alone": zlib.compress(link),
        "PDF": b"%PDF-1.7\n" + bytes(5000),
    }
    for what, content in found.items():
        for name in ("a.zip", "a.xlsx", "a.html", "a.csv"):
            yield OddFile(f"{what} as {name}", name, content)


def _zip(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


def _linked() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        link = zipfile.ZipInfo("index.html")
        link.external_attr = 0o120777 << 16  # noqa: V101  # the archive reads it
        archive.writestr(link, "/etc/passwd")
    return target.getvalue()


def attack(world: World, each: int | None, seed: int) -> Tally:
    """Send every file, or `each` times forty of them, to every door."""
    tally = Tally("files")
    found = list(cases())
    if each is not None:
        found = random.Random(seed).sample(found, min(len(found), each * 40))
    work = [(door, file) for file in found for door in DOORS]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        list(threads.map(lambda pair: _send(tally, world, *pair), work))
    return tally


def _send(tally: Tally, world: World, door: Door, file: OddFile) -> None:
    client = world.client(door.role)
    what = f"{door.path} {file.what}"
    post = partial(
        client.post,
        door.path,
        data=dict(door.data),
        files={"file": (file.name, file.content)},
        timeout=HUNG_SECONDS,
    )
    answer = tally.send(what, post, slow_seconds=_slow_seconds(file))
    if answer is not None and answer.is_success and door.job:
        job = door.job.format(id=answer.json()["id"])
        _follow(tally, what, partial(client.get, job))


def _slow_seconds(file: OddFile) -> float:
    """A megabyte more may take its time on the way."""
    return 1.0 + len(file.content) / 10_000_000


def _follow(tally: Tally, what: str, ask: Callable[[], httpx.Response]) -> None:
    """Until the job has ended; one that failed says why."""
    deadline = time.monotonic() + _ENDS_SECONDS
    while True:
        job: dict[str, Any] = ask().json()
        if job["finished_at"]:
            break
        if time.monotonic() > deadline:
            tally.count("hung", f"{what}: {job['state']}")
            return
        time.sleep(0.1)
    if job["state"] == "failed":
        clear = bool(job["error"]) and "intente de nuevo" not in job["error"].lower()
        tally.count("refused" if clear else "wrong", f"{what}: {job['error']}")
