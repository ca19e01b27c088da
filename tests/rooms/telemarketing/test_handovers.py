"""What somebody who calls no more leaves to be called, and how it goes on to others."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session, sessionmaker

from services.telemarketing import handovers
from services.telemarketing.models import CALLABLE, Callback, Target
from shared import clock
from shared.contracts.campaign import Phase
from shared.contracts.telemarketing import CallResult, NewCall, NewHolders
from shared.errors import Invalid, NotFound
from tests.databases import outbox_of
from tests.rooms.telemarketing.conftest import (
    CAMPAIGN,
    NOON,
    acting,
    add_people,
    announce,
    assign,
    leading,
)

Sessions = sessionmaker[Session]

pytestmark = pytest.mark.usefixtures("campaign")
GONE = "carlos"  # who is no longer active


def leave(sessions: Sessions, count: int, campaign_id: int = CAMPAIGN, **values: Any) -> None:
    """The first `count` people without an advisor are Carlos's, who then left."""
    free = (
        select(Target.customer_id)
        .where(Target.campaign_id == campaign_id, Target.advisor.is_(None))
        .order_by(Target.customer_id)
        .limit(count)
    )
    with sessions.begin() as session:
        session.execute(
            update(Target)
            .where(Target.campaign_id == campaign_id, Target.customer_id.in_(free))
            .values(advisor=GONE, **values)
        )


def agree(sessions: Sessions, customer_id: int, hours: int) -> None:
    """A call that Carlos agreed on."""
    at = clock.now() + timedelta(hours=hours)
    with sessions.begin() as session:
        named = {"campaign_id": CAMPAIGN, "customer_id": customer_id}
        session.execute(update(Target).filter_by(**named).values(callback_at=at, next_at=at))
        session.add(Callback(call_id=customer_id, advisor=GONE, at=at, note="", **named))


def give(room: Any, *to: str, advisor: str = GONE) -> Any:
    return room.hand_over(advisor, NewHolders(advisors=list(to)))


def holders(sessions: Sessions) -> Counter[str | None]:
    with sessions() as session:
        found = session.execute(select(Target.advisor, func.count()).group_by(Target.advisor))
        return Counter(dict(found.all()))


def test_who_left_is_listed_with_what_waits_and_who_calls_is_not(
    room: Any, sessions: Sessions
) -> None:
    assign(room, 2, "ana", "berta")
    assert room.list_open_work() == []
    leave(sessions, 4)
    agree(sessions, 5, hours=3)
    [work] = room.list_open_work()
    assert (work.advisor, work.full_name, work.open, work.campaigns) == (GONE, "Carlos", 4, 1)
    assert (work.callbacks, work.next_callback_at) == (1, NOON + timedelta(hours=3))


def test_who_may_no_longer_call_is_listed_by_the_username(room: Any, sessions: Sessions) -> None:
    leave(sessions, 1)
    with sessions.begin() as session:
        session.execute(update(Target).where(Target.advisor == GONE).values(advisor="zoe"))
    [work] = room.list_open_work()
    assert (work.advisor, work.full_name) == ("zoe", "zoe")


@pytest.mark.parametrize("phase", [Phase.FINISHED, Phase.CANCELLED])
def test_what_is_over_is_no_open_work(room: Any, sessions: Sessions, phase: Phase) -> None:
    leave(sessions, 2)
    announce(room, phase, version=2)
    assert room.list_open_work() == []
    assert give(room, "ana").by_advisor == {"ana": 0}


def test_the_most_urgent_comes_first(room: Any, sessions: Sessions) -> None:
    leave(sessions, 6)
    with sessions.begin() as session:
        session.execute(update(Target).where(Target.customer_id == 6).values(advisor="zoe"))
        session.execute(update(Target).where(Target.customer_id == 5).values(advisor="aldo"))
    agree(sessions, 6, hours=1)
    assert [work.advisor for work in room.list_open_work()] == ["zoe", GONE, "aldo"]


