"""Who gets whom: through the doors, with a real database and threads at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import sessionmaker

from services.telemarketing.models import Campaign, Target
from services.telemarketing.service import TelemarketingService
from shared import trace
from shared.contracts.campaign import Phase
from shared.contracts.telemarketing import CallResult, NewAssignment, NewCall, Strategy
from shared.errors import Conflict, Invalid, NotFound
from tests.rooms.telemarketing.conftest import CAMPAIGN, NOON, acting, add_people, announce, assign

pytestmark = pytest.mark.usefixtures("campaign")


def held_by(sessions: Any) -> Counter[str | None]:
    with sessions() as session:
        found = session.execute(select(Target.advisor, func.count()).group_by(Target.advisor))
        return Counter(dict(found.all()))


def test_equal_shares_and_what_is_left(room: Any, sessions: Any) -> None:
    assert room.count_unassigned(12345) == 0
    assigned = assign(room, 4, "ana", "berta")
    assert assigned.by_advisor == {"ana": 4, "berta": 4}
    assert assigned.left == room.count_unassigned(CAMPAIGN) == 2
    assert held_by(sessions) == {"ana": 4, "berta": 4, None: 2}


def test_too_few_people_are_shared_evenly(room: Any) -> None:
    assigned = assign(room, 50, "ana", "berta")
    assert assigned.by_advisor == {"ana": 5, "berta": 5}
    assert assigned.left == 0


def test_by_capacity_fills_up_to_the_number(room: Any) -> None:
    assign(room, 3, "ana")
    assigned = assign(room, 4, "ana", "berta", strategy=Strategy.CAPACITY)
    assert assigned.by_advisor == {"ana": 1, "berta": 4}


def test_by_province_keeps_provinces_together(room: Any, sessions: Any) -> None:
    assign(room, 5, "ana", "berta", strategy=Strategy.PROVINCE)
    with sessions() as session:
        pairs = session.execute(select(Target.advisor, Target.province).distinct()).all()
    assert len(pairs) == 2
    assert {advisor for advisor, _ in pairs} == {"ana", "berta"}


def test_blocked_people_are_given_to_nobody(room: Any, sessions: Any) -> None:
    announce(room, campaign_id=8)
    add_people(sessions, 2, campaign_id=8, held="no_consent")
    assert room.count_unassigned(8) == 0


@pytest.mark.parametrize("advisor", ["carlos", "nadie"])
def test_inactive_and_unknown_advisors_are_named(room: Any, advisor: str) -> None:
    with pytest.raises(Invalid) as error:
        assign(room, 1, "ana", advisor)
    assert error.value.fields[0].field == "advisors"
    assert advisor in error.value.fields[0].message
    assert room.count_unassigned(CAMPAIGN) == 10


def test_only_an_executing_campaign_with_its_list_is_assigned(room: Any, sessions: Any) -> None:
    announce(room, Phase.PAUSED, version=2)
    with pytest.raises(Conflict):
        assign(room, 1)
    announce(room, campaign_id=8)
    with pytest.raises(Conflict, match="aún no está lista"):
        room.assign_customers(8, NewAssignment(advisors=["ana"], per_advisor=1))
    with pytest.raises(NotFound):
        room.assign_customers(99, NewAssignment(advisors=["ana"], per_advisor=1))


def test_the_same_assignment_twice_gives_once(room: Any, sessions: Any) -> None:
    with trace.use(actor=trace.actor(), idempotency_key="k1"):
        assert assign(room, 3) == assign(room, 3)
    assert held_by(sessions)["ana"] == 3


def test_take_back_frees_open_ones_and_keeps_results_and_a_running_call(
    room: Any, sessions: Any
) -> None:
    assign(room, 4)
    with acting("ana"):
        lease = room.next_call()
        room.record_call(NewCall(lease_id=lease.lease_id, result=CallResult.ACCEPTED))
        room.next_call()
    assert room.take_back(CAMPAIGN, "ana").freed == 2
    assert held_by(sessions) == {"ana": 2, None: 8}


def test_a_callback_goes_with_the_person_to_the_next_advisor(room: Any, time: Any) -> None:
    assign(room, 10)
    agreed = time.now.replace(hour=20)
    with acting("ana"):
        lease = room.next_call()
        new = NewCall(lease_id=lease.lease_id, result=CallResult.CALLBACK, callback_at=agreed)
        room.record_call(new)
    room.take_back(CAMPAIGN, "ana")
    assign(room, 10, "berta")
    with acting("berta"):
        [callback] = room.list_callbacks(time.now, agreed.replace(hour=21))
        assert callback.customer_id == lease.customer.customer_id


def test_assignments_are_listed_in_pages(room: Any) -> None:
    assign(room, 2, "ana", "berta")
    with acting("ana"):
        lease = room.next_call()
        room.record_call(NewCall(lease_id=lease.lease_id, result=CallResult.ACCEPTED))
    first = room.list_assignments(limit=1)
    [ana] = first.items
    assert (ana.advisor, ana.assigned, ana.open, ana.done) == ("ana", 2, 1, 1)
    [berta] = room.list_assignments(after=first.next, limit=1).items
    assert (berta.advisor, berta.campaign_name, berta.open) == ("berta", "Fibra", 2)
    assert room.list_assignments(advisor="ana").items == [ana]
    with pytest.raises(Invalid):
        room.list_assignments(after="x")


def test_nobody_is_given_or_leased_to_two_by_many_at_once(
    room: Any, sessions: sessionmaker[Any]
) -> None:
    """100 people, 4 assignments and then 4 askers at once: each person once."""
    announce(room, campaign_id=8)
    with sessions.begin() as session:
        session.get_one(Campaign, 8).listed_at = NOON
    add_people(sessions, 100, campaign_id=8)
    service = TelemarketingService()
    service.db, service.ask = sessions, room.ask

    def give(advisor: str) -> int:
        with acting("eva", "supervisor"):
            new = NewAssignment(advisors=[advisor], per_advisor=30)
            return int(service.assign_customers(8, new).by_advisor[advisor])

    def take(advisor: str) -> list[int]:
        taken = []
        with acting(advisor):
            while (lease := service.next_call()) is not None:
                new = NewCall(lease_id=lease.lease_id, result=CallResult.ACCEPTED)
                try:
                    taken.append(service.record_call(new).customer_id)
                except Conflict:  # the other of the two of this advisor was quicker
                    continue
        return taken

    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(give, ["ana", "berta", "ana", "berta"]))
        taken = [who for some in pool.map(take, ["ana", "berta"] * 2) for who in some]
    assert sum(given) == 100
    assert held_by(sessions)[None] == 10
    with sessions() as session:
        called = session.execute(
            select(func.count()).select_from(Target).where(Target.state == "done")
        ).scalar_one()
    assert called == len(set(taken)) == 100
