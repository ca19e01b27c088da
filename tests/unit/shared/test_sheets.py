"""Files that people take away: what Excel makes of them, and what we make of them ourselves."""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from shared import sheets
from shared.ecuador.dates import parse_date
from shared.ecuador.money import parse_money
from shared.loads.sources import source_of

ABOUT = sheets.About(
    "Campañas",
    by="jefe",
    as_of=datetime(2026, 11, 20, 19, 5, tzinfo=UTC),
    filters=(("Año", "2026"),),
)
HEADER = ("=cmd", "Día", "Monto")
FORMULAS = [
    "=1+1",
    "+cmd|' /c'!A1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\tAna",
    " =1+1",
    "\u00a0=1+1",
    "\u200b@SUM(A1)",
    "＝1+1",
    "＋1+1",
    "－1+1",
    "＠SUM(A1)",
]


def as_csv(*rows: Any, header: tuple[str, ...] = HEADER) -> bytes:
    target = io.BytesIO()
    sheets.write_csv(target, header, rows)
    return target.getvalue()


def as_xlsx(*rows: Any, header: tuple[str, ...] = HEADER) -> io.BytesIO:
    target = io.BytesIO()
    sheets.write_xlsx(target, header, rows, ABOUT)
    target.seek(0)
    return target


def test_a_csv_is_what_excel_in_ecuador_opens() -> None:
    content = as_csv(
        ("Año; viejo", date(2026, 11, 20), Decimal("1234.50")),
        (None, None, 0.25),
        (None, None, 0.0240963855),
    )
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.decode("utf-8-sig").split("\r\n") == [
        "'=cmd;Día;Monto",
        '"Año; viejo";2026-11-20;1234,50',
        ";;0,25",
        ";;0,0241",
        "",
    ]
    assert "".join(sheets.csv_lines(("a", "b"), [(1, True)])) == "\ufeffa;b\r\n1;sí\r\n"


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_becomes_a_formula_and_all_come_back(text: str) -> None:
    assert sheets.harmless(text) == f"'{text}"
    assert sheets.plain(sheets.harmless(text)) == text
    with source_of(io.BytesIO(as_csv((text, "x", "y")))) as source:
        assert source.header[0] == "'=cmd"
        [(_, cells)] = source.lines
    assert sheets.plain(cells[0]) == text


@pytest.mark.parametrize("text", ["+593991234567", "-5", "O'Neil", "", "'"])
def test_what_is_no_formula_stands_as_it_is(text: str) -> None:
    assert sheets.plain(sheets.harmless(text)) == sheets.harmless(text) == text


@pytest.mark.parametrize("text", FORMULAS)
def test_no_header_becomes_a_formula(text: str) -> None:
    assert sheets.csv_line([text]).strip('"').startswith("'")
    [line] = csv.reader(io.StringIO(sheets.csv_line([text]), newline=""), delimiter=";")
    assert line == [f"'{text}"]
    with zipfile.ZipFile(as_xlsx((1,), header=(text,))) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


def test_a_moment_is_ecuadors() -> None:
    assert sheets.csv_line([datetime(2026, 11, 21, 2, 5, tzinfo=UTC)]) == "2026-11-20 21:05\r\n"


def test_what_we_write_is_what_we_read() -> None:
    content = as_csv(("Ñ", date(2026, 1, 31), Decimal("-1234567.80")))
    with source_of(io.BytesIO(content)) as source:
        [(_, cells)] = source.lines
    assert parse_date(cells[1]) == date(2026, 1, 31)
    assert parse_money(cells[2]) == Decimal("-1234567.80")


def test_an_xlsx_has_real_dates_and_numbers_and_says_what_it_is() -> None:
    moment = datetime(2026, 11, 21, 2, 5, tzinfo=UTC)
    book = CalamineWorkbook.from_filelike(
        as_xlsx(("=1+1", date(2026, 11, 20), Decimal("1234.50")), (moment, 7, None))
    )
    header, first, second = book.get_sheet_by_index(0).to_python()
    assert header == list(HEADER)
    assert first == ["=1+1", date(2026, 11, 20), 1234.5]
    assert second[:2] == [datetime.fromisoformat("2026-11-20T21:05"), 7]
    about = {row[0]: row[1] for row in book.get_sheet_by_name("Acerca de").to_python()}
    assert about["Contenido"] == "Campañas"
    assert (about["Año"], about["Hecho por"]) == ("2026", "jefe")
    assert about["Datos al"] == "20 nov 2026 14:05"


def test_an_xlsx_has_no_formula_a_frozen_header_and_a_filter() -> None:
    with zipfile.ZipFile(as_xlsx(*[(text, text, text) for text in FORMULAS])) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert 'state="frozen"' in sheet
    assert f'<autoFilter ref="A1:C{len(FORMULAS) + 1}"' in sheet


@pytest.mark.parametrize("text", ["a\x00b", "a\x1bb", "a\ufffeb", "a\ud800b"])
def test_what_xml_forbids_is_dropped(text: str) -> None:
    book = CalamineWorkbook.from_filelike(as_xlsx((text, text, text), header=(text, "b", "c")))
    assert book.get_sheet_by_index(0).to_python()[1] == ["ab"] * 3
    assert as_csv((text, "", "")).decode("utf-8-sig").splitlines()[1] == "ab;;"


def test_a_table_longer_than_a_sheet_goes_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "XLSX_ROWS", 3)
    book = CalamineWorkbook.from_filelike(as_xlsx(*[(number, 1, 2) for number in range(7)]))
    assert len(book.sheet_names) == 4
    rows = [row[0] for at in range(3) for row in book.get_sheet_by_index(at).to_python()[1:]]
    assert rows == list(range(7))


def test_rows_are_taken_one_by_one() -> None:
    """Nothing of what was taken before is asked for again: a server-side cursor will do."""
    taken: list[int] = []

    def rows() -> Iterator[tuple[int]]:
        for number in range(1000):
            taken.append(number)
            yield (number,)

    lines = sheets.csv_lines(("n",), rows())
    next(lines)
    next(lines)
    assert taken == [0]
    assert list(csv.reader(lines, delimiter=";"))[-1] == ["999"]


def test_a_number_that_excel_would_round_stays_as_it_is_written() -> None:
    book = CalamineWorkbook.from_filelike(as_xlsx((1234567890123456, "x", 123456789012345)))
    assert book.sheet_names[0] == "Datos"
    [_, row] = book.get_sheet_by_index(0).to_python()
    assert row == ["1234567890123456", "x", 123456789012345]
