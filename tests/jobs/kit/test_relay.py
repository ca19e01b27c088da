"""The relay's own process, between a real database and a real broker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kombu import Connection, Exchange, Queue
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from shared import outbox, relay
from shared.contract import Event
from shared.room import ROOMS
from shared.settings import settings
from shared.tables import Outbox
from tests.databases import sessions_of
from tests.gate import Gate

SOON = 2.0  # a stop, far from any wait of the relay
LOGIN_BYTES = 200


class ThingSaid(Event, service="identity"):
    """An event of these tests."""

    number: int


@pytest.fixture
def sessions(database: Callable[[str], sessionmaker[Session]]) -> sessionmaker[Session]:
    return database("identity")


@pytest.fixture
def run_relay(gate: Gate, tmp_path: Path) -> Iterator[Callable[[], "subprocess.Popen[bytes]"]]:
    """Start the relay's process, its broker behind the gate."""
    started = []
    log = (tmp_path / "relay.log").open("ab")

    def run() -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-W", "ignore", "-m", "shared.relay"]
        environ = os.environ | {"PREGON_AMQP_URL": gate.url}
        started.append(subprocess.Popen(command, env=environ, stdout=log))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()
    log.close()


@pytest.fixture
def queue() -> Iterator[Callable[..., Any]]:
    """`queue()`: a queue that hears the event, on the broker."""
    with Connection(settings().amqp_url) as connection:
        made = []

        def make(**arguments: Any) -> Any:
            heard = Exchange(settings().amqp_name("identity.events"), type="topic", durable=True)
            one = Queue(
                f"test-{uuid4().hex}",
                heard,
                routing_key=ThingSaid.kind,
                queue_arguments=arguments,
            )(connection.channel())
            one.declare()
            made.append(one)
            return one

        yield make
        for one in made:
            one.delete()


def say(sessions: sessionmaker[Session], *numbers: int) -> None:
    for number in numbers:
        with sessions.begin() as session:
            outbox.add(session, ThingSaid(number=number))


def waiting(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(Outbox)) or 0


def take(queue: Any) -> int | None:
    """The next event's number, None when there is none."""
    message = queue.get(no_ack=True)
    number: int | None = message and message.payload["number"]
    return number


def test_events_leave_in_the_order_in_which_they_were_said(
    sessions: sessionmaker[Session],
    queue: Callable[..., Any],
    run_relay: Callable[[], Any],
    until: Any,
) -> None:
    heard = queue()
    say(sessions, *range(5))
    run_relay()
    until(lambda: waiting(sessions) == 0)
    say(sessions, 5, 6)
    until(lambda: waiting(sessions) == 0)
    assert [take(heard) for _ in range(8)] == [*range(7), None]


def test_more_than_a_batch_keeps_its_order(
    sessions: sessionmaker[Session],
    queue: Callable[..., Any],
    run_relay: Callable[[], Any],
    until: Any,
) -> None:
    heard = queue()
    numbers = list(range(relay.BATCH + 3))
    with sessions.begin() as session:
        outbox.add(session, *(ThingSaid(number=number) for number in numbers))
    run_relay()
    until(lambda: waiting(sessions) == 0)
    assert [take(heard) for _ in numbers] == numbers


def test_what_the_broker_does_not_confirm_stays_until_it_does(
    sessions: sessionmaker[Session],
    queue: Callable[..., Any],
    run_relay: Callable[[], Any],
    gate: Gate,
    until: Any,
) -> None:
    full = queue(**{"x-max-length": 1, "x-overflow": "reject-publish"})
    say(sessions, 1)
    run_relay()
    until(lambda: waiting(sessions) == 0)
    say(sessions, 2)
    visits = gate.visits
    until(lambda: gate.visits > visits)  # it was refused, and comes again
    assert waiting(sessions) == 1
    assert take(full) == 1
    until(lambda: waiting(sessions) == 0)
    assert take(full) == 2


def test_the_broker_is_reached_before_there_is_anything_to_say_and_again_when_it_hangs_up(
    sessions: sessionmaker[Session], run_relay: Callable[[], Any], gate: Gate, until: Any
) -> None:
    run_relay()
    until(lambda: gate.visits == 1)
    until(lambda: gate.said > LOGIN_BYTES)  # it has logged in
    gate.hang_up()
    until(lambda: gate.visits == 2)
    assert waiting(sessions) == 0


def test_an_idle_relay_says_that_it_lives(
    sessions: sessionmaker[Session], run_relay: Callable[[], Any], gate: Gate, until: Any
) -> None:
    run_relay()
    until(lambda: gate.said > LOGIN_BYTES)
    time.sleep(1)  # the end of the log-in
    said, visits = gate.said, gate.visits  # under load it may have come in at the second try
    until(lambda: gate.said > said)
    assert gate.visits == visits


def test_it_stops_at_once_when_idle(
    sessions: sessionmaker[Session], run_relay: Callable[[], Any], until: Any
) -> None:
    def end_idle() -> float:
        idle = run_relay()
        say(sessions, 1)
        until(lambda: waiting(sessions) == 0)  # from here it waits for the next
        time.sleep(0.2)
        return seconds_to_end(idle)

    assert end_idle() < SOON


def test_it_stops_at_once_without_a_broker(
    run_relay: Callable[[], Any], gate: Gate, until: Any, tmp_path: Path
) -> None:
    log = tmp_path / "relay.log"
    for room in ROOMS:  # with a database missing it would not wait long
        sessions_of(room)
    gate.shut()

    def end_alone() -> float:
        before = log.read_text().count("broker away") if log.exists() else 0
        alone = run_relay()
        until(lambda: log.read_text().count("broker away") > before)  # it waits to try again
        time.sleep(0.2)
        return seconds_to_end(alone)

    assert end_alone() < SOON


def seconds_to_end(process: "subprocess.Popen[bytes]") -> float:
    """Without what it stood in line for a processor: that is other load's, not its own."""
    before = in_line = seconds_in_line(process.pid)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    while process.poll() is None:
        assert time.monotonic() < started + 30
        in_line = seconds_in_line(process.pid) or in_line
        time.sleep(0.01)
    assert process.returncode == 0
    return time.monotonic() - started - (in_line - before)


def seconds_in_line(pid: int) -> float:
    """How long a process has been ready to run without running; 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (FileNotFoundError, ProcessLookupError):
        return 0
