"""Amounts of US dollars and plain numbers, read in any usual notation, written as in Ecuador."""

import re
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")

_PLAIN = re.compile(r"-?\d{1,15}(?:\.\d{1,2})?")
_CURRENCY = re.compile(r"(?i)\$|US[D$]?|\s|\u00a0")
# A separator followed by three digits groups thousands, unless the number starts with zero.
_GROUPED = re.compile(r"(-?[1-9]\d{0,2}(?:([.,])\d{3})(?:\2\d{3})*)(?:(?!\2)[.,](\d{1,2}))?")
_UNGROUPED = re.compile(r"(-?\d{1,15})(?:[.,](\d{1,2}))?")
_SWAP = str.maketrans({",": ".", ".": ","})


def parse_money(text: str) -> Decimal:
    """Dollars with two decimals from `1.234,50`, `1234.50` or `$1,234.50`; may be negative.

    `1.234` and `1,234` are one thousand two hundred thirty-four. Raises ValueError in Spanish.
    """
    plain = text if _PLAIN.fullmatch(text) else _plain(text)
    return Decimal(plain).quantize(CENT)


def format_money(amount: Decimal) -> str:
    """`$1.234,50`; a negative amount is `-$1.234,50`. Half cents round away from zero."""
    cents = amount.quantize(CENT, rounding=ROUND_HALF_UP)
    sign = "-" if cents < 0 else ""
    return f"{sign}${format_number(abs(cents), decimals=2)}"


def format_number(value: Decimal | float, decimals: int = 0) -> str:
    """`1.234,5`: point for thousands, comma for decimals."""
    return f"{value:,.{decimals}f}".translate(_SWAP)


def _plain(text: str) -> str:
    bare = _CURRENCY.sub("", text)
    if match := _GROUPED.fullmatch(bare):
        whole, decimals = re.sub("[.,]", "", match[1]), match[3]
    elif match := _UNGROUPED.fullmatch(bare):
        whole, decimals = match[1], match[2]
    else:
        raise ValueError(
            f"El valor «{text.strip()}» no es un monto: escriba, por ejemplo, 1234.50 o 1.234,50."
        )
    return f"{whole}.{decimals or '0'}"
