"""Tables to take away, as Excel in Ecuador opens them right: one dialect for the whole product.

CSV is UTF-8 with BOM (or Excel shows no accents), `;` between columns and a comma before decimals
(what the list and decimal separators of Windows are in es-EC), CRLF, dates as AAAA-MM-DD. XLSX has
real dates and numbers. In both a text never becomes a formula, also not in the header, and
characters that XML forbids are dropped. `shared.loads` reads all of it back.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

import xlsxwriter

from shared.ecuador.dates import GUAYAQUIL, format_datetime

Cell = str | int | float | Decimal | date | datetime | bool | None
CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLSX_ROWS = 1_048_575  # Excel's limit without the header
BOM = "\ufeff"
_MAX_TEXT = 32_767  # Excel's limit of a cell
_MAX_WIDTH, _MIN_WIDTH = 40, 10
_MAX_DIGITS = 15  # Excel rounds longer numbers
_DECIMALS = 4  # of shares and averages; XLSX shows as many
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # by XML 1.0
# What a spreadsheet begins a formula with, also in full width and behind white space, which some
# drop; a text that begins with a tab or the end of a line may leave its cell
_FORMULA = re.compile(r"[\t\r\n]|[\s\ufeff\u200b]*(?:[=@＝＠]|[+＋\-－](?!\d+$))")
_QUOTED = re.compile(r"'(?:[\t\r\n]|[\s\ufeff\u200b]*[=@＝＠+＋\-－])")


@dataclass(frozen=True)
class About:
    """What the second sheet says: of what the table is, by which filters, for whom, as of when."""

    title: str
    by: str
    as_of: datetime
    filters: tuple[tuple[str, str], ...] = ()


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula, without what XML forbids."""
    return quoted(_FORBIDDEN.sub("", text))


def quoted(text: str) -> str:
    """A text that no spreadsheet takes for a formula; for `plain` to read back."""
    return f"'{text}" if _FORMULA.match(text) else text


def plain(text: str) -> str:
    """A text of a file of ours as it was before `harmless`."""
    return text[1:] if _QUOTED.match(text) else text


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """A table as CSV, a line at a time, the first one with the BOM."""
    yield BOM + csv_line(header)
    yield from map(csv_line, rows)


def csv_line(cells: Sequence[Cell]) -> str:
    """One line of a CSV with its end."""
    target = io.StringIO()
    _writer(target).writerow([_csv_text(cell) for cell in cells])
    return target.getvalue()


def write_csv(
    target: IO[bytes],
    header: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    as_text: Callable[[str], str] = harmless,
) -> None:
    """A table as CSV into a binary stream, row by row."""
    text = io.TextIOWrapper(target, "utf-8-sig", newline="")
    writer = _writer(text)
    writer.writerow([_csv_text(name, as_text) for name in header])
    writer.writerows([_csv_text(cell, as_text) for cell in row] for row in rows)
    text.detach()  # flushes; closing is the owner's


def _writer(target: Any) -> Any:
    return csv.writer(target, delimiter=";", lineterminator="\r\n")


def _csv_text(cell: Cell, as_text: Callable[[str], str] = harmless) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "sí" if cell else "no"
        case datetime():
            return f"{_local(cell):%Y-%m-%d %H:%M}"
        case date():
            return cell.isoformat()
        case float() | Decimal():
            return f"{cell:f}".replace(".", ",") if isinstance(cell, Decimal) else _decimal(cell)
        case int():
            return str(cell)
        case _:
            return as_text(cell)


def _decimal(number: float) -> str:
    return f"{round(number, _DECIMALS)!r}".replace(".", ",")


def _local(moment: datetime) -> datetime:
    """As Ecuador's clocks show it; one without a zone is that already."""
    local = moment.astimezone(GUAYAQUIL) if moment.tzinfo else moment
    return local.replace(tzinfo=None)


def write_xlsx(
    target: IO[bytes], header: Sequence[str], rows: Iterable[Sequence[Cell]], about: About
) -> int:
    """A table as XLSX into a binary stream, row by row; returns the number of rows."""
    book = Xlsx(target, header)
    book.add(rows)
    return book.close(about)


class Xlsx:
    """A table as XLSX whose rows come a few at a time, at the memory of one of them.

    What does not fit into a sheet goes on in a further one.
    """

    def __init__(self, target: IO[bytes], header: Sequence[str]) -> None:
        options = {"constant_memory": True, "in_memory": False}
        self._book = xlsxwriter.Workbook(target, options)
        self._sheets = _Sheets(self._book, header)

    def add(self, rows: Iterable[Sequence[Cell]]) -> None:
        """More rows."""
        for row in rows:
            self._sheets.add(row)

    def close(self, about: About) -> int:
        """Write the file; returns the number of rows."""
        self._sheets.close()
        _write_about(self._book, about, self._sheets.count)
        self._book.close()
        return self._sheets.count


