"""What no value from outside may be, whatever its field: one place for all doors and readers.

The database takes no NUL, JSON no lone surrogate and no infinity, an index no number beyond 64
bits, a calendar no year 1; and a control character has no place in what people read, or in the
head of a mail. A procedure's arguments are looked at by `find`, a file's cells by `is_odd`.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any

from pydantic import BaseModel

LEVELS = 64
INTEGER_MAX = 2**63 - 1
FIRST_YEAR, LAST_YEAR = 1900, 2100  # of whoever lives now, and of whatever is agreed with them
_EXPONENT = 30  # of a decimal; our amounts have 14 digits

ODD_TEXT = "El texto tiene caracteres que no se pueden guardar: bórrelo y escríbalo de nuevo."
TOO_LARGE = "El número es demasiado grande."
ODD_YEAR = f"El año debe estar entre {FIRST_YEAR} y {LAST_YEAR}."
_NO_NUMBER = "Escriba un número."
_NO_DATE = "Escriba la fecha entre comillas, como 2026-11-20 o 2026-11-20T14:05:00-05:00."
_TOO_DEEP = f"Hay más de {LEVELS} niveles uno dentro de otro."

# Controls but tab and line ends, halves of a pair, and what Unicode says is no character.
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

Path = tuple[str | int, ...]
Wrong = tuple[Path, str]


def is_odd(text: str) -> bool:
    """Whether a text has characters that none of ours has."""
    return _ODD.search(text) is not None


def one_line(text: str) -> str:
    """The text, of a name or a subject. Raises ValueError where it has several lines."""
    if any(sign in text for sign in "\t\r\n"):
        raise ValueError("Escríbalo en una sola línea.")
    return text


def visible(text: str) -> str:
    """The text with single spaces, and without what is pasted unseen and may turn it around."""
    shown = " ".join(text.split())
    if shown.isprintable():
        return shown
    return " ".join("".join(sign for sign in shown if sign.isprintable()).split())


def counted(value: Any) -> Any:
    """The value, for a number: JSON's `true` is none, though Python counts it as one."""
    if isinstance(value, bool):
        raise ValueError(_NO_NUMBER)  # what pydantic tells its caller
    return value


def written(value: Any) -> Any:
    """The value, for a date: a bare number would be seconds since 1970, which nobody means."""
    if isinstance(value, int | float):
        raise ValueError(_NO_DATE)
    return value


def whole(text: str) -> int | None:
    """A whole number of at most 64 bits as it was typed; None for any other text."""
    bare = text.strip()
    number = int(bare) if bare.isdecimal() and len(bare) <= len(str(INTEGER_MAX)) else -1
    return number if 0 <= number <= INTEGER_MAX else None


def lawful(day: date) -> date:
    """The day, or moment. Raises ValueError in Spanish where no date of ours can be."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(ODD_YEAR)
    return day


def printable(text: str) -> str:
    """A text that any answer can carry: what is odd in it becomes `\\ufffd`."""
    return _ODD.sub("\ufffd", text)


def find(value: Any, path: Path = ()) -> Iterator[Wrong]:
    """What of a value cannot be, by its path, in Spanish; models and containers are walked."""
    match value:
        case BaseModel():
            yield from _find_inside(value.__dict__.items(), path)
        case Mapping():
            yield from (((*path, key), ODD_TEXT) for key in value if is_odd(str(key)))
            yield from _find_inside(value.items(), path)
        case list() | tuple() | set() | frozenset():
            yield from _find_inside(enumerate(value), path)
        case _:
            if message := _wrong(value):
                yield path, message


def _find_inside(items: Any, path: Path) -> Iterator[Wrong]:
    if len(path) > LEVELS:
        yield path[:LEVELS], _TOO_DEEP
        return
    for key, value in items:
        yield from find(value, (*path, key))


def _wrong(value: Any) -> str | None:
    match value:
        case str():
            return ODD_TEXT if is_odd(value) else None
        case int():
            return None if -INTEGER_MAX <= value <= INTEGER_MAX else TOO_LARGE
        case float() | Decimal():
            return _wrong_number(value)
        case date():
            return None if FIRST_YEAR <= value.year <= LAST_YEAR else ODD_YEAR
    return None


def _wrong_number(value: float | Decimal) -> str | None:
    if not isfinite(value):
        return _NO_NUMBER
    return TOO_LARGE if is_extreme(Decimal(value)) else None


def is_extreme(number: Decimal) -> bool:
    """Whether a finite number, written out, would be longer than any of ours can be.

    A zero may have a million places behind the point, too.
    """
    exponent = int(number.as_tuple().exponent)
    return max(exponent, -number.adjusted() if number else -exponent, number.adjusted()) > _EXPONENT
