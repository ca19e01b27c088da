"""Events over the real broker: once per event, retried, and parked when nothing helps."""

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import eventlet
import pytest
from eventlet import tpool
from kombu import Connection
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared import events, inbox, jobs, outbox, parked, relay, replay, signing, waiting
from shared.client import Client
from shared.contract import Event
from shared.events import on_event
from shared.room import Room
from shared.settings import settings
from shared.tables import Inbox


class ThingHappened(Event, service="identity"):
    """An event of tests."""

    number: int


class Listener(Room):
    """Hears the event; fails as often as it is told to."""

    name = "identity"
    heard: ClassVar[list[int]] = []
    failures: ClassVar[int] = 0

    @on_event(ThingHappened)
    def on_thing_happened(self, session: Session, event: ThingHappened) -> None:
        session.execute(select(1))
        if Listener.failures > 0:
            Listener.failures -= 1
            raise ConnectionError("not now")
        Listener.heard.append(event.number)


WAITS = (1, 2, 3)
QUEUE = settings().amqp_name("evt-identity-thing_happened--identity.on_thing_happened")


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """The broker with the listener's queues empty and waits of a moment."""
    monkeypatch.setattr(waiting, "SECONDS", WAITS)
    with Connection(settings().amqp_url) as connection:
        events.declare_queues(connection, [Listener])
        channel = connection.channel()
        for queue in (QUEUE, f"dead.{QUEUE}"):
            channel.queue_purge(queue)
        yield connection


@pytest.fixture
def listening(database: Any, broker: Connection, container: Callable[[Any], Any]) -> Any:
    Listener.heard.clear()
    Listener.failures = 0
    sessions = database("identity")
    container(Listener)
    return sessions


class Slow(Listener):
    """Takes its time with each event."""

    name = "identity"
    at_work: ClassVar[int] = 0
    goes_on: ClassVar[eventlet.Event] = eventlet.Event()

    @on_event(ThingHappened)
    def on_thing_happened(self, session: Session, event: ThingHappened) -> None:
        Slow.at_work += 1
        Slow.goes_on.wait()
        Listener.heard.append(event.number)


def test_however_many_events_come_somebody_is_there_to_answer(
    database: Any, broker: Connection, container: Callable[[Any], Any], until: Any
) -> None:
    database("identity")
    Listener.heard.clear()
    Slow.at_work, Slow.goes_on = 0, eventlet.Event()
    workers = container(Slow).max_workers
    for number in range(2 * workers):
        publish(broker, {"number": number})
    until(lambda: Slow.at_work)
    assert tpool.execute(asyncio.run, ask_for_health())
    assert Slow.at_work == workers // 2
    Slow.goes_on.send()
    until(lambda: len(Listener.heard) == 2 * workers)


async def ask_for_health() -> str:
    client = Client()
    await client.start()
    try:
        return await client.check_health("identity")
    finally:
        await client.stop()


def publish(
    broker: Connection,
    body: object,
    message_id: str | None = None,
    headers: dict[str, Any] | None = None,
) -> None:
    broker.Producer().publish(
        body,
        exchange=settings().amqp_name("identity.events"),
        routing_key="thing_happened",
        message_id=message_id or str(uuid.uuid4()),
        serializer="json",
        headers=headers or {"nameko.actor": signing.sign(None)},
    )


def depth(broker: Connection, queue: str) -> int:
    """Messages that wait in a queue."""
    return int(broker.default_channel.queue_declare(queue, passive=True).message_count)


def test_an_outbox_row_reaches_the_handler_through_the_relay(
    listening: Any, broker: Connection, until: Any
) -> None:
    with listening.begin() as session:
        outbox.add(session, ThingHappened(number=7))
    outlet = relay.Outlet("identity")
    outlet.drain(relay.Publisher(broker, None))
    outlet.close()
    assert until(lambda: Listener.heard) == [7]


def test_a_rolled_back_transaction_announces_nothing(listening: Any, broker: Connection) -> None:
    with pytest.raises(KeyError), listening.begin() as session:  # noqa: PT012  # the block is it
        outbox.add(session, ThingHappened(number=7))
        raise KeyError
    outlet = relay.Outlet("identity")
    outlet.drain(relay.Publisher(broker, None))
    outlet.close()
    assert depth(broker, QUEUE) == 0
    assert Listener.heard == []


