"""The merge of a call list: in parts, beside everybody else's work, killed and gone on with."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from services.telemarketing import assignments, campaigns, contacts, jobs, leases, merges
from services.telemarketing.models import CallListRow, ContactState, Target
from services.telemarketing.rules import Share
from shared import clock
from shared.contracts import customer_query
from shared.contracts.campaign import CampaignBrief, Phase
from shared.contracts.customer_query import Block, Channel
from shared.contracts.telemarketing import CallListState
from tests.jobs.telemarketing.conftest import (
    CAMPAIGN,
    chunks,
    list_of,
    load,
    phones,
    request,
    send,
)

PEOPLE: dict[int, str | None] = {number: f"+5939{number}" for number in range(1, 11)}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three people a transaction, so that ten take several."""
    assert merges.PART == 20_000
    monkeypatch.setattr(merges, "PART", 3)


def state(customer_id: int, version: int, **values: Any) -> customer_query.ContactState:
    usual = {"email": None, "phone": "new", "mail_block": None, "phone_block": None}
    return customer_query.ContactState(customer_id=customer_id, version=version, **usual | values)


def held(sessions: sessionmaker[Session]) -> dict[int, str | None]:
    with sessions() as session:
        return dict(session.execute(select(Target.customer_id, Target.held)).all())


