"""Doors over the real broker: typed arguments, errors with fields, deadlines, idempotency."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, ClassVar
from uuid import uuid4

import eventlet
import pytest
from eventlet import tpool
from kombu import Connection
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared import events, jobs, open_jobs, outbox, trace
from shared.client import Client
from shared.contract import Id, procedure
from shared.db import in_transaction
from shared.errors import Conflict, Denied, Invalid, NotFound, PregonError, Unavailable
from shared.outbox import job_queue_name
from shared.room import Room
from shared.rpc import command, command_after, container_config, query, rpc
from shared.scope import HOUSE, OPEN
from shared.settings import settings
from tests.make.actors import make_actor

ERRORS = {kind.__name__: kind for kind in (NotFound, Conflict, Invalid, Denied, Unavailable)}


@procedure("identity", scope=HOUSE)
def fail_with(kind: str) -> None:
    """Raise the error of that name."""


@procedure("identity", scope=HOUSE)
def double(number: Id) -> int:
    """Twice the number."""
    raise NotImplementedError


@procedure("identity", scope=HOUSE)
def add_note(text: str) -> int:
    """How many notes there are afterwards."""
    raise NotImplementedError


@procedure("identity", scope=HOUSE)
def add_found_note(text: str) -> int | None:
    """What was found for it, noted."""
    raise NotImplementedError


@procedure("identity", scope=HOUSE)
def take_long() -> str:
    """Longer than anybody waits."""
    raise NotImplementedError


@procedure("identity", scope=HOUSE)
def sleep_in_the_database() -> None:
    """A query that runs on and on."""


@procedure("identity", scope=HOUSE)
def write_in_a_query() -> None:
    """Not allowed."""


@procedure("identity", scope=HOUSE)
def who() -> str:
    """The actor's name and the trace."""
    raise NotImplementedError


@procedure("identity", scope=OPEN)
def greet() -> str:
    """Whoever it is."""
    raise NotImplementedError


class Probe(Room):
    """A room of tests on identity's database."""

    name = "identity"
    done: ClassVar[list[str]] = []
    running: ClassVar[Any]

    @rpc(fail_with)
    def fail_with(self, kind: str) -> None:
        if kind == "defect":
            raise ZeroDivisionError("secret detail")
        raise ERRORS[kind](f"{kind}!", [{"field": "a.b", "message": "mal"}])

    @query(double)
    def double(self, session: Session, number: int) -> int:
        return int(session.execute(text("SELECT 2 * :n"), {"n": number}).scalar_one())

    @rpc(greet)
    def greet(self) -> str:
        return "hola"

    @command(add_note)
    def add_note(self, session: Session, text: str) -> int:
        Probe.done.append(text)
        return len(Probe.done)

    def _find(self, text: str) -> str:
        assert not in_transaction()
        Probe.done.append(f"asked {text}")
        return text.upper()

    @command_after(_find, add_found_note)
    def add_found_note(self, session: Session, found: str, text: str) -> int | None:
        assert in_transaction()
        Probe.done.append(found)
        return None if text == "nothing" else len(Probe.done)

    @rpc(take_long)
    def take_long(self) -> str:
        eventlet.sleep(1)
        Probe.done.append("long")
        return "late"

    @query(sleep_in_the_database)
    def sleep_in_the_database(self, session: Session) -> None:
        session.execute(text("SELECT pg_sleep(60)"))

    @query(write_in_a_query)
    def write_in_a_query(self, session: Session) -> None:
        session.execute(text("DELETE FROM inbox"))

    @rpc(who)
    def who(self) -> str:
        return f"{trace.actor().username} {trace.trace_id()}"


