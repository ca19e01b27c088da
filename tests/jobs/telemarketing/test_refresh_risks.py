"""The risk of a whole assignment, in batches; the bureau is faked at its client."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session, sessionmaker

from services.telemarketing import bureau, jobs, refreshes
from services.telemarketing.models import RiskCheck, Target
from shared.contracts.risk_central import RiskCategory, RiskReport
from shared.errors import Conflict
from tests.databases import outbox_of

PEOPLE = 1200


class FakeBureau:
    """Knows everybody with an even number; down when told so."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.down = False

    def list_risks(self, cedulas: Sequence[str]) -> list[RiskReport]:
        """As the real one."""
        if self.down:
            raise bureau.BureauDownError
        self.sizes.append(len(cedulas))
        return [_report(cedula) for cedula in cedulas if int(cedula) % 2 == 0]


def _report(cedula: str) -> RiskReport:
    return RiskReport(
        cedula=cedula,
        full_name="Rosa Mora",
        category=RiskCategory.A1,
        score=900,
        total_debt=Decimal(0),
        days_overdue=0,
        reported_on=date(2026, 10, 31),
        source="Banco",
    )


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeBureau:
    """Instead of the SOAP client."""
    found = FakeBureau()
    monkeypatch.setattr(bureau, "shared_bureau", lambda: found)
    return found


@pytest.fixture
def sessions(database: Any) -> sessionmaker[Session]:
    """Ana has 1,200 people."""
    found: sessionmaker[Session] = database("telemarketing")
    rows = [
        {
            "campaign_id": 7,
            "customer_id": number,
            "cedula": f"17{number:08}",
            "first_names": "Rosa",
            "last_names": "Mora",
            "advisor": "ana",
        }
        for number in range(1, PEOPLE + 1)
    ]
    with found.begin() as session:
        session.execute(insert(Target), rows)
    return found


def begin(sessions: sessionmaker[Session]) -> int:
    with sessions.begin() as session:
        return refreshes.begin(session, 7, "ana", PEOPLE)


def run(sessions: sessionmaker[Session]) -> None:
    """The job, and those it hands on to, until none is left."""
    waiting: list[list[Any]] = [[7, "ana", begin(sessions), 0]]
    while waiting:
        before = len(outbox_of(sessions))
        jobs.refresh_risks.run(*waiting.pop())
        waiting += [payload["arguments"] for _, payload in outbox_of(sessions)[before:]]


def test_everybody_is_asked_about_once_in_batches_and_logged(
    sessions: sessionmaker[Session], fake: FakeBureau
) -> None:
    run(sessions)
    assert fake.sizes == [500, 500, 200]
    with sessions() as session:
        counts = session.execute(select(RiskCheck.state, func.count()).group_by(RiskCheck.state))
        assert dict(counts.all()) == {"known": 600, "unknown": 600}
        who = select(RiskCheck.advisor, RiskCheck.purpose).distinct()
        assert session.execute(who).all() == [("ana", "review")]


def test_a_bureau_that_is_down_makes_the_job_try_again(
    sessions: sessionmaker[Session], fake: FakeBureau
) -> None:
    fake.down = True
    with pytest.raises(ConnectionError):
        jobs.refresh_risks.run(7, "ana", begin(sessions), 0)
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(RiskCheck)) == 0


def begun_at_once(sessions: sessionmaker[Session]) -> list[int]:
    """The numbers of those of eight who may; the others hear that it is under way."""

    def begin(_: int) -> int | None:
        try:
            with sessions.begin() as session:
                return refreshes.begin(session, 1, "ana", PEOPLE)
        except Conflict:
            return None

    with ThreadPoolExecutor(8) as threads:
        return [number for number in threads.map(begin, range(8)) if number is not None]


def test_of_many_who_ask_at_once_one_begins_also_in_place_of_an_earlier_one(
    sessions: sessionmaker[Session],
) -> None:
    for _ in range(3):
        [number] = begun_at_once(sessions)
        with sessions.begin() as session:
            assert refreshes.is_running(session, 1, "ana", number)
            refreshes.end(session, number)
