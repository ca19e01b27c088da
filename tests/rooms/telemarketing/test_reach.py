"""Whose calls, lists and risks are seen: the own, the team's, everybody's."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from services.telemarketing import jobs
from services.telemarketing.models import Call, Target
from shared import clock
from shared.contracts.telemarketing import CallResult, NewCall
from shared.errors import Invalid, NotFound
from tests.databases import outbox_of
from tests.rooms.telemarketing.conftest import CAMPAIGN, acting, assign, leading

Sessions = sessionmaker[Session]

PERSONAL: dict[str, Callable[[Any, int], Any]] = {
    "check_risk": lambda room, number: room.check_risk(number),
    "find_last_risk": lambda room, number: room.find_last_risk(number),
}


def moves(sessions: Sessions) -> list[tuple[str, bool, int]]:
    """Of each announcement: whose, given or not, how many."""
    told = [event for kind, event in outbox_of(sessions) if kind == "people_moved"]
    return [(item["advisor"], item["given"], len(item["customer_ids"])) for item in told]


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("name", PERSONAL)
def test_a_strangers_risk_is_nobodys_business(room: Any, sessions: Sessions, name: str) -> None:
    assign(room, 3)
    with sessions() as session:
        [own, *_] = session.query(Target).filter_by(advisor="ana").all()
        [strange, *_] = session.query(Target).filter_by(advisor=None).all()
    with acting("ana"):
        PERSONAL[name](room, own.customer_id)
        with pytest.raises(NotFound) as refused:
            PERSONAL[name](room, strange.customer_id)
        with pytest.raises(NotFound) as missing:
            PERSONAL[name](room, 999_999)
    assert refused.value.message == missing.value.message
    for reader in (acting("berta"), leading("berta")):
        with reader, pytest.raises(NotFound):
            PERSONAL[name](room, own.customer_id)
    with leading("ana"):
        PERSONAL[name](room, own.customer_id)


@pytest.mark.usefixtures("campaign")
def test_who_was_called_may_be_checked_for_thirty_days(room: Any, sessions: Sessions) -> None:
    assign(room, 1)
    with acting("ana"):
        lease = room.next_call()
        room.record_call(NewCall(lease_id=lease.lease_id, result=CallResult.BUSY))
    person = lease.customer.customer_id
    with acting("jefe", "marketing_head"):
        room.take_back(CAMPAIGN, "ana")
    with acting("ana"):
        room.check_risk(person)
    with sessions.begin() as session:
        session.execute(update(Call).values(at=clock.now() - timedelta(days=31)))
    with acting("ana"), pytest.raises(NotFound):
        room.check_risk(person)


@pytest.mark.usefixtures("campaign")
def test_a_supervisor_gives_and_takes_within_the_team(room: Any) -> None:
    with leading("ana"):
        assert assign(room, 2).by_advisor == {"ana": 2}
        with pytest.raises(Invalid) as refused:
            assign(room, 2, "berta")
        assert refused.value.names("advisors")
    assign(room, 2, "berta")
    with leading("ana"):
        assert [item.advisor for item in room.list_assignments().items] == ["ana"]
        assert room.list_assignments(advisor="berta").items == []
        with pytest.raises(NotFound):
            room.take_back(CAMPAIGN, "berta")
        with pytest.raises(NotFound):
            room.refresh_risks(CAMPAIGN, "berta")
        assert room.take_back(CAMPAIGN, "ana").freed == 2
    with acting("jefe", "marketing_head"):
        assert [item.advisor for item in room.list_assignments().items] == ["berta"]


@pytest.mark.usefixtures("campaign")
def test_calls_are_seen_by_their_advisor_the_supervisor_and_the_head(room: Any) -> None:
    assign(room, 1, "ana", "berta")
    for name in ("ana", "berta"):
        with acting(name):
            lease = room.next_call()
            room.record_call(NewCall(lease_id=lease.lease_id, result=CallResult.BUSY))

    def seen(**asked: Any) -> set[str]:
        return {call.advisor for call in room.list_calls(**asked).items}

    with acting("ana"):
        assert seen() == seen(advisor="berta") == {"ana"}
    with leading("ana"):
        assert (seen(), seen(advisor="berta")) == ({"ana"}, set())
    with leading("ana", "berta"):
        assert (seen(), seen(advisor="berta")) == ({"ana", "berta"}, {"berta"})
    with acting("jefe", "marketing_head"):
        assert (seen(), seen(advisor="berta")) == ({"ana", "berta"}, {"berta"})


@pytest.mark.usefixtures("campaign")
def test_who_comes_to_a_list_or_leaves_it_is_told(room: Any, sessions: Sessions) -> None:
    assign(room, 4, "ana", "berta")
    room.take_back(CAMPAIGN, "ana")
    assert moves(sessions) == [("ana", True, 4), ("berta", True, 4), ("ana", False, 4)]


@pytest.mark.usefixtures("campaign")
def test_all_lists_are_told_again(
    room: Any, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    assign(room, 4, "ana", "berta")
    monkeypatch.setattr(jobs, "ANNOUNCED_AT_ONCE", 3)
    jobs.announce_lists()
    told = moves(sessions)[2:]
    assert all(given for _, given, _ in told)
    assert {name: sum(n for who, _, n in told if who == name) for name in ("ana", "berta")} == {
        "ana": 4,
        "berta": 4,
    }
