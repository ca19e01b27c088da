"""What all contracts promise."""

import inspect
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
from pydantic import BaseModel

from shared.contract import READING, SECRET, Event, Procedure, is_secret
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


@pytest.mark.parametrize(
    "procedure", members(Procedure), ids=lambda item: f"{item.service}.{item.name}"
)
def test_a_secret_of_a_kept_reply_can_be_left_out_and_is_not_hidden_deeper(
    procedure: Procedure[..., Any],
) -> None:
    if procedure.name in KEPT_NOWHERE:
        return
    fields = getattr(procedure.reply, "model_fields", {})
    assert not any(fields[name].is_required() for name in procedure.secrets)
    deeper = {name: field.annotation for name, field in fields.items()} or procedure.reply
    assert not any(has_secret(kind) for kind in models_in(deeper))


# No commands, so their replies are not kept for a second time (tests/rooms/test_procedures.py)
KEPT_NOWHERE = {
    "log_in",
    "finish_provider_log_in",
    "finish_log_in",
    "prepare_second_factor",
    "set_second_factor",
    "renew_recovery_codes",
}


def models_in(kind: Any) -> set[type[BaseModel]]:
    """The models that a type is made of."""
    if isinstance(kind, dict):
        return set().union(*map(models_in, kind.values()))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = kind.model_fields.values()
        return {kind}.union(*(models_in(field.annotation) for field in fields))
    return set().union(*map(models_in, get_args(kind)))


def has_secret(model: type[BaseModel]) -> bool:
    return any(is_secret(field) for field in model.model_fields.values())


class Marked(BaseModel):
    at_the_field: Annotated[str | None, SECRET] = None  # noqa: V107  # looked at by name
    at_a_part: Annotated[str, SECRET] | None = None  # noqa: V107
    nowhere: str | None = None  # noqa: V107


def test_a_secret_is_one_wherever_the_mark_stands() -> None:
    marked = {name for name, field in Marked.model_fields.items() if is_secret(field)}
    assert marked == {"at_the_field", "at_a_part"}


BY_SYSTEMS = {  # what another system may change of accounts: who works with whom, and no right
    "create_team",
    "update_team",
    "add_member",
    "end_member",
    "open_notice",
    "read_notices",
    "record_export",
    "check_api_token",
    "log_in",
    "finish_log_in",
    "ask_password_reset",
    "use_password_link",
    "begin_provider_log_in",
    "finish_provider_log_in",
    "log_out",
}


def test_accounts_are_changed_in_person() -> None:
    """Whatever is new in identity's contract is one or the other, for a person to look at."""
    found = {
        item.name
        for item in members(Procedure)
        if item.service == "identity" and not item.in_person
    }
    changing = {name for name in found if name.partition("_")[0] not in READING}
    assert changing == BY_SYSTEMS
    assert "list_sessions" not in found  # it is asked with a session's own token
