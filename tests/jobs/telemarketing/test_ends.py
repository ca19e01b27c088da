"""Every kind of job of the room: it fails once and still ends; it fails for good and says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session, sessionmaker

from services.telemarketing import bureau, call_lists, contacts, jobs, merges, refreshes
from services.telemarketing.models import CallListRow, RiskRefresh, Target
from shared import transfer
from shared.contracts.telemarketing import CallListState, RefreshState
from shared.tables import OpenJob
from tests.databases import outbox_of
from tests.jobs.deliveries import deliver, failing
from tests.jobs.telemarketing.conftest import (
    CAMPAIGN,
    chunks,
    list_of,
    load,
    phones,
    request,
    send,
)

ALWAYS = 10**6
IN_VAIN = ["wait.5s", "wait.5s", "wait.60s", "wait.60s", "wait.600s"]
AWAY = "Un servidor no respondió después de varios intentos. Empiece de nuevo más tarde."
PEOPLE: dict[int, str | None] = {1: "a", 2: "b", 3: "c"}


def count_rows(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(CallListRow)) or 0


# --- a chunk of a call list ---


@contextmanager
def losing_the_database(sessions: sessionmaker[Session]) -> Iterator[None]:
    """The server ends the connection of the first COPY: psycopg2 says so, unwrapped."""
    raw, left = transfer.raw, [1]

    def lose(session: Session) -> Any:
        connection = raw(session)
        if left[0]:
            left[0] -= 1
            with sessions.begin() as other:
                pid = connection.info.backend_pid
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer, "raw", lose)
        yield


def test_a_chunk_whose_copy_loses_its_server_comes_again(
    sessions: sessionmaker[Session],
) -> None:
    sent = chunks(request(sessions), PEOPLE)
    with losing_the_database(sessions):
        assert deliver(jobs.load_call_list_chunk, sent[0]) == ["wait.5s"]
    load(sessions, sent)
    assert phones(sessions) == PEOPLE


def test_a_chunk_that_cannot_be_loaded_fails_its_list(sessions: sessionmaker[Session]) -> None:
    transfer_id = request(sessions)
    sent = chunks(transfer_id, PEOPLE)
    send(sessions, sent[:1])
    with failing(transfer, "load_chunk", times=ALWAYS):
        went = deliver(jobs.load_call_list_chunk, sent[1])
    assert went == [*IN_VAIN, "jobs.telemarketing", "dead.jobs"]
    failed = list_of(sessions, transfer_id)
    assert (failed.state, failed.error) == (CallListState.FAILED, AWAY)
    assert failed.ended_at is not None
    assert count_rows(sessions) == 0
    assert send(sessions, sent) == []  # what comes late is dropped
    assert count_rows(sessions) == 0


def test_a_damaged_chunk_fails_its_list_at_once(sessions: sessionmaker[Session]) -> None:
    transfer_id = request(sessions)
    sent = chunks(transfer_id, PEOPLE)[0]
    assert deliver(jobs.load_call_list_chunk, sent | {"rows": 3}) == [
        "jobs.telemarketing",
        "dead.jobs",
    ]
    failed = list_of(sessions, transfer_id)
    assert failed.state == CallListState.FAILED
    assert "error interno" in (failed.error or "")


# --- the merge ---


def test_a_merge_that_failed_once_goes_on(
    sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merges, "PART", 2)
    transfer_id = request(sessions)
    (merge,) = send(sessions, chunks(transfer_id, PEOPLE))
    with failing(merges, "_find_end", times=1):
        assert deliver(jobs.merge_call_list, merge) == ["wait.5s"]
    assert phones(sessions) == PEOPLE
    assert list_of(sessions, transfer_id).state == CallListState.DONE


def test_a_merge_that_cannot_be_done_says_so_and_another_list_may_be_asked_for(
    sessions: sessionmaker[Session],
) -> None:
    transfer_id = request(sessions)
    (merge,) = send(sessions, chunks(transfer_id, PEOPLE))
    with failing(merges, "merge_part", times=ALWAYS):
        went = deliver(jobs.merge_call_list, merge)
    assert went == [*IN_VAIN, "jobs.telemarketing", "dead.jobs"]
    failed = list_of(sessions, transfer_id)
    assert (failed.state, failed.error) == (CallListState.FAILED, AWAY)
    assert count_rows(sessions) == 0
    load(sessions, chunks(request(sessions), PEOPLE))
    assert phones(sessions) == PEOPLE


def test_the_end_of_a_list_that_has_ended_changes_nothing(
    sessions: sessionmaker[Session],
) -> None:
    transfer_id = request(sessions)
    load(sessions, chunks(transfer_id, PEOPLE))
    jobs.on_list_failed("too late", str(transfer_id))
    assert list_of(sessions, transfer_id).state == CallListState.DONE


# --- the risk of an assignment ---


class Away:
    """A bureau that is down so many times, and then knows nobody."""

    def __init__(self, times: int) -> None:
        self.left = times

    def list_risks(self, _cedulas: Any) -> list[Any]:
        if self.left:
            self.left -= 1
            raise bureau.BureauDownError
        return []


@pytest.fixture
def refresh(sessions: sessionmaker[Session]) -> int:
    """Ana has three people, who are asked about."""
    rows = [
        {
            "campaign_id": CAMPAIGN,
            "customer_id": number,
            "cedula": f"17{number:08}",
            "first_names": "Rosa",
            "last_names": "Mora",
            "advisor": "ana",
        }
        for number in PEOPLE
    ]
    with sessions.begin() as session:
        session.execute(insert(Target), rows)
        return refreshes.begin(session, CAMPAIGN, "ana", 3)


def refresh_of(sessions: sessionmaker[Session]) -> tuple[str, int, str | None]:
    with sessions() as session:
        found = session.get_one(RiskRefresh, (CAMPAIGN, "ana"))
        return found.state, found.asked, found.error


def test_a_refresh_that_failed_once_goes_on(
    sessions: sessionmaker[Session], refresh: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(1)
    monkeypatch.setattr(bureau, "shared_bureau", lambda: away)
    assert deliver(jobs.refresh_risks, CAMPAIGN, "ana", refresh, 0) == ["wait.5s"]
    assert refresh_of(sessions) == (RefreshState.RUNNING, 3, None)
    following = outbox_of(sessions)[-1][1]["arguments"]
    assert following == [CAMPAIGN, "ana", refresh, 3]
    assert deliver(jobs.refresh_risks, *following) == []
    assert refresh_of(sessions) == (RefreshState.DONE, 3, None)


def test_a_refresh_that_cannot_be_done_says_so_and_may_be_asked_for_again(
    sessions: sessionmaker[Session], refresh: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Away(ALWAYS)
    monkeypatch.setattr(bureau, "shared_bureau", lambda: away)
    went = deliver(jobs.refresh_risks, CAMPAIGN, "ana", refresh, 0)
    assert went == [*IN_VAIN, "jobs.telemarketing", "dead.jobs"]
    assert refresh_of(sessions) == (RefreshState.FAILED, 0, AWAY)
    with sessions.begin() as session:
        assert refreshes.begin(session, CAMPAIGN, "ana", 3) > refresh
    assert refresh_of(sessions) == (RefreshState.RUNNING, 0, None)
    before = len(outbox_of(sessions))
    jobs.refresh_risks.run(CAMPAIGN, "ana", refresh, 0)  # of the one before: late
    assert len(outbox_of(sessions)) == before


# --- what is forgotten every night ---


def test_forgetting_that_failed_comes_again_and_in_vain_is_parked(
    sessions: sessionmaker[Session],
) -> None:
    with failing(contacts, "forget_old", times=1):
        assert deliver(jobs.forget_old) == ["wait.5s"]
    with failing(call_lists, "list_leftovers", times=ALWAYS):
        assert deliver(jobs.forget_old)[-1] == "dead.jobs"
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(OpenJob)) == 0


def test_it_runs_every_night() -> None:
    schedule = jobs.SCHEDULE["telemarketing.forget_old"]
    assert schedule["task"] == jobs.forget_old.name
    assert (schedule["schedule"].hour, schedule["schedule"].minute) == ({3}, {40})
