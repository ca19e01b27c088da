"""The demo's people are plausible, valid and always the same."""

import csv
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from statistics import median

import pytest
from python_calamine import CalamineWorkbook

from infra.demo.customers import AS_OF, COLUMNS, bad_rows, customers, mixed_rows, write_file
from infra.demo.generate_defects import DEFECTS
from infra.demo.generate_file import Row, write_rows
from infra.demo.names import MEN, WOMEN
from shared.ecuador.cedula import parse_cedula
from shared.ecuador.money import parse_money
from shared.ecuador.phones import PhoneKind, parse_phone
from shared.ecuador.provinces import parse_canton, parse_province


@pytest.fixture(scope="module")
def people() -> list[Row]:
    return list(customers(5000))


def share(people: list[Row], column: str, value: str) -> float:
    return sum(row[column] == value for row in people) / len(people)


def test_a_seed_gives_the_same_people_and_a_longer_list_starts_alike(people: list[Row]) -> None:
    assert list(customers(50)) == people[:50]
    assert list(customers(50, seed=2)) != people[:50]


def test_cedulas_and_addresses_are_valid_and_unique_across_seeds(people: list[Row]) -> None:
    everyone = people + list(customers(5000, seed=2))
    cedulas = [parse_cedula(row["cedula"]) for row in everyone]
    assert not any(cedula.warning or cedula.mended for cedula in cedulas)
    assert len({cedula.number for cedula in cedulas}) == len(everyone)
    mails = [row["email"] for row in everyone if row["email"]]
    assert len(set(mails)) == len(mails)
    assert all(mail.isascii() and mail.endswith(".example") for mail in mails)


def test_places_and_phones_are_real(people: list[Row]) -> None:
    for row in people:
        parse_canton(row["canton"], parse_province(row["provincia"]).code)
    phones = [row["telefono"] for row in people if row["telefono"]]
    assert all(parse_phone(phone).kind is PhoneKind.MOBILE for phone in phones)
    assert all(parse_phone(phone).e164 == phone for phone in phones)
    assert 0.9 < len(phones) / len(people) < 0.94


def test_shares_are_those_of_the_country(people: list[Row]) -> None:
    assert 0.22 < share(people, "provincia", "Guayas") < 0.30
    assert 0.48 < share(people, "genero", "F") < 0.53
    assert 0.69 < share(people, "acepta_correo", "sí") < 0.75
    assert 0.62 < share(people, "acepta_llamadas", "sí") < 0.68
    assert 500 < median(parse_money(row["ingresos"]) for row in people) < 600
    at_home = sum(
        row["cedula"][:2] == parse_province(row["provincia"]).code for row in people
    ) / len(people)
    assert 0.8 < at_home < 0.95


def test_names_fit_the_gender(people: list[Row]) -> None:
    for row in people:
        first = row["nombres"].split()[0]
        assert row["genero"] != "F" or first in WOMEN
        assert row["genero"] != "M" or first in MEN
        assert len(row["apellidos"].split()) == 2


def test_everyone_is_grown_up_and_joined_later(people: list[Row]) -> None:
    for row in people:
        born = date.fromisoformat(row["fecha_nacimiento"])
        joined = date.fromisoformat(row["fecha_alta"])
        assert 18 <= (AS_OF - born).days / 365.2425 < 91
        assert born + timedelta(days=18 * 365 + 4) <= joined <= AS_OF
        assert joined.year >= AS_OF.year - 25


def test_bad_rows_go_through_all_defects() -> None:
    named = list(bad_rows(2 * len(DEFECTS)))
    assert [name for name, _ in named] == list(DEFECTS) * 2


def test_bad_rows_differ_from_the_good_ones_in_one_field() -> None:
    good = list(customers(100))
    rows = list(mixed_rows(50, 50))
    assert [name for name, _ in rows].count("") == 50
    assert rows[0][0] == ""
    for original, (name, row) in zip(good, rows, strict=True):
        assert sum(original[column] != row[column] for column in COLUMNS) == bool(name)


def test_a_file_is_written_as_csv_and_xlsx(tmp_path: Path) -> None:
    for name in ("people.csv", "people.xlsx"):
        write_file(str(tmp_path / name), good=40, bad=4)
    with (tmp_path / "people.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == list(COLUMNS)
    assert len(rows) == 45
    with CalamineWorkbook.from_path(tmp_path / "people.xlsx") as book:
        assert book.get_sheet_by_index(0).to_python() == rows


def test_a_spreadsheet_too_long_is_refused_before_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "long.xlsx"
    with pytest.raises(ValueError, match="write CSV"):
        write_rows(str(path), COLUMNS, islice(customers(1), 1), total=2_000_000)
    assert not path.exists()
