"""From the fields of the customer file to checked columns. Pure: today comes as an argument."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import partial
from typing import Any

from pydantic import BaseModel, ValidationError, create_model

from services.customer_query import profiles
from shared.contract import invalid
from shared.contracts.customer_query import CUSTOMER_FILE, Category, Gender, NewCustomer
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
REASON = "importación"  # of a category that a file has and the tenure does not
FIELDS = tuple(
    Field(column, _SYNONYMS[column.field], _PARSERS.get(column.field, str))
    for column in CUSTOMER_FILE
)


def check(values: dict[str, Any], today: date) -> dict[str, Any]:
    """The values normalised. Raises Invalid with every wrong field."""
    wrong: list[FieldError] = []
    for look in (_with_canton, _within_limits, partial(profiles.check, today=today)):
        try:
            values = look(values)
        except Invalid as error:
            wrong += error.fields
            bad = {item.field for item in error.fields}
            values = {name: value for name, value in values.items() if name not in bad}
    if wrong:
        raise Invalid("Hay datos por corregir.", wrong)
    return values


def _with_canton(values: dict[str, Any]) -> dict[str, Any]:
    """A canton is known by its province only. Raises Invalid."""
    text, province = values.get("canton"), values.get("province")
    if not text:
        return values
    if province is None:
        raise Invalid.field("canton", "Indique también la provincia.")
    try:
        return values | {"canton": provinces.parse_canton(text, province).code}
    except ValueError as error:
        raise Invalid.field("canton", str(error)) from None


def _within_limits(values: dict[str, Any]) -> dict[str, Any]:
    """As long and as large as by hand. Raises Invalid."""
    try:
        _LIMITS.model_validate({name: item for name, item in values.items() if item is not None})
    except ValidationError as error:
        raise invalid(error) from None
    return values


def _limits() -> type[BaseModel]:
    by_hand = NewCustomer.model_fields
    limited: dict[str, Any] = {
        name: (by_hand[name].rebuild_annotation(), None)
        for name in ("first_names", "last_names", "address", "email", "phone", "income")
    }
    return create_model("Limits", **limited)


_LIMITS = _limits()


def complete(checked: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of `customer` that the row brings, with those that follow from them."""
    search = profiles.search_text(checked["first_names"], checked["last_names"])
    return {name: value for name, value in checked.items() if value is not None} | {
        "search": search
    }


def given(mapping: Iterable[str]) -> tuple[str, ...]:
    """The columns of `customer` that an import with these fields brings."""
    mapped = set(mapping)
    return (*(field.name for field in FIELDS if field.name in mapped), "search")


def changeable(columns: Iterable[str]) -> tuple[str, ...]:
    """The columns that may change of a known person: those that are brought, and what follows."""
    brought = [name for name in columns if name != "cedula"]
    follows = [name for source, names in _FOLLOW.items() if source in brought for name in names]
    return tuple(dict.fromkeys((*brought, *follows)))


# From a column to those that change with it.
_FOLLOW = {
    "province": ("canton",),
    "email": ("mail_bounced",),
    "joined_on": ("category", "category_reason"),
    "category": ("category_reason",),
}
