"""A process that may be killed: its limits hold, and the next question is answered."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared import killable
from shared.errors import Conflict, Invalid
from shared.killable import Killable, KilledError
from tests.unit.shared import killed


@pytest.fixture(scope="module")
def bench() -> Any:
    made = Killable(killed.__name__)
    yield made
    made.close()


def test_results_and_errors_come_back(bench: Killable) -> None:
    assert bench.run(killed.add.__name__, one=1, other=2) == 3
    with pytest.raises(Conflict, match="ya está"):
        bench.run(killed.refuse.__name__)
    with pytest.raises(Invalid) as error:
        bench.run(killed.refuse_field.__name__)
    assert error.value.fields[0].field == "html"
    with pytest.raises(RuntimeError, match=r"KeyError .* at killed.py") as defect:
        bench.run(killed.fail.__name__, secret="1710034065")
    assert "1710034065" not in str(defect.value)


@pytest.mark.parametrize(
    "function",
    [killed.sleep, killed.spin, killed.eat, killed.fall, killed.recurse, killed.leave],
)
def test_what_takes_too_much_is_ended_and_the_next_is_answered(
    bench: Killable, monkeypatch: pytest.MonkeyPatch, function: Callable[[], None]
) -> None:
    bench.run(killed.add.__name__, one=1, other=2)
    monkeypatch.setattr(killable, "SECONDS", 1.0)
    started = time.monotonic()
    with pytest.raises(KilledError):
        bench.run(function.__name__)
    assert time.monotonic() - started < 5
    monkeypatch.undo()
    assert bench.run(killed.add.__name__, one=2, other=2) == 4


def test_memory_has_a_limit_of_its_own_however_much_time_is_left(bench: Killable) -> None:
    assert bench.run(killed.take.__name__, megabytes=100) == 100
    with pytest.raises(KilledError):
        bench.run(killed.take.__name__, megabytes=killable.MEMORY_MB + 1)


def test_a_child_is_used_again(bench: Killable) -> None:
    assert bench.run(killed.tell_id.__name__) == bench.run(killed.tell_id.__name__) != os.getpid()


def test_a_child_that_went_by_itself_is_replaced(bench: Killable, until: Any) -> None:
    former = bench.run(killed.tell_id.__name__)
    bench.run(killed.go_afterwards.__name__)
    until(lambda: Path(f"/proc/{former}/stat").read_text().split()[2] == "Z")
    assert bench.run(killed.tell_id.__name__) != former
