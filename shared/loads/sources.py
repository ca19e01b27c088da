"""A file as rows of text: CSV of any usual encoding and separator, or XLSX."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import IO, Any

from python_calamine import CalamineError, CalamineWorkbook

from shared import files
from shared.errors import Invalid
from shared.loads.encodings import encoding_of, separator_of

_HEAD = 1 << 16
_ZIP = b"PK\x03\x04"
DAMAGED = "El archivo CSV está dañado: revise las comillas y los separadores."

Line = tuple[int, list[str]]  # its number in the file and its cells


class Source:
    """An open file: its header, the rows that are not empty, and how far it has been read."""

    def __init__(self, lines: Iterator[Line], position: Callable[[], float]) -> None:
        self.header = _header(lines)
        self._lines = lines
        self._position = position

    @property
    def lines(self) -> Iterator[Line]:
        """The rows below the header. Raises Invalid where the file breaks."""
        width, last, spans = len(self.header), 1, 1
        row: list[str] = []
        try:
            for number, row in self._lines:
                spans, last = number - last, number
                yield number, row
        except csv.Error:
            raise Invalid.field("file", DAMAGED) from None
        if spans > 1 and _is_open(row, width):
            raise Invalid.field("file", DAMAGED)

    def share(self) -> float:
        """How much of the file has been read, from 0 to 1."""
        return min(1.0, self._position())


@contextmanager
def open_source(key: str) -> Iterator[Source]:
    """Open a stored file. Raises NotFound; Invalid on `file` for one that is no table."""
    with files.open_key(key) as stream, source_of(stream) as source:
        yield source


@contextmanager
def source_of(stream: IO[bytes]) -> Iterator[Source]:
    """A seekable stream, which stays open. Raises Invalid on `file` for one that is no table."""
    head = stream.read(len(_ZIP))
    stream.seek(0)
    if not head:
        raise Invalid.field("file", "El archivo está vacío.")
    if head == _ZIP:
        yield _xlsx(stream)
        return
    encoding = encoding_of(stream)
    if encoding is None:
        raise Invalid.field("file", "El archivo no es CSV ni XLSX.")
    text = io.TextIOWrapper(stream, encoding, errors="replace", newline="")
    try:
        yield _csv(text, stream)
    finally:
        text.detach()


def _csv(text: io.TextIOWrapper, stream: IO[bytes]) -> Source:
    size = max(1, stream.seek(0, io.SEEK_END))
    text.seek(0)
    separator = separator_of(text.read(_HEAD))
    text.seek(0)
    rows = csv.reader(text, delimiter=separator)
    lines = ((rows.line_num, row) for row in rows if _is_filled(row))
    return Source(lines, lambda: stream.tell() / size)


def _xlsx(stream: IO[bytes]) -> Source:
    try:
        sheet = CalamineWorkbook.from_filelike(stream).get_sheet_by_index(0)
    except CalamineError:
        raise Invalid.field("file", "El archivo XLSX está dañado o no es de Excel.") from None
    at = 0

    def lines() -> Iterator[Line]:
        nonlocal at
        for at, row in enumerate(sheet.iter_rows(), start=1):
            cells = [_text(cell) for cell in row]
            if _is_filled(cells):
                yield at, cells

    return Source(lines(), lambda: at / max(1, sheet.total_height))


def _header(lines: Iterator[Line]) -> list[str]:
    try:
        _, row = next(lines, (1, []))
        if row and row[0].lower().startswith("sep="):  # Excel's own line, no header
            _, row = next(lines, (2, []))
    except csv.Error:
        raise Invalid.field("file", DAMAGED) from None
    header = [cell.strip() for cell in row]
    if len([cell for cell in header if cell]) < 2:  # a lone column is no table
        raise Invalid.field(
            "file",
            "El archivo no es una tabla CSV ni XLSX con encabezado: le faltan columnas. "
            "Revise el formato.",
        )
    return header


def _is_filled(row: list[str]) -> bool:
    return any(cell.strip() for cell in row)


def _is_open(row: list[str], width: int) -> bool:
    """Whether the file ended inside of quotes, which the reader forgives."""
    return "\n" in row[-1] and (row[-1].endswith("\n") or len(row) < width)


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
