"""Places and breakers: real threads, and a clock that stands still until a test moves it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event

import pytest

from shared.bulkhead import Breaker, Bulkhead, FullError, OpenError

PAUSE = 5.0


class Clock:
    """Monotonic seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(PAUSE, clock)


def fail(breaker: Breaker, error: BaseException | None = None) -> None:
    failure = error or ConnectionError()
    with pytest.raises(type(failure)), breaker.guard():
        raise failure


def ask(breaker: Breaker) -> str:
    try:
        with breaker.guard():
            return "asked"
    except OpenError:
        return "refused"


# --- bulkhead ---


def test_no_more_than_its_places_are_inside_and_the_next_is_refused_at_once() -> None:
    bulkhead = Bulkhead(2)
    with ExitStack() as inside:
        for _ in range(2):
            inside.enter_context(bulkhead.place())
        with pytest.raises(FullError), bulkhead.place():
            pass
    with bulkhead.place(), bulkhead.place():
        pass


def test_a_place_is_free_again_after_an_error() -> None:
    bulkhead = Bulkhead(1)
    for _ in range(3):
        with pytest.raises(ConnectionError), bulkhead.place():
            raise ConnectionError
    with bulkhead.place():
        pass


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def test_who_waits_gets_the_place_that_becomes_free(threads: ThreadPoolExecutor) -> None:
    bulkhead, waits = Bulkhead(1, wait_seconds=30, waiting=1), Event()

    def wait() -> str:
        waits.set()
        with bulkhead.place():
            return "inside"

    with bulkhead.place():
        waiting = threads.submit(wait)
        assert waits.wait(30)
        assert not waiting.done()
    assert waiting.result(30) == "inside"


def test_who_waits_in_vain_is_refused_and_leaves_room_for_others() -> None:
    bulkhead = Bulkhead(1, wait_seconds=0.01, waiting=1)
    with bulkhead.place():
        for _ in range(3):
            with pytest.raises(FullError), bulkhead.place():
                pass
    with bulkhead.place():
        pass


def test_only_so_many_may_wait(threads: ThreadPoolExecutor) -> None:
    bulkhead, entered = Bulkhead(1, wait_seconds=30, waiting=1), Event()

    def come() -> str:
        try:
            with bulkhead.place():
                return "inside"
        except FullError:
            entered.set()
            return "refused"

    with bulkhead.place():
        both = [threads.submit(come) for _ in range(2)]
        assert entered.wait(10)  # one of them at once, the other waits
    assert sorted(one.result(30) for one in both) == ["inside", "refused"]


# --- breaker ---


def test_a_failure_has_everybody_refused_for_the_pause(breaker: Breaker, clock: Clock) -> None:
    assert ask(breaker) == "asked"
    fail(breaker)
    assert ask(breaker) == "refused"
    clock.now += PAUSE - 0.1
    assert ask(breaker) == "refused"


def test_after_the_pause_one_probe_goes_through_and_the_others_are_refused(
    breaker: Breaker, clock: Clock
) -> None:
    fail(breaker)
    clock.now += PAUSE
    with breaker.guard():
        assert [ask(breaker) for _ in range(5)] == ["refused"] * 5
        clock.now += 10 * PAUSE
        assert ask(breaker) == "refused"
    assert [ask(breaker) for _ in range(5)] == ["asked"] * 5


def test_a_probe_that_fails_begins_the_pause_anew(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += PAUSE
    fail(breaker)
    clock.now += PAUSE - 0.1
    assert ask(breaker) == "refused"
    clock.now += 0.1
    assert ask(breaker) == "asked"


def test_one_that_began_before_the_failure_closes_nothing(breaker: Breaker) -> None:
    with breaker.guard():
        fail(breaker)
    assert ask(breaker) == "refused"


def test_a_late_failure_of_another_leaves_the_probe_its_word(
    breaker: Breaker, clock: Clock
) -> None:
    early = ExitStack()
    early.enter_context(breaker.guard())
    fail(breaker)
    clock.now += PAUSE
    with breaker.guard():
        with pytest.raises(ConnectionError), early:
            raise ConnectionError
        clock.now += 2 * PAUSE
        assert ask(breaker) == "refused"  # the probe is still at work
    assert ask(breaker) == "asked"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit(), TimeoutError()])
def test_a_deadline_is_a_failure_too(breaker: Breaker, clock: Clock, error: BaseException) -> None:
    fail(breaker, error)
    assert ask(breaker) == "refused"
    clock.now += PAUSE
    fail(breaker, error)
    clock.now += PAUSE
    assert ask(breaker) == "asked"
