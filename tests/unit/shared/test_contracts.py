"""What all contracts promise."""

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from shared.contract import Event, Procedure
from shared.room import ROOMS

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
    said = {word for word in ROOMS if word in line.split("|")[3]}
    heard = {
        room
        for room in ROOMS
        if f".{event.__name__})" in (ROOT / f"services/{room}/service.py").read_text()
        and f"@on_event({event.service}.{event.__name__})"
        in (ROOT / f"services/{room}/service.py").read_text()
    }
    assert said == heard


@pytest.mark.parametrize(
    "procedure", members(Procedure), ids=lambda item: f"{item.service}.{item.name}"
)
def test_every_procedure_says_what_it_does_and_can_be_encoded(
    procedure: Procedure[..., Any],
) -> None:
    assert procedure.__doc__
    assert procedure.name.split("_")[0] in VERBS
    assert procedure.signature.return_annotation is not inspect.Signature.empty


VERBS = {
    "assign",
    "cancel",
    "change",
    "check",
    "count",
    "create",
    "delete",
    "describe",
    "erase",
    "find",
    "get",
    "list",
    "log",
    "next",
    "pause",
    "preview",
    "record",
    "refresh",
    "release",
    "request",
    "rerun",
    "resume",
    "retry",
    "run",
    "save",
    "send",
    "set",
    "start",
    "take",
    "unsubscribe",
    "undo",
    "update",
}
