"""Provinces and cantons by code and name."""

import pytest

from shared.ecuador.provinces import (
    cantons,
    cantons_of,
    find_canton,
    find_province,
    parse_canton,
    parse_province,
    provinces,
)


def test_the_lists_are_whole_and_fit_together() -> None:
    assert [province.code for province in provinces()] == [f"{n:02}" for n in range(1, 25)]
    assert len(cantons()) == 221
    assert sum(len(cantons_of(province.code)) for province in provinces()) == 221
    assert all(canton.code[:2] == canton.province_code for canton in cantons())


def test_every_capital_is_a_canton_or_in_one() -> None:
    named = {p.code for p in provinces() if find_canton(p.capital, p.code)}
    assert len(named) >= 18


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("17", "17"),
        ("9", "09"),
        (" pichincha ", "17"),
        ("BOLIVAR", "02"),
        ("cañar", "03"),
        ("Canar", "03"),
        ("Sto. Domingo", "23"),
        ("Santo Domingo de los Tsáchilas", "23"),
    ],
)
def test_a_province_is_found_by_code_and_name(text: str, code: str) -> None:
    assert parse_province(text).code == code


@pytest.mark.parametrize("text", ["", "25", "0", "Lima"])
def test_an_unknown_province_is_told(text: str) -> None:
    assert find_province(text) is None
    with pytest.raises(ValueError, match="No existe la provincia"):
        parse_province(text)


def test_a_canton_needs_its_province_where_names_repeat() -> None:
    assert find_canton("Bolívar") is None
    assert parse_canton("bolivar", "04").code == "0402"
    assert parse_canton("101", "01").name == "Cuenca"


def test_a_canton_of_another_province_is_told() -> None:
    with pytest.raises(ValueError, match="no es de Guayas"):
        parse_canton("Quito", "09")