class _Sheets:
    """The sheets of a table; rows are written as they come."""

    def __init__(self, book: Any, header: Sequence[str]) -> None:
        self._book, self._header = book, [_clean(name) for name in header]
        self._formats = _formats(book)
        self._write: dict[Any, Callable[[Any, int, int, Any], None]] = {
            str: self._text,
            date: self._date,
            datetime: self._moment,
            Decimal: self._money,
            float: self._number,
            int: self._whole,
            bool: self._flag,
            type(None): self._nothing,
        }
        self.count = 0
        self._begin()

    def add(self, row: Sequence[Cell]) -> None:
        """One more row."""
        if self._at == XLSX_ROWS:
            self.close()
            self._begin()
        self._at += 1
        self.count += 1
        for column, cell in enumerate(row):
            write = self._write.get(type(cell), self._other)
            write(self._sheet, self._at, column, cell)

    def close(self) -> None:
        """The filter's reach is known at the end."""
        if self._header:
            self._sheet.autofilter(0, 0, max(1, self._at), len(self._header) - 1)

    def _begin(self) -> None:
        number = len(self._book.worksheets()) + 1
        name = "Datos" if number == 1 else f"Datos {number}"
        self._sheet, self._at = self._book.add_worksheet(name), 0
        self._sheet.freeze_panes(1, 0)
        for column, name in enumerate(self._header):
            self._sheet.set_column(column, column, min(_MAX_WIDTH, max(_MIN_WIDTH, len(name) + 4)))
            self._sheet.write_string(0, column, name, self._formats["header"])

    def _text(self, sheet: Any, row: int, column: int, cell: str) -> None:
        sheet.write_string(row, column, _clean(cell))

    def _nothing(self, *_: Any) -> None:
        """An empty cell."""

    def _other(self, sheet: Any, row: int, column: int, cell: Any) -> None:
        sheet.write_string(row, column, _clean(str(cell)))  # a StrEnum is its word or code

    def _date(self, sheet: Any, row: int, column: int, cell: date) -> None:
        if cell.year < 1900:  # before Excel's calendar
            sheet.write_string(row, column, cell.isoformat())
        else:
            sheet.write_datetime(row, column, cell, self._formats["date"])

    def _moment(self, sheet: Any, row: int, column: int, cell: datetime) -> None:
        sheet.write_datetime(row, column, _local(cell), self._formats["moment"])

    def _money(self, sheet: Any, row: int, column: int, cell: Decimal) -> None:
        sheet.write_number(row, column, cell, self._formats["money"])

    def _number(self, sheet: Any, row: int, column: int, cell: float) -> None:
        sheet.write_number(row, column, cell, self._formats["number"])

    def _whole(self, sheet: Any, row: int, column: int, cell: int) -> None:
        if abs(cell) < 10**_MAX_DIGITS:
            sheet.write_number(row, column, cell, self._formats["whole"])
        else:
            sheet.write_string(row, column, str(cell))

    def _flag(self, sheet: Any, row: int, column: int, cell: bool) -> None:  # noqa: FBT001  # a cell
        sheet.write_string(row, column, "sí" if cell else "no")


def _formats(book: Any) -> dict[str, Any]:
    """Excel writes points and commas as the reader's Windows does: es-EC shows `1.234,50`."""
    return {
        "header": book.add_format({"bold": True, "bottom": 1}),
        "date": book.add_format({"num_format": "dd/mm/yyyy"}),
        "moment": book.add_format({"num_format": "dd/mm/yyyy hh:mm"}),
        "money": book.add_format({"num_format": '"$"#,##0.00'}),
        "number": book.add_format({"num_format": "#,##0.00##"}),
        "whole": book.add_format({"num_format": "#,##0"}),
    }


def _clean(text: str) -> str:
    """A cell of text is never read as a formula in XLSX: only what XML forbids has to go."""
    return _FORBIDDEN.sub("", text)[:_MAX_TEXT]


def _write_about(book: Any, about: About, count: int) -> None:
    sheet = book.add_worksheet("Acerca de")
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 60)
    pairs = [
        ("Contenido", about.title),
        *about.filters,
        ("Filas", f"{count}"),
        ("Hecho por", about.by),
        ("Datos al", format_datetime(about.as_of)),
    ]
    for row, (name, value) in enumerate(pairs):
        sheet.write_string(row, 0, _clean(name), book.add_format({"bold": True}))
        sheet.write_string(row, 1, _clean(value))
