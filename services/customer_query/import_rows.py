"""From the fields of the customer file to checked columns. Pure: today comes as an argument."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from services.customer_query import profiles
from shared.contracts.customer_query import CUSTOMER_FILE, Category, Gender
from shared.ecuador import provinces
from shared.ecuador.dates import parse_date
from shared.ecuador.money import parse_money
from shared.ecuador.names import fold
from shared.errors import FieldError, Invalid
from shared.loads.fields import Field, choice, parse_flag

_CATEGORIES = {fold(item.word): item.value for item in Category}
_GENDERS = {fold(name): item.value for item in Gender for name in (item, item.word)} | {
    "mujer": Gender.FEMALE.value,
    "hombre": Gender.MALE.value,
}


def _province(text: str) -> str:
    return provinces.parse_province(text).code


# Other names that a field's column goes by, folded.
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "cedula": ("ruc", "identificacion", "ci", "id_number", "cedula/ruc", "no. cedula"),
    "first_names": ("nombre", "first_names", "first names", "first_name"),
    "last_names": ("apellido", "last_names", "last names", "surname", "last_name"),
    "gender": ("sexo", "gender"),
    "birth_on": ("fecha de nacimiento", "nacimiento", "birth_date", "birth_on"),
    "income": ("ingreso", "ingreso mensual", "income"),
    "province": ("province",),
    "canton": ("ciudad",),
    "address": ("domicilio", "address"),
    "email": ("correo", "e-mail", "correo electronico", "mail"),
    "phone": ("celular", "movil", "phone"),
    "joined_on": ("fecha de alta", "cliente desde", "joined_on", "joined"),
    "category": ("category",),
    "consent_mail": ("acepta correo", "consent_mail"),
    "consent_phone": ("acepta llamadas", "consent_phone"),
}
_PARSERS: dict[str, Callable[[str], Any]] = {
    "gender": choice(_GENDERS, list(Gender)),
    "birth_on": parse_date,
    "income": parse_money,
    "province": _province,
    "joined_on": parse_date,
    "category": choice(_CATEGORIES, list(_CATEGORIES)),
    "consent_mail": parse_flag,
    "consent_phone": parse_flag,
}
FIELDS = tuple(
    Field(column, _SYNONYMS[column.field], _PARSERS.get(column.field, str))
    for column in CUSTOMER_FILE
)


def check(values: dict[str, Any], today: date) -> dict[str, Any]:
    """The values normalised. Raises Invalid with every wrong field."""
    wrong = []
    try:
        values = _with_canton(values)
    except ValueError as error:
        values = {name: value for name, value in values.items() if name != "canton"}
        wrong = [FieldError("canton", str(error))]
    try:
        checked = profiles.check(values, today)
    except Invalid as error:
        raise Invalid(error.message, [*wrong, *error.fields]) from None
    if wrong:
        raise Invalid(wrong[0].message, wrong)
    return checked


def _with_canton(values: dict[str, Any]) -> dict[str, Any]:
    """A canton is known by its province only. Raises ValueError."""
    text, province = values.get("canton"), values.get("province")
    if not text:
        return values
    if province is None:
        raise ValueError("Indique también la provincia.")
    return values | {"canton": provinces.parse_canton(text, province).code}


def complete(checked: Mapping[str, Any], today: date) -> dict[str, Any]:
    """The columns of `customer` that the row brings, with those that follow from them."""
    search = profiles.search_text(checked["first_names"], checked["last_names"])
    joined_on = checked.get("joined_on") or today
    by_tenure = profiles.category_of(joined_on, today).value
    category = checked.get("category") or by_tenure
    reason = "importación" if category != by_tenure else None
    return {name: value for name, value in checked.items() if value is not None} | {
        "search": search,
        "joined_on": joined_on,
        "category": category,
        "category_reason": reason,
    }


def given(mapping: Iterable[str]) -> tuple[str, ...]:
    """The columns of `customer` that an import with these fields may change."""
    fields = [field.name for field in FIELDS if field.name in mapping]
    follows = ("search",) + (
        ("category", "category_reason") if "joined_on" in fields or "category" in fields else ()
    )
    return tuple(dict.fromkeys((*fields, *follows)))
