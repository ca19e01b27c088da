"""Workbooks that ask for more than a machine has, and those that only look so."""

import io
import zipfile
from collections.abc import Mapping
from contextlib import suppress

import pytest
import xlsxwriter

from shared.errors import Invalid
from shared.loads import workbooks
from shared.loads.sources import source_of

ROWS = [["cedula", "nombres", "apellidos"], ["1710034065", "Ana", "Mora"]]


def book(*sheets: list[list[str]], hidden: tuple[int, ...] = ()) -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as made:
        for number, rows in enumerate(sheets):
            sheet = made.add_worksheet()
            if number in hidden:
                sheet.hide()
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
        made.worksheets()[-1].activate()
    return target.getvalue()


def changed(content: bytes, parts: Mapping[str, bytes]) -> bytes:
    """The workbook with these parts instead of its own, or beside them."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in dict.fromkeys([*old.namelist(), *parts]):
            new.writestr(name, parts[name] if name in parts else old.read(name))
    return target.getvalue()


def sheet_of(cells: str) -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{space}"><sheetData>{cells}</sheetData></worksheet>'.encode()


def with_sheet(cells: str) -> bytes:
    return changed(book(ROWS), {"xl/worksheets/sheet1.xml": sheet_of(cells)})


def read(content: bytes) -> tuple[list[str], list[list[str]]]:
    with source_of(io.BytesIO(content)) as source:
        return source.header, [row for _, row in source.lines]


def refused(content: bytes) -> str:
    with pytest.raises(Invalid) as error:
        read(content)
    return error.value.fields[0].message


A1 = '<row r="1"><c r="A1"><v>1</v></c></row>'


@pytest.mark.parametrize(
    "cells",
    [
        A1 + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        A1 + "<row r='1048576'><c r = 'xfd1048576' ><v>1</v></c></row>",
        '<row r="1"><c r="XFD1"><v>1</v></c></row><row><c r="A1048576"><v>1</v></c></row>',
        A1 + "<row>" + "<c><v>1</v></c>" * 16_000 + "</row>" + "<row><c><v>1</v></c></row>" * 2000,
    ],
)
def test_a_cell_far_away_asks_for_no_memory(cells: str) -> None:
    assert refused(with_sheet(cells)) == workbooks.TOO_LARGE


@pytest.mark.parametrize("name", ["hojas/uno.dat", "UNO.XML", "medios/&#117;no.png", "a\\uno.xml"])
def test_a_sheet_is_looked_at_wherever_it_stands(name: str) -> None:
    relations = "xl/_rels/workbook.xml.rels"
    content = with_sheet(A1 + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    with zipfile.ZipFile(io.BytesIO(content)) as made:
        sheet, told = made.read("xl/worksheets/sheet1.xml"), made.read(relations)
    told = told.replace(b"worksheets/sheet1.xml", name.encode())
    part = f"xl/{name.replace('&#117;', 'u')}"
    moved = changed(book(ROWS), {relations: told, part: sheet})
    assert refused(moved) == workbooks.TOO_LARGE


def test_a_book_may_name_no_sheet_unlooked_at() -> None:
    """By the check alone: what is not refused here would be opened, and fill the memory."""
    relations = "xl/_rels/workbook.xml.rels"
    told = b'<Relationship Id="rId1" Target="hojas/uno.dat"/>'
    far = sheet_of('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    made = changed(book(ROWS), {relations: told, "xl/hojas/uno.dat": far})
    with pytest.raises(Invalid):
        workbooks.check(io.BytesIO(made))


def test_a_far_away_cell_without_a_value_does_no_harm() -> None:
    content = book([*ROWS])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    styled = b'<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>'
    sheet = sheet.replace(b"</sheetData>", styled)
    assert read(changed(content, {"xl/worksheets/sheet1.xml": sheet})) == (ROWS[0], [ROWS[1]])


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert workbooks.MAX_UNPACKED == 1 << 30
    monkeypatch.setattr(workbooks, "MAX_UNPACKED", 1 << 24)
    bomb = changed(book(ROWS), {"xl/media/image1.bin": b"\0" * (1 << 25)})
    assert len(bomb) < 1 << 17
    assert refused(bomb) == workbooks.TOO_LARGE


def test_what_a_part_says_of_its_size_is_not_believed() -> None:
    sheet = sheet_of(A1 + " " * (1 << 22))
    content = bytearray(changed(book(ROWS), {"xl/worksheets/sheet1.xml": sheet}))
    size = len(sheet).to_bytes(4, "little")
    assert size in content
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workbooks, "MAX_UNPACKED", 1 << 20)
        assert refused(bytes(content.replace(size, b"\x10\0\0\0"))) == workbooks.TOO_LARGE


@pytest.mark.parametrize("part", ["xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"])
def test_a_text_of_a_megabyte_is_refused_by_name(part: str) -> None:
    text = "<si><t>" + "x" * (1 << 21) + "</t></si>"
    assert "131072 caracteres" in refused(changed(book(ROWS), {part: text.encode()}))


def test_a_long_text_shown_in_a_million_cells_is_refused() -> None:
    strings = f"<sst><si><t>{'x' * 30_000}</t></si></sst>".encode()
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 100_000))
    parts = {"xl/sharedStrings.xml": strings, "xl/worksheets/sheet1.xml": sheet_of(cells)}
    assert refused(changed(book(ROWS), parts)) == workbooks.TOO_LARGE


def test_ten_thousand_parts_are_refused() -> None:
    many = {f"xl/media/{number}.bin": b"x" for number in range(10_000)}
    assert "demasiadas partes" in refused(changed(book(ROWS), many))


def repacked(method: int) -> bytes:
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book(ROWS))) as old,
        zipfile.ZipFile(target, "w", method) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return target.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_book_is_told_so_wherever_it_is_damaged(method: int) -> None:
    whole = repacked(method)
    for at in range(0, len(whole), 97):
        content = bytearray(whole)
        content[at : at + 8] = b"\xff\x00\xff\x00\xa5\x5a\x00\xff"
        with suppress(Invalid):  # and nothing else
            read(bytes(content))
    for end in range(100, len(whole), 211):
        assert refused(whole[:end])


def test_a_plain_book_is_read_however_it_is_packed() -> None:
    assert read(repacked(zipfile.ZIP_STORED)) == (ROWS[0], [ROWS[1]])
    assert refused(repacked(zipfile.ZIP_LZMA)) == workbooks.DAMAGED


def test_the_first_sheet_with_rows_is_read() -> None:
    assert read(book([], [], ROWS)) == (ROWS[0], [ROWS[1]])
    assert read(book([["old", "list"]], ROWS, hidden=(0,))) == (ROWS[0], [ROWS[1]])
    assert "vacío" in refused(book([], []))


def test_numbers_have_the_digits_that_excel_shows() -> None:
    cells = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c>'
        '<c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'
        '<row r="2"><c r="A2"><v>0.30000000000000004</v></c><c r="B2"><v>1710034065</v></c></row>'
    )
    assert read(with_sheet(cells)) == (["a", "b"], [["0.3", "1710034065"]])
