"""What a segment can ask of a person: each criterion is declared here, once.

From this follow the parser of definitions, the builder's page, the description in Spanish, the
API's schema and the manual. The SQL is the room's: `services/customer_query/segment_sql.py` has
one line for each key, and a test compares the two.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, ClassVar

from shared.bounds import is_extreme, is_odd
from shared.contracts.people import Category, Gender
from shared.contracts.risk_central import RiskCategory
from shared.ecuador import provinces
from shared.ecuador.money import format_money
from shared.ecuador.names import fold
from shared.words import Term, inside

LARGEST = 10**9
CODE_LENGTH = 60
_NUMBER_LENGTH = 30

Value = str | int | float | bool
Places = Callable[[], Iterable[provinces.Province | provinces.Canton]]


@dataclass(frozen=True)
class Criterion:
    """A key of the grammar, and its label as it stands in the middle of a sentence."""

    key: str
    label: str
    kind: ClassVar[str] = ""  # how the builder draws it
    operators: ClassVar[tuple[str, ...]] = ()

    def read(self, value: Any) -> Value:
        """One value as it was given. Raises ValueError in Spanish for one that cannot be."""
        raise NotImplementedError

    def tell(self, value: Value) -> str:
        """A value inside a sentence."""
        return str(value)

    def options(self) -> Mapping[str, str]:
        """Values to choose from and what a list calls them; empty where they are not known here."""
        return {}


class OneOf(Criterion):
    """The value is one of several."""

    kind = "choice"
    operators = ("in", "is")


@dataclass(frozen=True)
class Choice(OneOf):
    """One of an enum's."""

    terms: type[Term]

    def read(self, value: Any) -> Value:
        """A code of the enum."""
        if isinstance(value, str) and value in self.options():
            return str(value)
        raise ValueError(f"Elija entre {', '.join(self.terms)}.")

    def tell(self, value: Value) -> str:
        """As people are called: `mujeres`."""
        return inside(self.options()[str(value)])

    def options(self) -> Mapping[str, str]:
        """By the words for several: `Mujeres`."""
        return {term.value: term.plural for term in self.terms}


@dataclass(frozen=True)
class Place(OneOf):
    """A province or a canton, by its INEC code."""

    places: Places
    wanted: str

    def read(self, value: Any) -> Value:
        """A code that exists."""
        if isinstance(value, str) and value in self.options():
            return value
        raise ValueError(self.wanted)

    def tell(self, value: Value) -> str:
        """Its name."""
        return self.options()[str(value)]

    def options(self) -> Mapping[str, str]:
        """In the order of their names."""
        return _names(self.places)


class Codes(OneOf):
    """A code that only a catalogue knows."""

    kind = "codes"

    def read(self, value: Any) -> Value:
        """A short text."""
        if not isinstance(value, str) or not 0 < len(value) <= CODE_LENGTH or is_odd(value):
            raise ValueError("Use el código del servicio.")
        return value


class Campaigns(OneOf):
    """A campaign by its number; the builder asks which there are."""

    kind = "numbers"

    def read(self, value: Any) -> Value:
        """A number that a campaign may have."""
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
            raise ValueError("Use el número de la campaña.")
        return value


@dataclass(frozen=True)
class Range(Criterion):
    """A number between two, both included."""

    unit: str
    low: int  # what the builder proposes
    high: int
    whole: bool = True
    kind = "range"
    operators = ("between", "is")

    def read(self, value: Any) -> Value:
        """A number, also as text."""
        number = _number(value)
        if self.whole and number != number.to_integral_value():
            raise ValueError("Use un número entero.")
        return float(value) if isinstance(value, Decimal) else value

    def tell_range(self, low: Decimal, high: Decimal) -> str:
        """`edad de 25 a 45 años`, `ingresos de $400,00 a $1.200,00`."""
        if self.whole:
            return f"{self.label} de {low:f} a {high:f} {self.unit}"
        return f"{self.label} de {format_money(low)} a {format_money(high)}"


class Flag(Criterion):
    """Yes or no."""

    kind = "flag"
    operators = ("is",)

    def read(self, value: Any) -> Value:
        """True or false."""
        if not isinstance(value, bool):
            raise ValueError("Use true o false.")
        return value


@cache
def _names(places: Places) -> Mapping[str, str]:
    found = sorted(places(), key=lambda place: fold(place.name))
    return {place.code: place.name for place in found}


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("Use un número.")
    if isinstance(value, int) and abs(value) > LARGEST:
        raise ValueError("El número está fuera de rango.")
    text = str(value)
    try:
        number = Decimal(text if len(text) <= _NUMBER_LENGTH else "NaN")
    except InvalidOperation:
        raise ValueError("Use un número.") from None
    if not number.is_finite() or is_extreme(number) or abs(number) > LARGEST:
        raise ValueError("El número está fuera de rango.")
    return number


# In the order of the builder's menu.
CRITERIA: dict[str, Criterion] = {
    criterion.key: criterion
    for criterion in (
        Choice("gender", "género", Gender),
        Range("age", "edad", "años", 18, 70),
        Range("income", "ingresos", "dólares al mes", 400, 1200, whole=False),
        Place(
            "province",
            "provincia",
            provinces.provinces,
            "Use el código INEC de la provincia, de 01 a 24.",
        ),
        Place(
            "canton",
            "cantón",
            provinces.cantons,
            "Use el código INEC del cantón, de cuatro dígitos.",
        ),
        Choice("category", "categoría", Category),
        Range("tenure_years", "antigüedad", "años", 1, 10),
        Codes("service", "servicio contratado"),
        Choice("risk_category", "calificación de riesgo", RiskCategory),
        Flag("consent_mail", "acepta correo"),
        Flag("consent_phone", "acepta llamadas"),
        Flag("do_not_mail", "está en «no contactar» por correo"),
        Flag("do_not_call", "está en «no contactar» por teléfono"),
        Range("days_since_contact", "días desde el último contacto", "días", 30, 36_500),
        Campaigns("in_campaign", "está en la campaña"),
        Flag("in_other_campaign", "está en alguna campaña en curso"),
    )
}
