"""Reading a customer file as rows of text: CSV of any usual encoding and separator, or XLSX."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any

from python_calamine import CalamineError, CalamineWorkbook

from shared import files
from shared.errors import Invalid

_SNIFFED = 1 << 20
_SEPARATORS = ",;\t|"
_ZIP = b"PK\x03\x04"


@dataclass
class Source:
    """An open file: its header, its rows, and how far it has been read."""

    header: list[str]
    rows: Iterator[list[str]]
    size: int
    _stream: IO[bytes]

    def percent(self) -> int:
        """How much of the file's bytes has been read; 99 at most until the end is reached."""
        return min(99, self._stream.tell() * 100 // max(1, self.size))


@contextmanager
def open_source(key: str) -> Iterator[Source]:
    """Open a stored file. Raises Invalid on `file` for one that is neither CSV nor XLSX."""
    with files.open_key(key) as stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        head = stream.read(_SNIFFED)
        stream.seek(0)
        if not head:
            raise Invalid.field("file", "El archivo está vacío.")
        rows = _xlsx(stream) if head.startswith(_ZIP) else _csv(stream, head)
        yield Source(_header(rows), rows, size, stream)


def _header(rows: Iterator[list[str]]) -> list[str]:
    header = [cell.strip() for cell in next(rows, [])]
    if len([cell for cell in header if cell]) < 2:  # a lone column is no table
        raise Invalid.field(
            "file", "El archivo no es una tabla CSV ni XLSX con encabezado. Revise el formato."
        )
    return header


def _csv(stream: IO[bytes], head: bytes) -> Iterator[list[str]]:
    if b"\x00" in head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Invalid.field("file", "El archivo no es CSV ni XLSX.")
    encoding = _encoding(head)
    first_line = head.decode(encoding, "replace").lstrip("\r\n").partition("\n")[0]
    separator = max(_SEPARATORS, key=first_line.count)
    text = io.TextIOWrapper(stream, encoding, errors="replace", newline="")
    for row in csv.reader(text, delimiter=separator):
        if any(cell.strip() for cell in row):
            yield row
    text.detach()  # its end would close the file, whose position is still asked for


def _encoding(head: bytes) -> str:
    """BOM, then strict UTF-8, then the Windows code page."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # may end inside a character
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _xlsx(stream: IO[bytes]) -> Iterator[list[str]]:
    try:
        sheet = CalamineWorkbook.from_filelike(stream).get_sheet_by_index(0)
    except CalamineError:
        raise Invalid.field("file", "El archivo XLSX está dañado o no es de Excel.") from None
    for row in sheet.iter_rows():
        cells = [_text(cell) for cell in row]
        if any(cell.strip() for cell in cells):
            yield cells


def _text(cell: Any) -> str:
    match cell:
        case datetime():
            return cell.date().isoformat()
        case date():
            return cell.isoformat()
        case float() if cell.is_integer():
            return str(int(cell))
        case bool():
            return "sí" if cell else "no"
        case _:
            return str(cell)


def write_rejected(header: Sequence[str], rejected: Iterator[tuple[list[str], str]]) -> str:
    """Store the rejected rows as they stood, with a column `motivo`; returns the file's key.

    UTF-8 with BOM, so that a spreadsheet shows the accents.
    """
    key = files.new_key(".csv")
    with files.create(key) as target:
        text = io.TextIOWrapper(target, "utf-8-sig", newline="")
        writer = csv.writer(text)
        writer.writerow([*header, "motivo"])
        width = len(header)
        for values, reason in rejected:
            cells = (values + [""] * width)[:width]
            writer.writerow([*(_harmless(cell) for cell in cells), reason])
        text.detach()  # flushes; closing is the store's
    return key


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@"} and not cell[1:].isdigit() else cell
