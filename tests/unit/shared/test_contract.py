"""Procedures at the edge: what is sent, what comes back, what is refused and how it says so."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import pytest
from pydantic import Field

from shared.contract import Id, Model, Page, procedure
from shared.errors import Conflict, Invalid, Unavailable, from_wire
from shared.scope import HOUSE


class Thing(Model):
    """A thing."""

    name: Annotated[str, Field(min_length=3)] = ""
    price: Annotated[Decimal, Field(ge=0, decimal_places=2)] = Decimal(0)


@procedure("shop", scope=HOUSE)
def price_things(thing: Thing, since: datetime | None = None, limit: Id = 5) -> Page[Thing]:
    """Things."""
    raise NotImplementedError


def test_what_the_caller_left_out_is_not_sent() -> None:
    sent = price_things.encode_arguments(Thing(price=Decimal("1.50")))
    assert sent == {"thing": {"price": "1.50"}}
    received = price_things.decode_arguments(sent)
    assert received["thing"].model_fields_set == {"price"}
    assert received["limit"] == 5


def test_a_reply_comes_back_as_it_was() -> None:
    page: Page[Thing] = Page(items=[Thing(name="abc", price=Decimal("2.25"))], next="7")
    assert price_things.decode_reply(price_things.encode_reply(page)) == page


@pytest.mark.parametrize(
    ("payload", "field", "message"),
    [
        ({}, "thing", "Este campo es obligatorio."),
        ({"thing": {"name": "ab"}}, "name", "Escriba al menos 3 caracteres."),
        ({"thing": {"nmae": "abc"}}, "nmae", "Este campo no existe."),
        ({"thing": {"price": "-1"}}, "price", "Debe ser 0 o más."),
        ({"thing": {"price": "1.234"}}, "price", "Escriba como máximo 2 decimales."),
        ({"thing": {}, "limit": 0}, "limit", "Debe ser 1 o más."),
        ({"thing": {}, "since": "ayer"}, "since", None),
        ({"thing": {}, "other": 1}, "other", "Este campo no existe."),
    ],
)
def test_a_wrong_argument_is_named_in_spanish(
    payload: dict[str, object], field: str, message: str | None
) -> None:
    with pytest.raises(Invalid) as error:
        price_things.decode_arguments(payload)
    (found,) = error.value.fields
    assert found.field == field
    assert message in {None, found.message}


def test_errors_keep_class_message_and_fields_over_the_wire() -> None:
    error = Conflict("No se puede.", [{"field": "phase", "message": "Ya terminó."}])
    again = from_wire({"exc_type": "Conflict", "exc_args": list(error.args)})
    assert isinstance(again, Conflict)
    assert (again.message, again.fields) == (error.message, error.fields)


def test_an_unknown_error_does_not_tell_its_details() -> None:
    again = from_wire({"exc_type": "KeyError", "exc_args": ["0912345678"]})
    assert isinstance(again, Unavailable)
    assert "0912345678" not in str(again)