def test_it_is_shared_equally_with_as_many_agreed_calls_each(room: Any, sessions: Sessions) -> None:
    add_people(sessions, 4, campaign_id=8)
    announce(room, campaign_id=8)
    leave(sessions, 6)
    leave(sessions, 4, campaign_id=8)
    for number in range(1, 5):
        agree(sessions, number, hours=number)
    done = give(room, "ana", "berta", "ana")
    assert (done.by_advisor, done.left) == ({"ana": 5, "berta": 5}, 0)
    assert holders(sessions) == {"ana": 5, "berta": 5, None: 4}
    with sessions() as session:
        agreed = session.execute(select(Callback.advisor, Callback.customer_id)).all()
    assert Counter(row.advisor for row in agreed) == {"ana": 2, "berta": 2}
    with sessions() as session:
        for name, number in agreed:
            assert session.get_one(Target, (CAMPAIGN, number)).advisor == name
    assert room.list_open_work() == []


def test_it_goes_by_the_desk_of_who_got_it(room: Any, sessions: Sessions) -> None:
    leave(sessions, 3)
    with acting("ana"):
        assert room.next_call() is None
    give(room, "ana")
    with acting("ana"):
        assert room.next_call() is not None


def test_who_is_being_spoken_to_stays_until_the_result(room: Any) -> None:
    assign(room, 3)
    with acting("ana"):
        lease = room.next_call()
    done = give(room, "berta", advisor="ana")
    assert (done.by_advisor, done.left) == ({"berta": 2}, 1)
    with acting("ana"):
        room.record_call(NewCall(lease_id=lease.lease_id, result=CallResult.BUSY))
    assert give(room, "berta", advisor="ana").by_advisor == {"berta": 1}


def test_one_step_moves_no_more_than_so_many(
    room: Any, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handovers, "MOST_AT_ONCE", 4)
    leave(sessions, 6)
    assert give(room, "ana").left == 2
    assert give(room, "ana").left == 0


def test_everybody_who_shows_people_is_told_and_so_is_who_gets_them(
    room: Any, sessions: Sessions
) -> None:
    leave(sessions, 3)
    give(room, "ana", "berta")
    told = [event for kind, event in outbox_of(sessions) if kind == "people_moved"]
    moved = Counter({(item["advisor"], item["given"]): 0 for item in told})
    for item in told:
        moved[item["advisor"], item["given"]] += len(item["customer_ids"])
    assert moved == {("ana", True): 2, ("berta", True): 1, (GONE, False): 3}
    notices = [event for kind, event in outbox_of(sessions) if kind == "notice_requested"]
    assert {tuple(item["usernames"]): item["title"] for item in notices} == {
        ("ana",): "Recibió 2 clientes por llamar de carlos.",
        ("berta",): "Recibió 1 cliente por llamar de carlos.",
    }


@pytest.mark.parametrize("name", ["carlos", "nadie", ""])
def test_it_goes_to_those_alone_who_call(room: Any, sessions: Sessions, name: str) -> None:
    leave(sessions, 1)
    with pytest.raises(Invalid) as refused:
        give(room, "ana", name)
    assert refused.value.names("advisors")
    with pytest.raises(Invalid) as same:
        give(room, "ana", advisor="ana")
    assert same.value.names("advisors")
    assert holders(sessions)[GONE] == 1


def test_a_supervisor_hands_over_within_the_team(room: Any, sessions: Sessions) -> None:
    leave(sessions, 2)
    with leading("ana"):
        assert room.list_open_work() == []
        with pytest.raises(NotFound):
            give(room, "ana")
    with leading("ana", GONE):
        assert [work.advisor for work in room.list_open_work()] == [GONE]
        with pytest.raises(Invalid):
            give(room, "berta")
        assert give(room, "ana").by_advisor == {"ana": 2}


def test_nobody_walks_through_everybodys_list(room: Any, sessions: Sessions) -> None:
    add_people(sessions, 3000, campaign_id=8, advisor="ana")
    announce(room, campaign_id=8)
    with sessions.begin() as session:
        session.execute(text("ANALYZE call_target"))
        query = handovers._HOLDERS.text
        plan = "\n".join(session.execute(text(f"EXPLAIN {query}")).scalars())
        found = f"SELECT 1 FROM call_target WHERE advisor = 'carlos' AND {CALLABLE}"
        theirs = "\n".join(session.execute(text(f"EXPLAIN {found}")).scalars())
    assert "Seq Scan" not in plan + theirs
    assert "ix_call_target_queue" in plan
