"""What no value may be, sent to every argument of every procedure that can hold it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import AwareDatetime, BaseModel, ValidationError

from shared import bounds
from shared.contract import Line, Model, Procedure, procedure
from shared.contracts import ROOMS, criteria
from shared.ecuador.dates import parse_date
from shared.errors import FieldError, Invalid, NotFound
from shared.scope import HOUSE
from shared.spanish import spanish
from tests.make.arguments import examples_of

ODD_TEXTS = [
    "a\0b",
    "a\x01b",
    "a\x1bb",
    "a\x7fb",
    "a\x85b",
    "\ud800",
    "a\udfff",
    "\ufffe",
    "\uffff",
]


class Thing(Model):
    """Everything that a field may be."""

    name: str = ""
    title: Line = ""
    count: int = 0
    share: float = 0
    price: Decimal = Decimal(0)
    on: date | None = None
    at: AwareDatetime | None = None
    names: tuple[str, ...] = ()
    more: Any = None


@procedure("shop", scope=HOUSE)
def keep(thing: Thing) -> None:
    """Keep it."""


def told(**values: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as error:
        keep.decode_arguments({"thing": values})
    return {item.field: item.message for item in error.value.fields}


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_odd_characters_are_refused_at_their_field(text: str) -> None:
    assert told(name=text) == {"name": bounds.ODD_TEXT}
    assert told(names=["Ana", text]) == {"names.1": bounds.ODD_TEXT}
    assert told(more={"a": {"b": [text]}}) == {"more.a.b.0": bounds.ODD_TEXT}
    assert list(told(more={text: 1}).values()) == [bounds.ODD_TEXT]


def test_what_people_write_is_kept() -> None:
    text = "Línea 1\r\n\tLínea 2 👍🏽 ‍ «¿Qué?» İ ẞ 你好"
    assert keep.decode_arguments({"thing": {"name": text}})["thing"].name == text


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\tb", "x\r\nBcc: y@z.ec"])
def test_a_name_is_one_line(text: str) -> None:
    assert told(title=text) == {"title": "Escríbalo en una sola línea."}


@pytest.mark.parametrize("number", [2**63, -(2**63), 10**30, 10**4000, "9" * 30, "9" * 5000])
def test_a_number_beyond_64_bits_is_refused(number: object) -> None:
    assert told(count=number) == {"count": bounds.TOO_LARGE}


@pytest.mark.parametrize("number", ["1e1000000", "0e-1000000", "1e-1000000", "NaN", "Infinity"])
def test_a_decimal_that_nobody_can_write_out_is_refused(number: str) -> None:
    assert set(told(price=number)) == {"price"}


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan"), 1e300, "NaN"])
def test_a_float_is_finite(number: object) -> None:
    assert set(told(share=number)) == {"share"}
    assert set(told(more={"x": float(str(number))})) == {"more.x"}


@pytest.mark.parametrize("year", [1, 1899, 2101, 9999])
def test_a_date_lies_in_the_years_of_people(year: int) -> None:
    assert told(on=date(year, 1, 1)) == {"on": bounds.ODD_YEAR}
    assert told(at=datetime(year, 1, 1, tzinfo=UTC)) == {"at": bounds.ODD_YEAR}
    with pytest.raises(ValueError, match="El año debe estar entre 1900 y 2100"):
        parse_date(f"{year:04}-01-01")


def test_three_hundred_levels_are_refused() -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]
    (message,) = told(more={"a": deep}).values()
    assert message == "Hay más de 64 niveles uno dentro de otro."


def test_an_answer_can_carry_what_was_sent() -> None:
    error = Invalid("«\ud800»", [FieldError("a.\0", "No existe «\udfff».")])
    assert str(error).encode() == "«\ufffd»".encode()
    assert error.fields[0] == FieldError("a.\ufffd", "No existe «\ufffd».")
    assert str(NotFound("\ud800")) == "\ufffd"


@pytest.mark.parametrize("value", ["0e-999999", "1e-999999", "1e999999"])
def test_a_segment_takes_no_number_of_a_million_places(value: str) -> None:
    with pytest.raises(ValueError, match="fuera de rango"):
        criteria.CRITERIA["income"].read(value)


# --- every procedure ---


def procedures() -> Iterator[Procedure[..., Any]]:
    for room in ROOMS:
        for value in vars(import_module(f"shared.contracts.{room}")).values():
            if isinstance(value, Procedure) and value.service == room:
                yield value


ODD: dict[type, list[Any]] = {
    str: ODD_TEXTS,
    int: [2**63, 10**400, "9" * 5000, True],
    float: [float("nan"), float("inf"), True],
    Decimal: ["1e1000000", "NaN", True],
    date: ["0001-01-01", "9999-12-31", 0],
    AwareDatetime: ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", 0, -1.5],
}


def fields(kind: Any) -> Iterator[tuple[type, Any]]:
    """The plain types in an annotation, each with how a value of it is packed."""
    if get_origin(kind) is list:
        for plain, pack in fields(get_args(kind)[0]):
            yield plain, lambda odd, pack=pack: [pack(odd)]
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            for plain, pack in fields(field.annotation):
                yield plain, lambda odd, name=name, pack=pack: {name: pack(odd)}
    elif isinstance(kind, type) and kind in ODD:
        yield kind, lambda odd: odd
    else:  # a union, or something annotated
        for part in get_args(kind):
            yield from fields(part)


def odd_arguments(asked: Procedure[..., Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Arguments that are right but for one value, and the last name on the way to it."""
    right = examples_of(asked)
    for parameter in asked.parameters:
        for plain, pack in fields(parameter.annotation):
            for odd in ODD[plain]:
                value = pack(odd)
                if isinstance(value, dict):
                    name, value = next(iter(value)), {**right.get(parameter.name, {}), **value}
                else:
                    name = parameter.name
                yield name, {**right, parameter.name: value}


@pytest.mark.parametrize(
    "asked", [*procedures()], ids=lambda asked: f"{asked.service}.{asked.name}"
)
def test_every_argument_of_every_procedure_refuses_what_is_odd(asked: Procedure[..., Any]) -> None:
    for name, arguments in odd_arguments(asked):
        with pytest.raises(Invalid) as error:
            asked.decode_arguments(arguments)
        named = {item.field.split(".")[0] for item in error.value.fields}
        assert named == {name}, (arguments, error.value.fields)
        str(error.value.args).encode()  # no half of a pair is told


def test_there_are_many_odd_arguments() -> None:
    assert sum(1 for asked in procedures() for _ in odd_arguments(asked)) > 1000


def test_what_may_be_chosen_is_listed_without_english() -> None:
    class Sign(Model):
        colour: Literal["rojo", "azul", "verde"]

    with pytest.raises(ValidationError) as raised:
        Sign.model_validate({"colour": "gris"})
    [error] = raised.value.errors()
    assert spanish(error) == "Elija uno de estos valores: rojo, azul, verde."


def test_a_validation_error_of_our_own_speaks_spanish() -> None:
    with pytest.raises(ValidationError):
        Thing.model_validate({"title": "a\nb"})
