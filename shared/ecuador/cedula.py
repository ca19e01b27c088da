"""The cédula, Ecuador's personal identity number.

Ten digits: two of the province of issue (01–24, or 30 for those issued abroad), seven running
ones, a check digit by Luhn's mod 10 (Registro Civil). The province is where it was issued, not
where the person lives.
"""

import re
from dataclasses import dataclass

from stdnum import luhn

ISSUED_ABROAD = "30"
LENGTH = 10

_SEPARATORS = re.compile(r"[\s.\-\u2010-\u2015\u00a0]+")
_DECIMAL_TAIL = re.compile(r"\.0+\s*$")
_PREFIXES = frozenset({*(f"{code:02}" for code in range(1, 25)), ISSUED_ABROAD})
_UNUSUAL_THIRD_DIGIT = (
    "El tercer dígito de la cédula es 6 o mayor, lo que es poco común: verifíquela."
)


@dataclass(frozen=True, slots=True)
class Cedula:
    """A checked cédula; `warning` is a Spanish text for what is odd but allowed."""

    number: str
    mended: bool = False
    warning: str | None = None

    @property
    def issued_in(self) -> str:
        """INEC code of the province of issue, or `ISSUED_ABROAD`."""
        return self.number[:2]


def parse_cedula(text: str) -> Cedula:
    """The cédula in a text with spaces, dashes or a leading zero lost in a spreadsheet.

    A zero is only given back (`mended`) when the check digit then fits. Raises ValueError
    whose Spanish message names the remedy.
    """
    digits = compact(text)
    mended = len(digits) == LENGTH - 1 and is_valid_number(f"0{digits}")
    number = f"0{digits}" if mended else digits
    if not is_valid_number(number):
        raise ValueError(_what_is_wrong(number))
    return Cedula(number, mended, _UNUSUAL_THIRD_DIGIT if number[2] >= "6" else None)


def normalise_cedula(text: str) -> str:
    """The ten digits of a cédula, leading zero included. Raises ValueError in Spanish."""
    return parse_cedula(text).number


def is_valid_number(number: str) -> bool:
    """Whether ten ASCII digits, nothing else, are a cédula: province and check digit fit."""
    return (
        len(number) == LENGTH
        and is_digits(number)
        and number[:2] in _PREFIXES
        and luhn.checksum(number) == 0
    )


def compact(text: str) -> str:
    """The text without spaces, dots, dashes and the `.0` a spreadsheet puts behind a number."""
    return _SEPARATORS.sub("", _DECIMAL_TAIL.sub("", text))


def is_digits(text: str) -> bool:
    """Whether all characters are 0 to 9; `str.isdigit` alone also takes other scripts."""
    return text.isascii() and text.isdigit()


def _what_is_wrong(number: str) -> str:
    if not number:
        return "Falta la cédula: escriba sus 10 dígitos."
    if not is_digits(number):
        return "La cédula solo lleva dígitos: quite letras y símbolos."
    if len(number) != LENGTH:
        return f"La cédula tiene 10 dígitos y aquí hay {len(number)}: revísela en el documento."
    if number[:2] not in _PREFIXES:
        return f"Ninguna cédula empieza por {number[:2]}: los dos primeros dígitos van de 01 a 24."
    return "El dígito verificador de la cédula no coincide: revise si hay un dígito cambiado."