def count_rows(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return session.scalar(select(func.count()).select_from(CallListRow)) or 0


# --- in parts ---


class KilledError(BaseException):
    """As a kill would end it."""


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """End the merge after so many parts."""
    merge_part, finish = merges.merge_part, merges.finish

    def after(parts: int) -> None:
        left = [parts]

        def counted(session: Session, transfer_id: UUID) -> bool:
            if not left[0]:
                raise KilledError
            left[0] -= 1
            return merge_part(session, transfer_id)

        def last(session: Session, transfer_id: UUID) -> None:
            if not left[0]:
                raise KilledError
            finish(session, transfer_id)

        monkeypatch.setattr(merges, "merge_part", counted)
        monkeypatch.setattr(merges, "finish", last)

    yield after
    monkeypatch.undo()


@pytest.mark.parametrize("parts", range(5))
def test_a_merge_that_was_killed_goes_on_where_it_was(
    sessions: sessionmaker[Session], kill: Any, monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    load(sessions, chunks(request(sessions), {2: "old", 4: "old", 20: "old", 21: "old"}))
    transfer_id = request(sessions)
    (merge,) = send(sessions, chunks(transfer_id, PEOPLE))
    kill(parts)
    with pytest.raises(KilledError):
        jobs.merge_call_list.run(merge)
    merged = [phone for phone in phones(sessions).values() if phone != "old"]
    assert len(merged) == min(3 * parts, 10)  # the fourth part is the last: its end is missing
    assert list_of(sessions, transfer_id).state == CallListState.MERGING
    kill(100)
    jobs.merge_call_list.run(merge)
    jobs.merge_call_list.run(merge)
    assert phones(sessions) == PEOPLE
    assert list_of(sessions, transfer_id).state == CallListState.DONE
    assert count_rows(sessions) == 0


def test_a_long_list_that_shrinks_is_taken_down_in_parts_too(
    sessions: sessionmaker[Session], kill: Any
) -> None:
    load(sessions, chunks(request(sessions), PEOPLE))
    (merge,) = send(sessions, chunks(request(sessions), {11: "new"}))
    kill(2)
    with pytest.raises(KilledError):
        jobs.merge_call_list.run(merge)
    assert sorted(phones(sessions)) == [7, 8, 9, 10]
    kill(100)
    jobs.merge_call_list.run(merge)
    assert phones(sessions) == {11: "new"}


def test_a_list_of_nobody_takes_everybody_down(sessions: sessionmaker[Session]) -> None:
    load(sessions, chunks(request(sessions), PEOPLE))
    load(sessions, chunks(request(sessions), {}))
    assert phones(sessions) == {}


def test_a_newer_list_that_begins_ends_the_older_one(
    sessions: sessionmaker[Session], kill: Any
) -> None:
    older, newer = request(sessions), request(sessions)
    (merge_older,) = send(sessions, chunks(older, PEOPLE))
    kill(2)
    with pytest.raises(KilledError):
        jobs.merge_call_list.run(merge_older)
    kill(100)
    load(sessions, chunks(newer, {1: "new", 30: "new"}))
    jobs.merge_call_list.run(merge_older)
    assert phones(sessions) == {1: "new", 30: "new"}
    assert list_of(sessions, older).state == CallListState.SUPERSEDED
    assert count_rows(sessions) == 0


def test_an_older_list_takes_no_turn_between_the_parts_of_a_newer_one(
    sessions: sessionmaker[Session], kill: Any
) -> None:
    older, newer = request(sessions), request(sessions)
    (merge_older,) = send(sessions, chunks(older, PEOPLE))
    (merge_newer,) = send(sessions, chunks(newer, dict.fromkeys(PEOPLE, "new")))
    kill(2)
    with pytest.raises(KilledError):
        jobs.merge_call_list.run(merge_newer)
    kill(100)
    jobs.merge_call_list.run(merge_older)
    assert list_of(sessions, older).state == CallListState.SUPERSEDED
    assert set(phones(sessions).values()) == {"new"}
    jobs.merge_call_list.run(merge_newer)
    assert phones(sessions) == dict.fromkeys(PEOPLE, "new")


def test_an_older_list_that_is_still_loading_is_waited_for_no_more(
    sessions: sessionmaker[Session],
) -> None:
    older = request(sessions)
    late = chunks(older, PEOPLE)
    send(sessions, late[:2])
    load(sessions, chunks(request(sessions), {1: "new"}))
    assert list_of(sessions, older).state == CallListState.SUPERSEDED
    assert send(sessions, late) == []
    assert count_rows(sessions) == 0


def test_what_an_ended_list_left_is_removed_by_the_next_and_daily(
    sessions: sessionmaker[Session],
) -> None:
    for clean in (
        lambda: load(sessions, chunks(request(sessions), {1: "a"})),
        jobs.forget_old.run,
    ):
        dead = request(sessions)
        send(sessions, chunks(dead, PEOPLE)[:2])
        with sessions.begin() as session:
            session.execute(text("UPDATE call_list SET state = 'failed' WHERE state = 'loading'"))
        assert count_rows(sessions) == 4
        clean()
        assert count_rows(sessions) == 0


# --- beside the others ---


@dataclass(frozen=True)
class Halfway:
    """A refresh of ten people that stands still in its second part, which is not committed."""

    go_on: Event
    merging: Future[None]

    def end(self) -> None:
        self.go_on.set()
        self.merging.result(30)


@pytest.fixture
def halfway(sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch) -> Iterator[Halfway]:
    """Of the ten, those with even numbers were on the list before."""
    load(sessions, chunks(request(sessions), dict.fromkeys(range(2, 11, 2), "old")))
    (merge,) = send(sessions, chunks(request(sessions), dict.fromkeys(PEOPLE, "new")))
    merge_part, parts = merges.merge_part, iter(range(100))
    inside, go_on = Event(), Event()

    def stop(session: Session, transfer_id: UUID) -> bool:
        more = merge_part(session, transfer_id)
        if next(parts) == 1:
            inside.set()
            assert go_on.wait(30)
        return more

    monkeypatch.setattr(merges, "merge_part", stop)
    with ThreadPoolExecutor(1) as thread:
        merging = thread.submit(jobs.merge_call_list.run, merge)
        assert inside.wait(30)
        found = Halfway(go_on, merging)
        yield found
        found.end()


def test_while_a_list_is_merged_the_campaign_is_assigned_called_and_changed(
    sessions: sessionmaker[Session], halfway: Halfway
) -> None:
    """Each within a second, which the server enforces."""
    with sessions.begin() as session:
        session.execute(text("SET LOCAL statement_timeout = 1000"))
        campaigns.get_campaign(session, CAMPAIGN, lock=True)
        given = assignments.give(session, CAMPAIGN, Share("ana", 10))
        assert (
            len(given) == 5
        )  # 4 and 6, whose part is at work, are passed over; 5 is not there yet
    with sessions.begin() as session:
        session.execute(text("SET LOCAL statement_timeout = 1000"))
        leases.lock_advisor(session, "ana")
        assert leases.claim_next(session, "ana", clock.now()) is not None
    with sessions.begin() as session:
        session.execute(text("SET LOCAL statement_timeout = 1000"))
        brief = CampaignBrief(
            campaign_id=CAMPAIGN,
            name="Otra",
            phase=Phase.PAUSED,
            channels=[Channel.PHONE],
            design_id=None,
            mail_subject="",
            script="",
        )
        assert campaigns.follow_campaign(session, brief, 2).name == "Otra"
    halfway.end()
    assert set(phones(sessions).values()) == {"new"}


def test_a_wish_said_while_its_list_is_merged_waits_and_holds(
    sessions: sessionmaker[Session], halfway: Halfway
) -> None:
    """Person 5 comes with the part at work, 9 with one to come, 1 is there, 99 never is."""

    def say() -> None:
        with sessions.begin() as session:
            wishes = [state(n, 2, phone_block=Block.NO_CONSENT) for n in (9, 5, 99, 1)]
            contacts.keep_states(session, wishes)

    with ThreadPoolExecutor(1) as thread:
        said = thread.submit(say)
        with pytest.raises(TimeoutError):
            said.result(0.2)  # it waits for the part, not for the whole merge
        halfway.end()
        said.result(30)
    assert {n for n, why in held(sessions).items() if why == "no_consent"} == {1, 5, 9}


@pytest.mark.parametrize("who", ["merge", "take_back"])
def test_rows_are_locked_by_customer_whatever_their_place_on_the_disk(
    sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """While it waits for the first, it holds none of the others."""
    load(sessions, chunks(request(sessions), PEOPLE))
    with sessions.begin() as session:
        session.execute(update(Target).values(advisor="ana"))
        session.execute(update(Target).filter_by(customer_id=1).values(note="moved"))
    (merge,) = send(sessions, chunks(request(sessions), dict.fromkeys(PEOPLE, "new")))
    monkeypatch.setattr(merges, "PART", 100)
    monkeypatch.setattr(merges, "merge_part", in_the_order_of_the_disk(merges.merge_part))

    def take_back() -> None:
        with sessions.begin() as session:
            assert len(assignments.take_back(session, CAMPAIGN, "ana", clock.now())) == 10

    works = {"merge": lambda: jobs.merge_call_list.run(merge), "take_back": take_back}
    with ThreadPoolExecutor(1) as thread, sessions() as holder:
        first = select(Target).filter_by(customer_id=1).with_for_update()
        holder.execute(first)
        waiting = thread.submit(works[who])
        wait_for_a_waiter(sessions)
        with sessions() as other:
            free = select(Target.customer_id).with_for_update(skip_locked=True)
            assert sorted(other.scalars(free)) == list(range(2, 11))
        holder.rollback()
        waiting.result(30)


def in_the_order_of_the_disk(merge_part: Any) -> Any:
    """With the plan that a large table may get."""

    def merge(session: Session, transfer_id: UUID) -> Any:
        for way in ("indexscan", "indexonlyscan", "bitmapscan", "mergejoin", "nestloop"):
            session.execute(text(f"SET LOCAL enable_{way} = off"))
        return merge_part(session, transfer_id)

    return merge


def wait_for_a_waiter(sessions: sessionmaker[Session]) -> None:
    """Return when somebody waits for a row."""
    waiters = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    deadline = time.monotonic() + 30
    while True:
        with sessions() as session:
            if session.execute(waiters).scalar_one():
                return
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.02)


def test_assigning_may_begin_only_when_the_list_is_all_merged(
    sessions: sessionmaker[Session], kill: Any
) -> None:
    (merge,) = send(sessions, chunks(request(sessions), PEOPLE))
    kill(3)
    with pytest.raises(KilledError):
        jobs.merge_call_list.run(merge)
    with sessions() as session:
        assert campaigns.get_campaign(session, CAMPAIGN).listed_at is None
    kill(100)
    jobs.merge_call_list.run(merge)
    with sessions() as session:
        assert campaigns.get_campaign(session, CAMPAIGN).listed_at is not None


# --- what was heard of the people ---


def test_a_list_older_than_what_was_heard_changes_neither_number_nor_block(
    sessions: sessionmaker[Session],
) -> None:
    """1 was on a list when it was heard of, 2 comes with this one; 3 was heard of before."""
    load(sessions, chunks(request(sessions), {1: "a"}))
    with sessions.begin() as session:
        newer = [state(n, 5, phone="b", phone_block=Block.NO_CONSENT) for n in (1, 2)]
        contacts.keep_states(session, [*newer, state(3, 2, phone="old")])
        contacts.keep_states(session, [state(2, 4, phone="late")])
    load(sessions, chunks(request(sessions), {1: "a", 2: "a", 3: "a"}, contact_version="4"))
    assert phones(sessions) == {1: "b", 2: "b", 3: "a"}
    assert held(sessions) == {1: "no_consent", 2: "no_consent", 3: None}
    with sessions() as session:
        versions = select(Target.customer_id, Target.contact_version)
        assert dict(session.execute(versions).all()) == {1: 5, 2: 5, 3: 4}


def test_a_list_as_new_as_what_was_heard_counts(sessions: sessionmaker[Session]) -> None:
    load(sessions, chunks(request(sessions), {1: "a"}, held="no_consent"))
    with sessions.begin() as session:
        contacts.keep_states(session, [state(2, 1, phone="a", phone_block=Block.NO_CONSENT)])
    load(sessions, chunks(request(sessions), {1: "b", 2: "b"}))
    assert phones(sessions) == {1: "b", 2: "b"}
    assert held(sessions) == {1: None, 2: None}


def test_a_newer_list_that_knows_less_of_a_person_changes_no_number(
    sessions: sessionmaker[Session],
) -> None:
    """As when a refresh was begun before the change that the list before had already."""
    load(sessions, chunks(request(sessions), {1: "new"}, contact_version="5", held="no_consent"))
    load(sessions, chunks(request(sessions), {1: "old"}, contact_version="4", last_names="Paz"))
    assert (phones(sessions), held(sessions)) == ({1: "new"}, {1: "no_consent"})
    with sessions() as session:
        (found,) = session.execute(select(Target)).scalars()
        assert (found.contact_version, found.last_names) == (5, "Paz")


def test_what_is_heard_late_and_older_than_the_list_changes_nothing(
    sessions: sessionmaker[Session],
) -> None:
    load(sessions, chunks(request(sessions), {1: "b"}, contact_version="9"))
    with sessions.begin() as session:
        contacts.keep_states(session, [state(1, 8, phone="a", phone_block=Block.NO_CONSENT)])
    assert (phones(sessions), held(sessions)) == ({1: "b"}, {1: None})
    with sessions.begin() as session:
        contacts.keep_states(session, [state(1, 10, phone="c")])
    assert phones(sessions) == {1: "c"}


def test_a_list_without_versions_is_the_oldest(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        contacts.keep_states(session, [state(1, 1, phone="b")])
    load(sessions, chunks(request(sessions), {1: "a", 2: "a"}, contact_version="\\N"))
    assert phones(sessions) == {1: "b", 2: "a"}


def test_who_refused_is_held_on_lists_still_to_come(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        contacts.set_refused(session, 1)
    load(sessions, chunks(request(sessions), {1: "a", 2: "a"}, contact_version="9"))
    assert held(sessions) == {1: "do_not_contact", 2: None}


def test_who_was_erased_is_not_brought_back_by_a_list_made_before(
    sessions: sessionmaker[Session],
) -> None:
    load(sessions, chunks(request(sessions), {1: "a", 2: "a"}))
    with sessions.begin() as session:
        session.execute(update(Target).where(Target.customer_id == 2).values(attempts=1))
        for part in (contacts, assignments):
            part.erase(session, [1, 2, 3])
    load(sessions, chunks(request(sessions), {1: "a", 2: "a", 3: "a", 4: "a"}))
    assert phones(sessions) == {1: None, 2: None, 4: "a"}
    with sessions() as session:
        names = select(Target.cedula, Target.first_names).where(Target.customer_id < 4)
        assert set(session.execute(names).all()) == {("borrado-1", ""), ("borrado-2", "")}
        assert session.get_one(ContactState, 3).phone is None
