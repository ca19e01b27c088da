"""Call lists on their way in: chunks in any order, twice, and refreshes that lose nothing."""

import random

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from services.telemarketing import jobs
from services.telemarketing.models import CallListRow, Campaign, Target
from shared.contracts.telemarketing import CallListState
from tests.jobs.telemarketing.conftest import CAMPAIGN, chunks, list_of, load, phones, request


def test_chunks_in_any_order_and_twice_make_each_person_once(
    sessions: sessionmaker[Session],
) -> None:
    people: dict[int, str | None] = {number: f"+5939{number}" for number in range(1, 12)}
    sent = chunks(request(sessions), people) * 2
    random.Random(4).shuffle(sent)
    load(sessions, sent)
    assert phones(sessions) == people
    with sessions() as session:
        assert session.get_one(Campaign, CAMPAIGN).listed_at is not None
        assert session.scalar(select(func.count()).select_from(CallListRow)) == 0


def test_nothing_is_merged_before_all_is_there(sessions: sessionmaker[Session]) -> None:
    sent = chunks(request(sessions), {1: "a", 2: "b", 3: "c"})
    load(sessions, [sent[0], sent[2]])
    assert phones(sessions) == {}
    load(sessions, [sent[1]])
    assert phones(sessions) == {1: "a", 2: "b", 3: "c"}


def test_a_second_attempt_replaces_what_the_first_one_sent(
    sessions: sessionmaker[Session],
) -> None:
    transfer_id = request(sessions)
    first = chunks(transfer_id, {1: "old", 2: "old", 3: "old"})
    second = chunks(transfer_id, {1: "new", 3: "new"}, attempt=2)
    load(sessions, [first[0], *second, *first])
    assert phones(sessions) == {1: "new", 3: "new"}


def test_a_refresh_keeps_assignments_and_results_and_brings_new_data(
    sessions: sessionmaker[Session],
) -> None:
    load(sessions, chunks(request(sessions), {1: "a", 2: "b", 3: "c", 4: "d"}))
    with sessions.begin() as session:
        mine = update(Target).where(Target.customer_id.in_([1, 2]))
        session.execute(mine.values(advisor="ana", state="done", attempts=3))
        session.execute(update(Target).filter_by(customer_id=3).values(attempts=1))
    load(sessions, chunks(request(sessions), {1: "A", 5: "e"}))
    assert phones(sessions) == {1: "A", 2: "b", 3: "c", 5: "e"}
    with sessions() as session:
        kept = session.get_one(Target, (CAMPAIGN, 1))
        assert (kept.advisor, kept.state, kept.attempts) == ("ana", "done", 3)


def test_merging_again_changes_nothing(sessions: sessionmaker[Session]) -> None:
    transfer_id = request(sessions)
    load(sessions, chunks(transfer_id, {1: "a"}))
    load(sessions, chunks(request(sessions), {2: "b"}))
    jobs.merge_call_list.run(str(transfer_id))
    assert phones(sessions) == {2: "b"}


def test_an_older_list_that_comes_late_never_wins(sessions: sessionmaker[Session]) -> None:
    older, newer = request(sessions), request(sessions)
    load(sessions, chunks(newer, {2: "b"}))
    load(sessions, chunks(older, {1: "a"}))
    assert phones(sessions) == {2: "b"}
    assert list_of(sessions, older).state == CallListState.SUPERSEDED
    assert list_of(sessions, newer).state == CallListState.DONE
