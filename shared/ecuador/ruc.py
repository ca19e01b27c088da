"""The RUC, the tax number of persons and companies (Servicio de Rentas Internas).

Thirteen digits: a natural person's is the cédula and the establishment (001…); a company's third
digit is 9, a public body's 6. Newer company numbers exist whose check digit does not fit, so for
them that is a warning only.
"""

from dataclasses import dataclass
from enum import StrEnum

from stdnum.ec import ruc as stdnum_ruc
from stdnum.exceptions import ValidationError

from shared.ecuador import cedula

LENGTH = 13

_PUBLIC_BODY_DIGIT = "6"
_COMPANY_DIGIT = "9"
_PUBLIC_WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2, 1)
_CHECK_DIGIT_WARNING = "El dígito verificador del RUC no coincide: verifíquelo en el SRI."


class RucKind(StrEnum):
    """Whose number it is, by its third digit and check digit."""

    PERSON = "person"
    COMPANY = "company"
    PUBLIC_BODY = "public_body"


@dataclass(frozen=True, slots=True)
class Ruc:
    """A checked RUC; `warning` is a Spanish text for what is odd but allowed."""

    number: str
    kind: RucKind
    warning: str | None = None


def parse_ruc(text: str) -> Ruc:
    """The RUC in a text with spaces, dashes or a leading zero lost.

    Raises ValueError in Spanish.
    """
    digits = cedula.compact(text)
    number = f"0{digits}" if len(digits) == LENGTH - 1 else digits
    _check_form(number)
    if cedula.is_valid_number(number[:10]) and not _is_organisation(number):
        return Ruc(number, RucKind.PERSON)
    return _parse_organisation(number)


def parse_identity(text: str) -> str:
    """The digits of a cédula or a RUC, told apart by length. Raises ValueError in Spanish."""
    if len(cedula.compact(text)) >= LENGTH - 1:
        return parse_ruc(text).number
    return cedula.normalise_cedula(text)


def _check_form(number: str) -> None:
    if not cedula.is_digits(number) or len(number) != LENGTH:
        raise ValueError("El RUC tiene 13 dígitos: la cédula o el número de la empresa, y 001.")
    if number.endswith("000"):
        raise ValueError("El RUC no puede terminar en 000: revise el establecimiento (001).")


def _is_organisation(number: str) -> bool:
    """Whether a number that would pass as a person's is rather an organisation's.

    A public body's establishment has four digits, so its tenth digit is nearly always 0.
    """
    if number[2] == _PUBLIC_BODY_DIGIT:
        return number[9] == "0" and _public_check_digit_fits(number)
    return number[2] == _COMPANY_DIGIT


def _public_check_digit_fits(number: str) -> bool:
    total = sum(w * int(digit) for w, digit in zip(_PUBLIC_WEIGHTS, number[:9], strict=True))
    return total % 11 == 0


def _parse_organisation(number: str) -> Ruc:
    kinds = {_COMPANY_DIGIT: RucKind.COMPANY, _PUBLIC_BODY_DIGIT: RucKind.PUBLIC_BODY}
    kind = kinds.get(number[2])
    if kind is None:
        raise ValueError("El RUC no es válido: sus diez primeros dígitos no son una cédula.")
    try:
        stdnum_ruc.validate(number)
    except ValidationError:
        return Ruc(number, kind, _CHECK_DIGIT_WARNING)
    return Ruc(number, kind)
