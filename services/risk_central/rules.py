"""What a row of the risk file must be, what can be asked by name, and which answer comes first."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError

from shared.contracts.risk_central import RISK_FILE, RiskReport
from shared.ecuador.cedula import normalise_cedula
from shared.ecuador.dates import parse_date
from shared.ecuador.money import parse_money
from shared.ecuador.names import tokens
from shared.errors import FieldError, Invalid
from shared.loads.fields import Field
from shared.spanish import spanish

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_CEDULAS = 1000

_MAX_NAME_LENGTH = 200
_MAX_NAME_TOKENS = 10
_MIN_TOKEN_LENGTH = 2


def parse_category(text: str) -> str:
    """A category in any case; the report's model knows which there are."""
    return text.upper()


def parse_full_name(text: str) -> str:
    """A name with single spaces."""
    return " ".join(text.split())


# Other names that a field's column goes by, folded, and how its text is read.
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "cedula": ("identificacion", "ci"),
    "full_name": ("nombre", "nombre completo", "nombres completos", "apellidos y nombres"),
    "category": ("categoria", "calificacion"),
    "score": ("puntaje",),
    "total_debt": ("deuda", "deuda total", "deuda_total"),
    "days_overdue": ("dias de mora", "dias_de_mora", "dias_mora", "mora"),
    "reported_on": ("fecha", "datos al", "fecha de corte", "fecha_corte"),
    "source": ("fuente",),
}
_PARSERS: dict[str, Callable[[str], Any]] = {
    "cedula": normalise_cedula,
    "full_name": parse_full_name,
    "category": parse_category,
    "total_debt": parse_money,
    "reported_on": parse_date,
}
FIELDS = tuple(
    Field(column, _SYNONYMS[column.field], _PARSERS.get(column.field, str)) for column in RISK_FILE
)


def check_report(values: Mapping[str, Any], today: date) -> RiskReport:
    """The report of a row's values. Raises Invalid by field."""
    try:
        report = RiskReport.model_validate(values)
    except ValidationError as error:
        raise Invalid(
            "Hay datos por corregir.",
            [FieldError(str(item["loc"][0]), spanish(item)) for item in error.errors()],
        ) from None
    if report.reported_on > today:
        raise Invalid.field("reported_on", "La fecha está en el futuro.")
    return report


def parse_name(text: str | None) -> str:
    """A name asked for, of words which may be beginnings of words.

    Raises ValueError in Spanish where they would match nobody or nearly everybody.
    """
    text = text or ""
    words = tokens(text[: _MAX_NAME_LENGTH + 1])
    if len(text) > _MAX_NAME_LENGTH or len(words) > _MAX_NAME_TOKENS:
        raise ValueError(f"El nombre es demasiado largo: use hasta {_MAX_NAME_TOKENS} palabras.")
    if not any(len(word) >= _MIN_TOKEN_LENGTH for word in words):
        raise ValueError("Escriba un nombre con al menos dos letras seguidas.")
    return text


def check_limit(limit: int | None) -> int:
    """How many homonyms to give: 20 unless told, 100 at most. Raises ValueError below 1."""
    if limit is None:
        return DEFAULT_LIMIT
    if limit < 1:
        raise ValueError(f"El límite va de 1 a {MAX_LIMIT}.")
    return min(limit, MAX_LIMIT)
