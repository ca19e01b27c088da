"""The numbers that the room's README tells are those of the code."""

from datetime import timedelta
from pathlib import Path

import pytest

import services.mailer
from services.mailer import claims, jobs, ledger, limits, rules, senders, sending, twins
from shared import killable

README = " ".join(Path(services.mailer.__file__).with_name("README.md").read_text().split())


def seconds(time: timedelta) -> int:
    return int(time.total_seconds())


@pytest.mark.parametrize(
    "words",
    [
        f"claims {sending.CLAIM_ROWS} rows",
        f"silent for {seconds(senders.LEASE)} seconds is dead",
        f"({sending.SLICE_SECONDS:.0f} seconds a turn)",
        f"for {seconds(rules.SERVER_WAIT)} seconds, twice as long after each further failure,",
        f"at most {seconds(rules.LONGEST_SERVER_WAIT) // 60} minutes",
        f"looked at again after {seconds(claims.ELSEWHERE_WAIT)} seconds",
        f"do {rules.REFUSED_IN_A_ROW} refusals in a row",
        f"or {rules.UNKNOWN_IN_A_ROW} where the last one's code",
        f"says every {senders.BEAT_SECONDS:.0f} seconds that the sender lives",
        f"within {seconds(twins.TWIN) // 60} minutes is refused",
        f"{killable.SECONDS:.0f} seconds, {killable.MEMORY_MB} MB",
        f"{limits.ELEMENTS:,} elements, {limits.DEPTH} deep, {limits.ATTRIBUTES} attributes each",
        f"at most {ledger.REPORT_BATCH} outcomes",
        f"`sweep` every {jobs.SCHEDULE['mailer.sweep']['schedule']:.0f} seconds",
        "one in ten, which says on disk which ten may be begun",
    ],
)
def test_the_readme_tells_the_numbers_of_the_code(words: str) -> None:
    assert words in README


def test_the_ten_of_the_readme_are_the_reach() -> None:
    assert sending.REACH == 10


def test_the_monthly_schedule_is_looked_at_every_ten_minutes() -> None:
    minutes = jobs.SCHEDULE["mailer.run_monthly_schedule"]["schedule"].minute
    assert minutes == set(range(0, 60, 10))
