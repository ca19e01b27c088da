"""Amounts in every notation."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ecuador.money import format_money, format_number, parse_money

amounts = st.decimals(-999_999_999, 999_999_999, places=2)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1.234,50", "1234.50"),
        ("1234.50", "1234.50"),
        ("$1,234.50", "1234.50"),
        ("USD 1.234.567", "1234567.00"),
        ("1.234", "1234.00"),
        ("1,5", "1.50"),
        ("0", "0.00"),
        ("-$3,20", "-3.20"),
        ("$ 12", "12.00"),
    ],
)
def test_usual_notations_are_read(text: str, amount: str) -> None:
    assert str(parse_money(text)) == amount


@pytest.mark.parametrize("text", ["", "doce", "1.2.3", "12.345.6", "1,23,456", "0.123", "1e5"])
def test_what_is_no_amount_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="no es un monto"):
        parse_money(text)


@given(amounts)
def test_what_is_shown_reads_back(amount: Decimal) -> None:
    assert parse_money(format_money(amount)) == amount
    assert parse_money(f"{amount:,.2f}") == amount
    assert parse_money(str(amount)) == amount


def test_amounts_are_shown_as_in_ecuador() -> None:
    assert format_money(Decimal("1234.5")) == "$1.234,50"
    assert format_money(Decimal("-0.005")) == "-$0,01"
    assert format_number(1234567.25, decimals=1) == "1.234.567,2"
