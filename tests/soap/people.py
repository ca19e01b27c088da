"""People the bureau knows in these tests, and small tools to ask for them."""

import csv
import io
import time
from collections.abc import Callable

import pytest
from stdnum import luhn

from infra.native import run
from shared.contracts.risk_central import RISK_FILE

COLUMNS = tuple(column.label for column in RISK_FILE)
USER, PASSWORD = "soap", "contraseña-de-prueba"

Row = dict[str, str]


def cedula(body: str) -> str:
    """The cédula of nine digits."""
    return body + luhn.calc_check_digit(body)


def row(body: str, name: str, **changes: str) -> Row:
    """A row of the risk file."""
    usual = {
        "cedula": cedula(body),
        "full_name": name,
        "category": "A1",
        "score": "900",
        "total_debt": "1234.50",
        "days_overdue": "0",
        "reported_on": "2026-10-31",
        "source": "Banca",
    }
    return usual | changes


PEOPLE = [
    row("171430710", "Guamán Quishpe María José"),
    row("010000001", "Guamán María", score="850", category="A2", days_overdue="3"),
    row("090000002", "Ñúñez Peña Íñigo Andrés", total_debt="0.00", source="Cooperativa <Ñ> & Cía."),
    row("130000003", "Zambrano Cedeño María Guadalupe", category="E", score="7"),
    *(row(f"17200{number:04}", "Homónimo Pérez Juan") for number in range(150)),
]


def csv_bytes(
    rows: list[Row], columns: tuple[str, ...] = COLUMNS, encoding: str = "utf-8"
) -> bytes:
    """The rows as a file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def free_port() -> int:
    """A port nobody listens on now."""
    return int(run.free_port())


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Return when the condition holds; fail, saying what was waited for, at the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} not within {seconds} s")
        time.sleep(0.02)
