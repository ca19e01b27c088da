"""Lines of the customer file."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from infra.demo.customers import COLUMNS, customers
from services.customer_query.import_load import CUSTOMERS
from services.customer_query.import_rows import FIELDS, changeable, given
from shared import clock
from shared.errors import Invalid
from shared.loads.fields import guess, map_columns
from shared.loads.load import Checker

TODAY = date(2026, 11, 20)
HEADER = ["cedula", "nombres", "apellidos", "fecha_nacimiento", "ingresos", "provincia", "canton"]
ROW = ["1710034065", "Ana", "Mora", "14/05/1990", "1.250,50", "Pichincha", "quito"]


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "today", lambda: TODAY)


def reader(header: list[str] = HEADER) -> Checker[dict[str, Any]]:
    return Checker(CUSTOMERS, header, map_columns(FIELDS, header, None))


def test_the_demo_files_header_is_guessed_whole() -> None:
    assert set(guess(FIELDS, COLUMNS)) == {field.name for field in FIELDS}


@pytest.mark.parametrize(
    "header",
    [
        ["CÉDULA", "Nombres", "APELLIDOS"],
        ["id_number", "first_names", "last_names"],
        ["Identificación", "nombre", "Apellido", "otra cosa"],
    ],
)
def test_headers_are_guessed_in_any_writing(header: list[str]) -> None:
    assert map_columns(FIELDS, header, None) == dict(
        zip(("cedula", "first_names", "last_names"), header, strict=False)
    )


def test_missing_and_unknown_columns_are_named() -> None:
    with pytest.raises(Invalid, match="cedula, apellidos"):
        map_columns(FIELDS, ["nombres", "x"], None)
    with pytest.raises(Invalid, match="«DNI»"):
        map_columns(FIELDS, ["nombres"], {"cedula": "DNI"})
    with pytest.raises(Invalid, match="color no existe"):
        map_columns(FIELDS, ["nombres"], {"color": "nombres"})


def test_a_row_becomes_checked_columns() -> None:
    values = reader().read(ROW)
    assert values["birth_on"] == date(1990, 5, 14)
    assert values["income"] == Decimal("1250.50")
    assert (values["province"], values["canton"]) == ("17", "1701")
    assert values["search"] == "mora ana"
    assert not {"joined_on", "category", "category_reason"} & values.keys()  # as they were


def test_an_empty_cell_says_nothing_and_a_short_row_is_padded() -> None:
    values = reader().read([*ROW[:3], "", ""])
    assert not {"birth_on", "income", "province", "canton"} & values.keys()


def test_a_category_of_the_file_is_its_code() -> None:
    assert reader([*HEADER, "categoria"]).read([*ROW, "Leal"])["category"] == "loyal"


def test_all_that_is_wrong_with_a_row_is_told_at_once() -> None:
    row = ["171003406", "", "Mora", "31/02/1990", "mucho", "Cundinamarca", "Quito"]
    with pytest.raises(ValueError, match="cedula:") as caught:
        reader().read(row)
    for column in ("nombres", "fecha_nacimiento", "ingresos", "provincia", "canton"):
        assert f"{column}:" in str(caught.value)


def test_too_many_cells_and_too_long_ones_are_refused() -> None:
    with pytest.raises(ValueError, match="más columnas"):
        reader().read([*ROW, "x"])
    with pytest.raises(ValueError, match="demasiado largo"):
        reader().read(["1710034065", "Ana " * 300, "Mora"])


@pytest.mark.parametrize("text", ["sí", "SI", "1", "true", "x"])
def test_yes_in_many_words(text: str) -> None:
    assert reader([*HEADER[:3], "acepta_correo"]).read([*ROW[:3], text])["consent_mail"] is True


def test_every_demo_customer_is_a_good_row() -> None:
    read = reader(list(COLUMNS)).read
    for row in customers(300, seed=3):
        assert read([row[name] for name in COLUMNS])["cedula"] == row["cedula"]


def test_only_the_files_columns_may_change() -> None:
    assert given(["cedula", "first_names", "last_names", "email"]) == (
        "cedula",
        "first_names",
        "last_names",
        "email",
        "search",
    )
    assert changeable(given(["cedula", "province", "email", "joined_on"])) == (
        "province",
        "email",
        "joined_on",
        "search",
        "canton",
        "mail_bounced",
        "category",
        "category_reason",
    )
