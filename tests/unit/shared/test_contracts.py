"""What all contracts promise."""

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from shared.contract import Event, Procedure
from shared.events import handlers_of
from shared.room import ROOMS, load

ROOT = Path(__file__).parents[3]
CONTRACTS = {room: import_module(f"shared.contracts.{room}") for room in ROOMS}


def members(kind: type[Any]) -> list[Any]:
    return [
        value
        for room, module in CONTRACTS.items()
        for value in vars(module).values()
        if (isinstance(value, kind) and getattr(value, "service", None) == room)
        or (
            inspect.isclass(value)
            and issubclass(value, kind)
            and value is not kind
            and getattr(value, "service", None) == room
        )
    ]


@pytest.mark.parametrize("event", members(Event), ids=lambda event: event.__name__)
def test_every_event_stands_in_the_table_of_events(event: type[Event]) -> None:
    line = next(
        line
        for line in (ROOT / "docs/events.md").read_text().splitlines()
        if line.startswith(f"| `{event.__name__}` | {event.service} |")
    )
    told = line.split("|")[3].strip()
    said = set(ROOMS) if told == "every room" else {word for word in ROOMS if word in told}
    assert said == {room for room in ROOMS if event in heard_by(room)}


def heard_by(room: str) -> set[type[Event]]:
    return {handler.event for _, handler in handlers_of(load(room))}


@pytest.mark.parametrize(
    "procedure", members(Procedure), ids=lambda item: f"{item.service}.{item.name}"
)
def test_every_procedure_says_what_it_does_and_can_be_encoded(
    procedure: Procedure[..., Any],
) -> None:
    assert procedure.__doc__
    assert procedure.signature.return_annotation is not inspect.Signature.empty