def test_only_one_relay_works_on_an_outbox(listening: Any, broker: Connection, until: Any) -> None:
    with listening.begin() as session:
        outbox.add(session, ThingHappened(number=7))
    first, second = relay.Outlet("identity"), relay.Outlet("identity")
    first._connected()
    second.drain(relay.Publisher(broker, None))
    with listening() as session:
        assert session.execute(select(relay_rows())).all()
    first.close()

    def is_published() -> bool:  # the server frees a lock some time after the close
        second.drain(relay.Publisher(broker, None))
        with listening() as session:
            return not session.execute(select(relay_rows())).all()

    until(is_published)
    second.close()


def relay_rows() -> Any:
    from shared.tables import Outbox

    return Outbox.id


def test_the_same_event_twice_acts_once(
    listening: Any, broker: Connection, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted: list[bool] = []
    accept = inbox.accept

    def count(*args: Any) -> bool:
        accepted.append(accept(*args))
        return accepted[-1]

    monkeypatch.setattr(inbox, "accept", count)
    same = str(uuid.uuid4())
    publish(broker, {"number": 1}, same)
    publish(broker, {"number": 1}, same)
    publish(broker, {"number": 2})
    until(lambda: len(accepted) == 3 and len(Listener.heard) == sum(accepted))
    assert sorted(Listener.heard) == [1, 2]


def test_a_failing_handler_is_tried_again_and_leaves_no_trace_of_the_failure(
    listening: Any, broker: Connection, until: Any
) -> None:
    Listener.failures = 2
    publish(broker, {"number": 3})
    assert until(lambda: Listener.heard) == [3]
    with listening() as session:
        assert len(session.execute(select(Inbox)).all()) == 1


def test_what_fails_every_time_is_parked_whole_with_its_error(
    listening: Any, broker: Connection, until: Any
) -> None:
    Listener.failures = 100
    publish(broker, {"number": 4})
    until(lambda: depth(broker, f"dead.{QUEUE}") == 1)
    message = broker.default_channel.basic_get(f"dead.{QUEUE}", no_ack=True)
    assert json.loads(message.body) == {"number": 4}
    assert "not now" in message.headers["error"]
    waited = {death["queue"]: death["count"] for death in message.headers["x-death"]}
    assert waited == {settings().amqp_name(f"wait.{seconds}s"): 1 for seconds in WAITS}
    assert Listener.heard == []


def test_what_was_parked_is_sent_again_and_acts(
    listening: Any, broker: Connection, until: Any
) -> None:
    Listener.failures = 4
    publish(broker, {"number": 6})
    until(lambda: depth(broker, f"dead.{QUEUE}") == 1)
    assert replay.replay(broker, f"dead.{QUEUE}") == 1
    assert until(lambda: Listener.heard) == [6]
    assert depth(broker, f"dead.{QUEUE}") == 0


@pytest.mark.parametrize("token", [None, "", "eso-no-es"])
def test_an_event_for_which_nobody_vouches_is_never_heard(
    listening: Any, broker: Connection, until: Any, token: str | None
) -> None:
    publish(broker, {"number": 9}, headers={"nameko.trace_id": "x", "nameko.actor": token})
    until(lambda: depth(broker, f"dead.{QUEUE}") == 1)
    message = broker.default_channel.basic_get(f"dead.{QUEUE}", no_ack=True)
    assert "no viene de una parte conocida" in message.headers["error"]
    assert Listener.heard == []


def test_every_handler_has_a_dead_queue_that_is_listed() -> None:
    names = parked.dead_queues()
    assert settings().amqp_name("dead.jobs") in names
    assert len(names) == len(set(names)) > 10


def test_the_waits_are_those_that_are_documented() -> None:
    assert waiting.SECONDS == (5, 60, 600)


@pytest.mark.parametrize("queue", [waiting.queue(5), jobs.job_queue("jobs.identity")])
def test_what_waits_is_kept_until_its_own_queue_has_it(queue: Any) -> None:
    """The broker's default forgets it where that queue has no leader yet, as after a crash."""
    arguments = queue.queue_arguments
    assert arguments["x-queue-type"] == "quorum"
    assert arguments["x-dead-letter-strategy"] == "at-least-once"
    assert arguments["x-overflow"] == "reject-publish"


def test_what_cannot_be_read_does_not_stop_the_others(
    listening: Any, broker: Connection, until: Any
) -> None:
    publish(broker, {"misspelt": 1})
    publish(broker, {"number": 5})
    assert until(lambda: Listener.heard) == [5]
