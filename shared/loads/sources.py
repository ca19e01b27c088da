"""A file as rows of text: CSV of any usual encoding and separator, or XLSX."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from itertools import chain
from typing import IO, Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from shared import files
from shared.bounds import is_odd
from shared.ecuador.money import format_number
from shared.errors import Invalid
from shared.loads import workbooks
from shared.loads.encodings import encoding_of, separator_of

_HEAD = 1 << 16
_LINE = 1 << 20  # characters; a line of a table has a few hundred
MAX_COLUMNS = 1000
_ZIP = b"PK\x03\x04"
_END = "\0the end of the file\0"
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
        last = 1
        try:
            for last, row in self._lines:
                yield last, row
        except csv.Error as error:
            raise _broken(error, last + 1) from None

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
    # A byte that is none of the encoding's makes its row a rejected one, which tells it again.
    errors = "replace" if encoding.startswith("utf-16") else "surrogateescape"
    text = io.TextIOWrapper(stream, encoding, errors=errors, newline="")
    try:
        yield _csv(text, stream)
    finally:
        text.detach()


def _csv(text: io.TextIOWrapper, stream: IO[bytes]) -> Source:
    size = max(1, stream.seek(0, io.SEEK_END))
    text.seek(0)
    separator = separator_of(text.read(_HEAD))
    text.seek(0)
    rows = csv.reader(chain(_text_lines(text), [_END]), delimiter=separator)
    return Source(_until_end(rows), lambda: stream.tell() / size)


def _until_end(rows: Any) -> Iterator[Line]:
    """The rows of a `csv.reader` that has a last line of ours: quotes that stay open swallow it."""
    for row in rows:
        if row and row[-1].endswith(_END):
            if row != [_END]:
                raise Invalid.field("file", DAMAGED)
        elif _is_filled(row):
            yield rows.line_num, row


def _text_lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Line by line. Raises Invalid for one that would fill the memory."""
    number = 0
    while line := text.readline(_LINE):
        number += 1
        if len(line) == _LINE:
            raise Invalid.field("file", f"La línea {number} es demasiado larga para una tabla.")
        yield line


def _broken(error: csv.Error, line: int) -> Invalid:
    """In the words of what broke it."""
    if "field larger" in str(error):
        limit = format_number(csv.field_size_limit())
        where = f"desde la línea {line} hay una celda de más de {limit} caracteres"
        return Invalid.field("file", f"El archivo CSV está dañado: {where}. Revise las comillas.")
    return Invalid.field("file", DAMAGED)


def _xlsx(stream: IO[bytes]) -> Source:
    workbooks.check(stream)
    try:
        sheet = _first_filled(CalamineWorkbook.from_filelike(stream))
    except CalamineError:
        raise Invalid.field("file", workbooks.DAMAGED) from None
    at = 0

    def lines() -> Iterator[Line]:
        nonlocal at
        for at, row in enumerate(sheet.iter_rows(), start=1):
            cells = [_text(cell) for cell in row]
            if _is_filled(cells):
                yield at, cells

    return Source(lines(), lambda: at / max(1, sheet.total_height))


def _first_filled(book: CalamineWorkbook) -> CalamineSheet:
    """The first sheet that people see and that has anything in it."""
    sheets = [meta for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
    seen = [meta.name for meta in sheets if meta.visible == SheetVisibleEnum.Visible]
    found = (book.get_sheet_by_name(name) for name in seen or book.sheet_names)
    filled = next((sheet for sheet in found if sheet.total_height), None)
    if filled is None:
        raise Invalid.field("file", "El archivo XLSX está vacío.")
    return filled


def _header(lines: Iterator[Line]) -> list[str]:
    try:
        _, row = next(lines, (1, []))
        if row and row[0].lower().startswith("sep="):  # Excel's own line, no header
            _, row = next(lines, (2, []))
    except csv.Error as error:
        raise _broken(error, 1) from None
    header = [cell.strip() for cell in row]
    if len([cell for cell in header if cell]) < 2:  # a lone column is no table
        raise Invalid.field(
            "file",
            "El archivo no es una tabla CSV ni XLSX con encabezado: le faltan columnas. "
            "Revise el formato.",
        )
    if len(header) > MAX_COLUMNS:
        raise Invalid.field("file", f"El archivo tiene más de {MAX_COLUMNS} columnas.")
    if any(is_odd(cell) for cell in header):
        raise Invalid.field("file", "El encabezado tiene caracteres que no se pueden leer.")
    return header


def _is_filled(row: list[str]) -> bool:
    return any(cell.strip() for cell in row)


def _text(cell: Any) -> str:
    match cell:
        case datetime():
            return cell.date().isoformat()
        case date():
            return cell.isoformat()
        case float() if cell.is_integer():
            return str(int(cell))
        case float():
            return f"{cell:.15g}"  # as many digits as Excel has and shows
        case bool():
            return "sí" if cell else "no"
        case _:
            return str(cell)
