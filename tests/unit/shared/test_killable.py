"""A process that may be killed: its limits hold, and the next question is answered."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from shared import killable
from shared.errors import Conflict, Invalid
from shared.killable import Killable, KilledError

HERE = "tests.unit.shared.killed"


@pytest.fixture(scope="module")
def bench() -> Any:
    made = Killable(HERE)
    yield made
    made.close()


def test_results_and_errors_come_back(bench: Killable) -> None:
    assert bench.run("add", one=1, other=2) == 3
    with pytest.raises(Conflict, match="ya está"):
        bench.run("refuse")
    with pytest.raises(Invalid) as error:
        bench.run("refuse_field")
    assert error.value.fields[0].field == "html"
    with pytest.raises(RuntimeError, match=r"KeyError .* at killed.py") as defect:
        bench.run("fail", secret="1710034065")
    assert "1710034065" not in str(defect.value)


@pytest.mark.parametrize("function", ["sleep", "spin", "eat", "fall", "recurse", "leave"])
def test_what_takes_too_much_is_ended_and_the_next_is_answered(
    bench: Killable, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    bench.run("add", one=1, other=2)
    monkeypatch.setattr(killable, "SECONDS", 1.0)
    started = time.monotonic()
    with pytest.raises(KilledError):
        bench.run(function)
    assert time.monotonic() - started < 5
    monkeypatch.undo()
    assert bench.run("add", one=2, other=2) == 4


def test_a_child_is_used_again(bench: Killable) -> None:
    assert bench.run("tell_id") == bench.run("tell_id") != os.getpid()


def test_a_child_that_went_by_itself_is_replaced(bench: Killable, until: Any) -> None:
    former = bench.run("tell_id")
    bench.run("go_afterwards")
    until(lambda: Path(f"/proc/{former}/stat").read_text().split()[2] == "Z")
    assert bench.run("tell_id") != former
