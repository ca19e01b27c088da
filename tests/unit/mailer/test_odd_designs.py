"""Odd designs meet limits or the end of a process that may be killed, and nothing else."""

import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.mailer import workshop
from shared.contracts.mailer import NewDesign
from shared.errors import Invalid
from tests.hostile import designs as odd

SECONDS = 1.0
ENDED = 9.0


def outcome(html: str) -> str:
    """What whoever sends it is told; empty when it is taken. Anything but Invalid is a defect."""
    try:
        workshop.build(NewDesign.model_construct(name="Raro", subject="", html=html))
    except Invalid as error:
        return error.message
    return ""


def quick(html: str) -> tuple[str, float]:
    """The outcome and its seconds of the processor, since others use the machine too.

    A process that had to be ended counts as slow, unless it was ended without having worked: it has
    four seconds of the clock, and others may have had the processor. Then it is asked again.
    """
    while True:
        (child, before), ended = _child(), _of_ended()
        told = outcome(html)
        same, after = _child()
        if same == child:
            return told, after - before
        if _of_ended() - ended - before >= SECONDS:
            return told, ENDED


def _of_ended() -> float:
    """Seconds of the processor of all children that have gone."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _child() -> tuple[int, float]:
    """Which process looks at designs, and its processor's time so far."""
    found = workshop._bench._idle[-1]._process.pid
    used = Path(f"/proc/{found}/stat").read_text().rpartition(")")[2].split()[11:13]
    return found, sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module", autouse=True)
def _ready() -> None:
    """The first child has started."""
    outcome(f"<p>x</p>{odd.LINK}")


@pytest.mark.parametrize("design", list(odd.known()), ids=lambda design: design.name)
def test_what_once_stopped_a_room_is_refused_at_once_with_a_remedy(design: odd.Design) -> None:
    told, seconds = quick(design.html)
    assert told
    assert told != workshop._TOO_MUCH
    assert seconds < SECONDS


@pytest.mark.parametrize(
    "family",
    [
        odd.nested,
        odd.unclosed,
        odd.attributes,
        odd.comments,
        odd.templates,
        odd.styles,
        odd.texts,
        odd.entities,
    ],
)
def test_odd_designs_are_quick_and_refused_or_taken(
    family: Callable[[], Iterator[odd.Design]],
) -> None:
    wrong = []
    for design in family():
        told, seconds = quick(design.html)
        as_meant = design.refused is None or bool(told) is design.refused
        if seconds >= SECONDS or not as_meant:
            wrong.append((design.name, round(seconds, 2), told))
    assert not wrong


def test_the_families_are_all_of_the_corpus() -> None:
    named = [design.name for design in odd.cases()]
    assert len(named) > 1_500
