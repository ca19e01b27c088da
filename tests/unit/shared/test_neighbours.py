"""The table of who reaches whom is what the rooms' code does, no more and no less."""

import ast
from pathlib import Path

import pytest

from infra.native import programs
from shared import jobs
from shared.consumer import Consumer
from shared.contracts import ROOMS
from shared.events import handlers_of
from shared.neighbours import REACH, reach
from shared.room import load

ROOT = Path(__file__).parents[3]


def asked_by(room: str) -> set[str]:
    """Procedures in calls of `self.ask(contract.procedure, …)` in the room's code."""
    return {
        f"{_service(call.args[0], tree)}.{call.args[0].attr}"
        for file in (ROOT / "services" / room).glob("*.py")
        for tree in [ast.parse(file.read_text())]
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) == "self.ask"
        and isinstance(call.args[0], ast.Attribute)
    }


def _service(procedure: ast.Attribute, tree: ast.Module) -> str:
    """The contract's module by the name under which the file knows it."""
    known = ast.unparse(procedure.value)
    return next(
        (
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "shared.contracts"
            for alias in node.names
            if (alias.asname or alias.name) == known
        ),
        known,
    )


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_asks_what_stands_in_the_table(room: str) -> None:
    assert asked_by(room) == set(reach(room).asks)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_hears_whom_the_table_names(room: str) -> None:
    assert {handler.event.service for _, handler in handlers_of(load(room))} == set(
        reach(room).hears
    )


def keys_of(room: str) -> set[str]:
    """How the keys begin that the room's code names: `key("…")`, `key(f"…")`."""
    calls = [
        call
        for file in (ROOT / "services" / room).glob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in {"key", "redis_server.key"}
    ]
    return {ast.unparse(call.args[0]).lstrip("f").strip("\"'") for call in calls}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_names_keys_that_are_its_own(room: str) -> None:
    own = (f"{room}:", *reach(room).keys)
    assert [name for name in keys_of(room) if not name.startswith(own)] == []


def test_rooms_that_keep_something_in_redis_were_looked_at() -> None:
    assert {room for room in ROOMS if keys_of(room)} == {
        "identity", "telemarketing", "risk_central"
    }  # fmt: skip


def test_the_table_names_rooms_that_there_are() -> None:
    assert set(REACH) <= set(ROOMS)
    others = {one for found in REACH.values() for one in (*found.hears, *found.sends)}
    assert others <= set(ROOMS)


def test_workers_take_no_orders_by_the_broker() -> None:
    assert jobs.app.conf.worker_enable_remote_control is False
    steps = [str(step) for step in Consumer.Blueprint.default_steps]
    assert steps
    assert not [step for step in steps if "delayed" in step]
    for program in programs.product({}):
        if program.name.startswith("worker-"):
            for off in ("--without-gossip", "--without-mingle", "--without-heartbeat"):
                assert off in program.command[-1]
