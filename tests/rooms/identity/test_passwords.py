"""Hashing: strong enough, few at once, and never in the way of the other doors."""

import time
from collections.abc import Iterator
from threading import Event
from typing import Any

import eventlet
import pytest
from eventlet.patcher import original

from services.identity import passwords
from shared.errors import Unavailable

RealEvent: type[Event] = original("threading").Event  # waits in a thread, not in the hub


def test_a_hash_is_argon2id_with_64_mib_three_passes_and_four_lanes() -> None:
    made = passwords.make_hash("una-clave-larga")
    assert made.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert made != passwords.make_hash("una-clave-larga")
    assert passwords.matches(made, "una-clave-larga")
    assert not passwords.matches(made, "otra-clave-larga")
    assert not passwords.matches("no es un hash", "una-clave-larga")


def fastest(password_hash: str | None) -> float:
    """Seconds for a wrong password; the least of some, as the machine may be busy."""

    def measure() -> float:
        started = time.perf_counter()
        assert not passwords.matches(password_hash, "otra-clave-larga")
        return time.perf_counter() - started

    return min(measure() for _ in range(5))


def test_an_unknown_user_costs_the_same_and_is_never_right() -> None:
    known = passwords.make_hash("una-clave-larga")
    assert fastest(None) > fastest(known) / 4
    assert not passwords.matches(None, "nobody")
    assert passwords._NOBODY.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_the_room_goes_on_while_a_password_is_worked_out() -> None:
    """A greenlet runs in between: the hub is not blocked for the tenth of a second."""
    passwords.make_hash("una-clave-larga")  # the threads are started
    turns: list[int] = []

    def work() -> None:
        while True:
            turns.append(1)
            eventlet.sleep(0)

    other = eventlet.spawn(work)
    passwords.make_hash("una-clave-larga")
    other.kill()
    assert len(turns) > 10


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Passwords that take until they are told."""
    ready = RealEvent()

    def wait(password: str) -> str:
        assert ready.wait(30)
        return password

    class Slow:
        hash = staticmethod(wait)

    monkeypatch.setattr(passwords, "_hasher", Slow())
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 30)
    passwords._places.cache_clear()
    yield ready
    ready.set()
    passwords._places.cache_clear()


def test_of_ten_workers_two_hash_four_wait_and_the_rest_are_free_at_once(slow: Any) -> None:
    workers = [eventlet.spawn(passwords.make_hash, str(number)) for number in range(6)]
    eventlet.sleep(0)
    with pytest.raises(Unavailable, match="Muchas personas") as error, eventlet.Timeout(5):
        passwords.make_hash("one too many")
    assert error.value.fields[0].field == "retry_after"
    slow.set()
    assert sorted(worker.wait() for worker in workers) == [str(number) for number in range(6)]


def test_who_waits_too_long_is_told_so(slow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0.05)
    passwords._places.cache_clear()
    workers = [eventlet.spawn(passwords.make_hash, str(number)) for number in range(2)]
    eventlet.sleep(0)
    with pytest.raises(Unavailable, match="Muchas personas"), eventlet.Timeout(5):
        passwords.make_hash("one too many")
    slow.set()
    assert [worker.wait() for worker in workers] == ["0", "1"]


def test_a_password_waits_two_seconds_for_its_turn() -> None:
    assert passwords.WAIT_SECONDS == 2
