"""The cédula as people and spreadsheets write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.ec import ci

from shared.ecuador.cedula import is_valid_number, normalise_cedula, parse_cedula

prefixes = st.sampled_from([*(f"{code:02}" for code in range(1, 25)), "30"])
numbers = st.builds(
    lambda prefix, rest: f"{prefix}{rest:07}" + luhn.calc_check_digit(f"{prefix}{rest:07}"),
    prefixes,
    st.integers(0, 9_999_999),
)


@given(numbers)
def test_every_cedula_is_taken_and_stays_the_same(number: str) -> None:
    assert parse_cedula(number).number == number
    assert parse_cedula(number).issued_in == number[:2]


@given(numbers, st.integers(0, 9), st.integers(1, 9))
def test_one_changed_digit_is_refused(number: str, place: int, by: int) -> None:
    digit = str((int(number[place]) + by) % 10)
    changed = number[:place] + digit + number[place + 1 :]
    assert not is_valid_number(changed)


@given(numbers.filter(lambda number: number[0] == "0"))
def test_a_lost_leading_zero_is_mended(number: str) -> None:
    cedula = parse_cedula(number[1:])
    assert (cedula.number, cedula.mended) == (number, True)


@given(numbers.filter(lambda number: number[2] < "7"))
def test_the_library_agrees(number: str) -> None:
    assert ci.is_valid(number)


@pytest.mark.parametrize(
    "text", ["171430710-3", " 1714307103 ", "17 1430 7103", "17-1430710-3", "1714307103.0"]
)
def test_separators_do_not_matter(text: str) -> None:
    assert normalise_cedula(text) == "1714307103"


def test_a_third_digit_of_six_or_more_is_a_warning_only() -> None:
    assert parse_cedula("1714307103").warning is None
    odd = "176000000" + luhn.calc_check_digit("176000000")
    assert "tercer dígito" in (parse_cedula(odd).warning or "")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "Falta la cédula"),
        ("1714307104", "dígito verificador"),
        ("171430710", "10 dígitos"),
        ("17143071030", "10 dígitos"),
        ("2514307103", "empieza por 25"),
        ("5014307103", "empieza por 50"),
        ("17143O7103", "solo lleva dígitos"),
        ("١٧١٤٣٠٧١٠٣", "solo lleva dígitos"),
        ("1.714307103E9", "solo lleva dígitos"),
    ],
)
def test_a_wrong_cedula_is_told_what_to_do(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        normalise_cedula(text)
