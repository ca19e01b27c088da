"""Doors asked by another system in a user's name: what it may not, and whose its keys are."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import pytest
from eventlet import tpool
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import trace
from shared.client import Client
from shared.contract import SECRET, Model, procedure
from shared.db import sessions
from shared.errors import Denied
from shared.room import Room
from shared.rpc import command
from shared.scope import HOUSE
from shared.tables import Command
from tests.make.actors import make_actor

PERSON = make_actor()
SYSTEM = PERSON.model_copy(update={"system": "Facturación"})


class Made(Model):
    """Something with a secret that is told once."""

    number: int
    value: Annotated[str | None, SECRET] = None


@procedure("identity", scope=HOUSE)
def make_thing() -> Made:
    """Make one more."""
    raise NotImplementedError


@procedure("identity", scope=HOUSE, in_person=True)
def make_thing_in_person() -> Made:
    """The same, by a person."""
    raise NotImplementedError


class Workshop(Room):
    """A room of tests on identity's database."""

    name = "identity"
    done: ClassVar[list[str]] = []

    @command(make_thing)
    def make_thing(self, session: Session) -> Made:
        Workshop.done.append(trace.actor().system)
        return Made(number=len(Workshop.done), value="muy-secreto")

    @command(make_thing_in_person)
    def make_thing_in_person(self, session: Session) -> Made:
        return self.make_thing()


@pytest.fixture
def ask(database: Any, container: Callable[[Any], Any]) -> Callable[..., Any]:
    """Call a procedure as the gateway does, from a thread that eventlet has not patched."""
    database("identity")
    Workshop.done.clear()
    container(Workshop)

    async def play(target: Any, context: dict[str, Any]) -> Any:
        client = Client()
        await client.start()
        try:
            with trace.use(**context):
                return await client.ask(target)
        finally:
            await client.stop()

    return lambda target, **context: tpool.execute(asyncio.run, play(target, context))


def test_what_is_for_persons_no_system_does(ask: Callable[..., Any]) -> None:
    with pytest.raises(Denied, match="debe hacerlo una persona"):
        ask(make_thing_in_person, actor=SYSTEM)
    assert Workshop.done == []
    assert ask(make_thing, actor=SYSTEM).number == 1
    assert ask(make_thing_in_person, actor=PERSON).number == 2


def test_a_systems_keys_are_not_its_users(ask: Callable[..., Any]) -> None:
    actors = (PERSON, SYSTEM, SYSTEM.model_copy(update={"system": "Otro"}))
    for _ in range(2):
        numbers = [ask(make_thing, actor=who, idempotency_key="x").number for who in actors]
        assert numbers == [1, 2, 3]
    assert Workshop.done == ["", "Facturación", "Otro"]


def test_a_reply_is_kept_without_its_secret(ask: Callable[..., Any]) -> None:
    first = ask(make_thing, actor=PERSON, idempotency_key="x")
    again = ask(make_thing, actor=PERSON, idempotency_key="x")
    assert (first.value, again) == ("muy-secreto", Made(number=1))
    with sessions("identity")() as session:
        assert session.scalars(select(Command.reply)).one() == {"reply": {"number": 1}}