@pytest.fixture
def ask(
    database: Any, container: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Call a procedure as the gateway does, from a thread that eventlet has not patched.

    None asks for the room's health. What is about time says how much itself; for the others a
    machine with more to do is no fault.
    """
    monkeypatch.setattr(settings(), "rpc_timeout_seconds", 30)
    database("identity")
    Probe.done.clear()
    Probe.running = container(Probe)
    actor = trace.actor()

    def call(target: Any, *args: Any, **context: Any) -> Any:
        async def play() -> Any:
            client = Client()
            await client.start()
            try:
                with trace.use(**{"actor": actor} | context):
                    if target is None:
                        return await client.check_health("identity")
                    return await client.ask(target, *args)
            finally:
                await client.stop()

        return tpool.execute(asyncio.run, play())

    return call


def test_nobody_is_answered_but_for_what_is_open(ask: Callable[..., Any]) -> None:
    with pytest.raises(Denied, match="usuario"):
        ask(double, 21, actor=None)
    assert ask(greet, actor=None) == "hola"
    assert ask(double, 21) == 42


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        "eso-no-es",
        '{"user_id": 1, "username": "admin", "full_name": "A", "role": "admin"}',
    ],
)
def test_whoever_has_only_the_brokers_password_is_refused(
    ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    headers = trace.to_call_headers

    def forged(seconds: float) -> dict[str, Any]:
        return headers(seconds) | {"nameko.actor": token}

    monkeypatch.setattr(trace, "to_call_headers", forged)
    with pytest.raises(Denied, match="no se hizo"):
        ask(add_note, "one")
    with pytest.raises(Denied, match="no se hizo"):
        ask(greet)
    assert Probe.done == []
    monkeypatch.setattr(trace, "to_call_headers", headers)
    assert ask(double, 21) == 42


def test_health_answers_whoever_shows_nothing(
    ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "signing_key", "")
    assert ask(None, actor=None)  # whatever it says


def test_arguments_and_reply_are_of_the_declared_types(ask: Callable[..., Any]) -> None:
    assert ask(double, 21) == 42


def test_a_wrong_argument_names_its_field(ask: Callable[..., Any]) -> None:
    with pytest.raises(Invalid) as error:
        ask(double, 0)
    assert [item.field for item in error.value.fields] == ["number"]


@pytest.mark.parametrize("kind", sorted(ERRORS))
def test_each_of_the_five_errors_arrives_whole(ask: Callable[..., Any], kind: str) -> None:
    with pytest.raises(ERRORS[kind]) as error:
        ask(fail_with, kind)
    assert error.value.message == f"{kind}!"
    assert [(item.field, item.message) for item in error.value.fields] == [("a.b", "mal")]


def test_a_defect_arrives_without_its_details(ask: Callable[..., Any]) -> None:
    with pytest.raises(PregonError) as error:
        ask(fail_with, "defect")
    assert isinstance(error.value, Unavailable)
    assert "secret" not in str(error.value)


def test_a_repeated_key_acts_once_and_answers_the_same(ask: Callable[..., Any]) -> None:
    assert ask(add_note, "one", idempotency_key="k") == 1
    assert ask(add_note, "one", idempotency_key="k") == 1
    with pytest.raises(Conflict):
        ask(add_note, "other", idempotency_key="k")
    assert ask(add_note, "two", idempotency_key="l") == 2
    assert Probe.done == ["one", "two"]


@pytest.mark.parametrize("note", ["a", "nothing"])
def test_a_command_that_asks_first_asks_and_acts_once_for_its_key(
    ask: Callable[..., Any], note: str
) -> None:
    first = ask(add_found_note, note, idempotency_key="k")
    assert ask(add_found_note, note, idempotency_key="k") == first
    assert Probe.done == [f"asked {note}", note.upper()]


def test_the_same_key_of_another_user_is_another_command(ask: Callable[..., Any]) -> None:
    other = make_actor("asesor1", "advisor", user_id=2, full_name="Asesor")
    assert ask(add_note, "one", idempotency_key="k") == 1
    assert ask(add_note, "one", idempotency_key="k", actor=other) == 2
    assert ask(add_note, "one", idempotency_key="k", actor=other) == 2


def test_a_deadline_ends_the_wait(ask: Callable[..., Any]) -> None:
    with pytest.raises(Unavailable):
        ask(take_long, deadline=time.time() + 0.3)


def test_a_query_ends_with_the_caller_who_waits_for_it(
    ask: Callable[..., Any], database: Any, until: Any
) -> None:
    with pytest.raises(Unavailable):
        ask(sleep_in_the_database, deadline=time.time() + 0.5)
    running = text(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
        " AND state = 'active'"
    )

    def is_over() -> bool:
        with database("identity")() as session:
            return bool(session.execute(running).scalar_one() == 0)

    until(is_over)


RPC_QUEUE = settings().amqp_name("rpc-identity")


def test_what_its_caller_gave_up_is_not_begun(ask: Callable[..., Any], until: Any) -> None:
    with Connection(settings().amqp_url) as connection:
        connection.Producer().publish(
            {"args": [], "kwargs": {"text": "late"}},
            exchange=settings().amqp_name("nameko-rpc"),
            routing_key="identity.add_note",
            serializer="json",
            reply_to="nobody",
            correlation_id="1",
            headers={"nameko.deadline_ms": int(time.time() * 1000) - 1},
        )
        until(lambda: connection.default_channel.queue_declare(RPC_QUEUE, passive=True)[1] == 0)
    assert ask(add_note, "in time") == 1
    assert Probe.done == ["in time"]


@procedure("campaign", scope=HOUSE)
def pass_on() -> None:
    """Ask identity from within a room."""


@procedure("campaign", scope=HOUSE)
def give_up() -> float:
    """Seconds until a room lets another one be that takes too long."""
    raise NotImplementedError


class Asker(Room):
    """A room that asks another."""

    name = "campaign"

    @rpc(pass_on)
    def pass_on(self) -> None:
        self.ask(add_note, "nobody there")

    @rpc(give_up)
    def give_up(self) -> float:
        started = time.monotonic()
        soon = trace.use(actor=trace.actor(), deadline=time.time() + 0.3)
        with pytest.raises(Unavailable), soon:
            self.ask(take_long)
        return time.monotonic() - started


def test_a_room_waits_for_another_no_longer_than_its_caller(
    ask: Callable[..., Any], database: Any, container: Callable[[Any], Any]
) -> None:
    database("campaign")
    container(Asker)
    assert ask(give_up) < 1


@pytest.mark.parametrize(("asked", "arguments"), [(add_note, ["nobody there"]), (pass_on, [])])
def test_a_call_that_nobody_takes_in_time_vanishes(
    ask: Callable[..., Any],
    database: Any,
    container: Callable[[Any], Any],
    until: Any,
    asked: Any,
    arguments: list[str],
) -> None:
    """Sent by the gateway, and by a room, to a room that is not there for a moment."""
    database("campaign")
    container(Asker)
    Probe.running.stop()
    with pytest.raises(Unavailable):
        ask(asked, *arguments, deadline=time.time() + 1)
    with Connection(settings().amqp_url) as connection:
        until(lambda: connection.default_channel.queue_declare(RPC_QUEUE, passive=True)[1] == 0)


def test_health_tells_of_jobs_that_stay_open_and_messages_that_nobody_takes(
    database: Any, door: Any
) -> None:
    sessions = database("identity")
    room = door("identity", sessions)
    name = job_queue_name("identity")
    with Connection(settings().amqp_url) as connection:
        events.declare_queues(connection, [type(room)])
        for bulk in (False, True):
            queue = jobs.job_queue(job_queue_name("identity", bulk=bulk))(connection)
            queue.declare()
            queue.purge()
        assert room.check_health() == "ok"
        queue = jobs.job_queue(name)(connection)
        connection.Producer().publish({}, routing_key=name, exchange="", serializer="json")
        assert f"{name} holds 1 messages and has no consumer" in room.check_health()
        queue.purge()
        queue.delete()
        assert f"{name} does not exist" in room.check_health()
        queue.declare()
    with sessions.begin() as session:
        open_jobs.note(session, uuid4(), "identity.sweep")
        session.execute(text("UPDATE open_job SET sent_at = now() - interval '1 day'"))
        outbox.add_job(session, "identity.sweep")
        session.execute(text("UPDATE outbox SET created_at = now() - interval '1 hour'"))
    told = room.check_health()
    assert "1 jobs are open" in told
    assert "1 messages wait for the relay" in told


def test_a_query_cannot_write(ask: Callable[..., Any]) -> None:
    with pytest.raises(Unavailable):
        ask(write_in_a_query)


def test_actor_and_trace_travel_along(ask: Callable[..., Any]) -> None:
    assert ask(who, trace_id="t-1") == "jefe t-1"


def test_a_room_nobody_runs_is_unavailable_at_once(ask: Callable[..., Any]) -> None:
    @procedure("nobody", scope=HOUSE)
    def anything() -> None:
        """Of a room that does not exist."""

    with pytest.raises(Unavailable, match="nobody"):
        ask(anything)


def test_no_call_inside_an_open_transaction(database: Any, door: Any) -> None:
    from shared.rpc import Ask

    sessions = database("identity")
    caller = Ask(container_config(), None)
    with sessions.begin() as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(RuntimeError, match="open transaction"):
            caller(double, 1)
