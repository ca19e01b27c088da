"""Checking and normalising what is written into a profile. Pure: today comes as an argument."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from shared.bounds import visible
from shared.contracts.customer_query import Category
from shared.ecuador import provinces
from shared.ecuador.dates import years_before
from shared.ecuador.names import fold
from shared.ecuador.phones import parse_phone
from shared.ecuador.ruc import parse_identity
from shared.errors import FieldError, Invalid
from shared.mail_address import read_mail_address
from shared.personal import HIDDEN

OLDEST_YEARS = 120
NEW_BELOW_YEARS = 1
LOYAL_ABOVE_YEARS = 10
_NO_NAME = re.compile(r"[\d¹²³<>{}@]")
REQUIRED = ("cedula", "first_names", "last_names", "joined_on")


def check(values: Mapping[str, Any], today: date) -> dict[str, Any]:
    """The values normalised: cédula, phones, e-mail, names. Raises Invalid with every wrong field.

    Only the fields that are given are looked at; a canton is checked against the province given
    beside it.
    """
    checked, wrong = dict(values), []
    for field, normalise in _NORMALISERS.items():
        if checked.get(field) in (None, "", []):
            if field in REQUIRED and field in checked:
                wrong.append(FieldError(field, "Este campo es obligatorio."))
            elif field in checked:
                checked[field] = [] if field == "other_phones" else None
            continue
        try:
            _refuse_hidden(checked[field])
            checked[field] = normalise(checked[field])
        except ValueError as error:
            wrong.append(FieldError(field, str(error)))
    wrong += _check_dates(checked, today) + _check_place(checked)
    if wrong:
        raise Invalid("Hay datos por corregir.", wrong)
    return checked


def category_of(joined_on: date, today: date) -> Category:
    """By tenure: under 1 year, 1 to 10, over 10."""
    if joined_on > years_before(today, NEW_BELOW_YEARS):
        return Category.NEW
    return (
        Category.LOYAL if joined_on < years_before(today, LOYAL_ABOVE_YEARS) else (Category.REGULAR)
    )


def search_text(first_names: str, last_names: str) -> str:
    """What lists search in: surnames first, folded."""
    return fold(f"{last_names} {first_names}")


def _refuse_hidden(value: Any) -> None:
    """What somebody was shown in part is no value, and must not become one."""
    if HIDDEN in str(value):
        raise ValueError("Está oculto en parte: escriba el valor completo.")


def _name(text: str) -> str:
    name = visible(text)
    if not name:
        raise ValueError("Este campo es obligatorio.")
    if _NO_NAME.search(name):
        raise ValueError("Un nombre no lleva números ni signos.")
    return name


def _phone(text: str) -> str:
    return parse_phone(text).e164


def _phones(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(_phone(text) for text in texts if text.strip()))


def _text(text: str) -> str:
    return " ".join(text.split())


def _income(amount: Decimal) -> Decimal:
    if amount < 0:
        raise ValueError("Los ingresos no pueden ser negativos.")
    return amount


_NORMALISERS: dict[str, Callable[[Any], Any]] = {
    "cedula": parse_identity,
    "first_names": _name,
    "last_names": _name,
    "email": read_mail_address,
    "phone": _phone,
    "other_phones": _phones,
    "address": _text,
    "income": _income,
}


def _check_dates(values: Mapping[str, Any], today: date) -> list[FieldError]:
    wrong = []
    birth, joined = values.get("birth_on"), values.get("joined_on")
    if birth is not None and not years_before(today, OLDEST_YEARS) <= birth <= today:
        wrong.append(FieldError("birth_on", "La fecha de nacimiento no es posible."))
    if joined is not None and joined > today:
        wrong.append(FieldError("joined_on", "La fecha de alta está en el futuro."))
    return wrong


_PROVINCES = frozenset(item.code for item in provinces.provinces())
_PROVINCE_OF = {item.code: item.province_code for item in provinces.cantons()}


def _check_place(values: Mapping[str, Any]) -> list[FieldError]:
    province, canton = values.get("province"), values.get("canton")
    if province and province not in _PROVINCES:
        return [FieldError("province", "La provincia no existe.")]
    if not canton:
        return []
    of = _PROVINCE_OF.get(canton)
    if of is None:
        return [FieldError("canton", "El cantón no existe.")]
    if province != of:
        return [FieldError("canton", "El cantón no pertenece a la provincia.")]
    return []


CONTACT_FIELDS = frozenset(
    {
        "email",
        "phone",
        "consent_mail",
        "consent_phone",
        "do_not_mail",
        "do_not_call",
        "mail_bounced",
    }
)


def complete_change(
    before: Mapping[str, Any], sent: Mapping[str, Any], today: date
) -> dict[str, Any]:
    """The columns that a change of a profile moves, with those that follow from them.

    Raises Invalid. A category set by hand needs its reason; without one it follows the tenure.
    """
    place = {name: sent.get(name, before[name]) for name in ("province", "canton")}
    with_place = {**sent, **place} if {"province", "canton"} & sent.keys() else dict(sent)
    values = check(with_place, today)
    after = {**before, **values}
    if any(after[name] != before[name] for name in ("first_names", "last_names")):
        values["search"] = search_text(after["first_names"], after["last_names"])
    if values.get("email", before["email"]) != before["email"]:
        values["mail_bounced"] = False
    if "category" in sent:
        values |= _by_hand(sent, after["joined_on"], today)
    elif "joined_on" in values and before["category_reason"] is None:
        values["category"] = category_of(after["joined_on"], today)
    return {name: value for name, value in values.items() if value != before.get(name)}


def _by_hand(sent: Mapping[str, Any], joined_on: date, today: date) -> dict[str, Any]:
    if sent["category"] is None:
        return {"category": category_of(joined_on, today), "category_reason": None}
    if not (sent.get("category_reason") or "").strip():
        raise Invalid.field("category_reason", "Escriba el motivo de la categoría manual.")
    return {"category": sent["category"], "category_reason": sent["category_reason"].strip()}
