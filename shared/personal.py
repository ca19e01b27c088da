"""What of a person a contract's field tells, and how much of it those see who need not have it.

    cedula: Annotated[str, CEDULA]
    phone: Annotated[str | None, PHONE]
    masked: list[str] = []  # fields of this reply that are shown in part

The mark stands at the field. A room hides what its asker may not see when its reply is made
(`shared.rpc`), so pages, API and streams have the same; and the record of what was changed tells
such values as hashes (`shared.audit`). A reply names what it hides: nobody takes it for a value.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from inspect import isclass
from typing import Any, TypeVar, cast, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType

from shared.contracts import ROOMS

V = TypeVar("V")

SEEN_BY = "customer.personal"  # the permission with which people's data is seen whole
HIDDEN = "•"
ERASED = "borrado-"  # what stands for the cédula of a person who was erased
NOTHING = HIDDEN * 3
_LEAST = 4  # characters that stay hidden between the ends, or nothing is shown at all
_MAIL = re.compile(r"[^\s<>()\[\]«»:;,\"']+@[^\s<>()\[\]«»:;,\"']+")
_NUMBER = re.compile(r"\+?\d(?:[ -]?\d){6,}")
_QUOTED = re.compile(r"«[^»]*»")
_RATING = re.compile(r"(?<=Calificación )\w+")


@dataclass(frozen=True)
class Kind:
    """A kind of personal value: what is left of it for whoever lacks the permission `seen_by`."""

    mask: Callable[[str], str]
    seen_by: str = SEEN_BY

    def hide(self, value: Any) -> Any:
        """The value as far as it is shown; a number is not shown at all."""
        if isinstance(value, str):
            return self.mask(value)
        return [self.hide(item) for item in value] if isinstance(value, list | tuple) else None


@dataclass(frozen=True)
class Shown:
    """Personal, and yet never hidden: `why`."""

    why: str


def mask_cedula(text: str) -> str:
    """`170•••••23`, also of a RUC; what stands for an erased person is nobody's."""
    return text if text.startswith(ERASED) else _ends(text, 3, 2)


def is_cedula(asked: str, shown: str) -> bool:
    """Whether a search for a whole cédula found it, also where it is shown in part."""
    return shown in (asked, mask_cedula(asked)) and HIDDEN not in asked and shown != NOTHING


def mask_phone(text: str) -> str:
    """`09•••••567` of E.164 or of a number as it is dialled at home."""
    return _ends(f"0{text[4:]}" if text.startswith("+593") else text, 2, 3)


def mask_mail(text: str) -> str:
    """`m•••@correo.example`."""
    name, at, domain = text.rpartition("@")
    return f"{name[:1] if len(name) > 1 else ''}{NOTHING}@{domain}" if at else NOTHING


def mask_words(text: str) -> str:
    """A text of others, such as a mail server's, without addresses and long numbers."""
    return _NUMBER.sub(NOTHING, _MAIL.sub(lambda found: mask_mail(found[0]), text))


def mask_reason(text: str) -> str:
    """Why a value was refused, without the value."""
    return _QUOTED.sub(f"«{NOTHING}»", mask_words(text))


def _mask_rating(text: str) -> str:
    return _RATING.sub(NOTHING, text)


def _ends(text: str, first: int, last: int) -> str:
    hidden = len(text) - first - last
    return text[:first] + HIDDEN * hidden + text[-last:] if hidden >= _LEAST else NOTHING


CEDULA = Kind(mask_cedula)
PHONE = Kind(mask_phone)
MAIL = Kind(mask_mail)
WORDS = Kind(mask_words)
ADDRESS = Kind(lambda _: NOTHING)
INCOME = Kind(lambda _: NOTHING)
RATING = Kind(_mask_rating, seen_by="risk.check")
# Of the contracts: what one is recognised by, shown, and a hash in the record of changes.
IDENTIFYING = Shown("by which one is recognised; the record of changes has a hash")  # noqa: V107


# --- what a reply shows ---


def hide(value: V, permissions: Collection[str] = frozenset()) -> V:
    """A reply as somebody with these permissions may see it."""
    if isinstance(value, BaseModel):
        return cast(V, _hide_in(value, permissions))
    if isinstance(value, list):
        return cast(V, [hide(item, permissions) for item in value])
    if isinstance(value, dict):
        return cast(V, {name: hide(item, permissions) for name, item in value.items()})
    return value


def _hide_in(model: Any, permissions: Collection[str]) -> Any:
    kind_of_model: Any = type(model)
    kinds, holders = _parts(kind_of_model)
    hidden = {}
    for name, kind in kinds:
        if (value := getattr(model, name)) and kind.seen_by not in permissions:
            shown = kind.hide(value)
            if shown != value:
                hidden[name] = shown
    if hidden and "masked" in type(model).model_fields:
        hidden["masked"] = list(hidden)
    for name in holders:
        hidden[name] = hide(getattr(model, name), permissions)
    return model.model_copy(update=hidden) if hidden else model


@cache
def _parts(model: type[BaseModel]) -> tuple[tuple[tuple[str, Kind], ...], tuple[str, ...]]:
    """The fields that may be hidden, and those with models that have such fields."""
    fields = model.model_fields.items()
    kinds = tuple((name, kind) for name, field in fields if (kind := kind_of(field)))
    return kinds, tuple(name for name, field in fields if concerns(field.annotation))


def kind_of(field: FieldInfo) -> Kind | None:
    """How a field is hidden; None where it never is."""
    return next((mark for mark in field.metadata if isinstance(mark, Kind)), None)


def concerns(kind: Any, above: frozenset[Any] = frozenset()) -> bool:
    """Whether values of this type have fields that may be hidden."""
    if isinstance(kind, TypeVar):  # of a page that does not say of what it is
        return True
    if kind in above:
        return False
    if isinstance(kind, TypeAliasType):
        return concerns(kind.__value__, above | {kind})
    if not (isclass(kind) and issubclass(kind, BaseModel)):
        return any(concerns(part, above) for part in get_args(kind))
    fields = kind.model_fields.values()
    return any(kind_of(item) or concerns(item.annotation, above | {kind}) for item in fields)


# --- what the record tells as hashes ---


@cache
def names() -> frozenset[str]:
    """The names of all fields of the contracts that are marked, hidden or not."""
    return frozenset(
        name
        for model in _models()
        for name, field in model.model_fields.items()
        if any(isinstance(mark, Kind | Shown) for mark in field.metadata)
    )


def _models() -> Iterator[type[BaseModel]]:
    for room in ROOMS:
        for value in vars(import_module(f"shared.contracts.{room}")).values():
            if isclass(value) and issubclass(value, BaseModel):
                yield value
