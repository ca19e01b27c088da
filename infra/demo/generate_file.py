"""Rows to CSV or XLSX as a stream, with progress on standard error."""

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import xlsxwriter

Row = dict[str, str]

XLSX_ROWS = 1_048_575  # Excel's limit without the header
_PROGRESS_EVERY = 50_000


def write_rows(path: str, columns: Sequence[str], rows: Iterable[Row], total: int) -> None:
    """Write a file whose format is told by its name. Raises ValueError where it cannot hold all."""
    shown = _with_progress(rows, total)
    if path.lower().endswith(".xlsx"):
        if total > XLSX_ROWS:
            raise ValueError(f"an XLSX file holds {XLSX_ROWS:,} rows: write CSV")
        _write_xlsx(path, columns, shown)
    else:
        _write_csv(path, columns, shown)


def _write_csv(path: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(row.values() for row in rows)


def _write_xlsx(path: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("Clientes")
        sheet.write_row(0, 0, columns)
        for number, row in enumerate(rows, start=1):
            for column, value in enumerate(row.values()):
                sheet.write_string(number, column, value)


def _with_progress(rows: Iterable[Row], total: int) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        yield row
        if number % _PROGRESS_EVERY == 0:
            print(f"{number:,} of {total:,}", file=sys.stderr, flush=True)
