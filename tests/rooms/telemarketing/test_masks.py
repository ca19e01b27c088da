"""The desk: the number to dial whole, all else of the person in part."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from services.telemarketing.bureau import Bureau
from services.telemarketing.models import Target
from shared import clock, trace
from shared.contracts.risk_central import RiskReport
from shared.contracts.telemarketing import CallResult, NewCall
from shared.permissions import Role
from tests.make.actors import make_actor
from tests.rooms.telemarketing.conftest import NOON, acting, assign

Sessions = sessionmaker[Session]
CEDULA = "1710034065"
REPORT = RiskReport(
    cedula=CEDULA, full_name="Rosa Mora", category="A1", score=900, total_debt=0, days_overdue=0,
    reported_on=NOON.date(), source="Banco",
)  # fmt: skip
SEES_ALL = make_actor("ana", Role.ADVISOR, also={"customer.personal"})


@pytest.fixture
def lease(room: Any, sessions: Sessions, campaign: int) -> Any:  # is there
    with sessions.begin() as session:
        session.execute(update(Target).values(cedula=CEDULA, email="rosa@x.ec", income=500))
    assign(room, 1)
    with acting("ana"):
        return room.next_call()


def test_the_desk_shows_the_number_to_dial_and_a_part_of_the_rest(room: Any, lease: Any) -> None:
    person = lease.customer
    assert person.phone.startswith("+59399")
    assert (person.cedula, person.email, person.income) == ("171•••••65", "r•••@x.ec", None)
    assert person.masked == ["cedula", "income", "email"]
    with acting("ana"):
        assert room.get_lease() == lease
    with trace.use(actor=SEES_ALL):
        assert (room.get_lease().customer.cedula, room.get_lease().customer.masked) == (CEDULA, [])


def test_a_callback_is_dialled_from_the_desk_and_not_from_the_calendar(
    room: Any, lease: Any
) -> None:
    at = clock.now() + timedelta(hours=1)
    new = NewCall(lease_id=lease.lease_id, result=CallResult.CALLBACK, callback_at=at)
    with acting("ana"):
        room.record_call(new)
        [callback] = room.list_callbacks(clock.now(), clock.now() + timedelta(days=1))
    assert (callback.phone[:2], callback.phone[-3:]) == ("09", lease.customer.phone[-3:])
    assert callback.masked == ["phone"]


def test_the_bureaus_word_names_nobody_whole(
    room: Any, lease: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bureau, "find_risk", lambda *_: REPORT)
    number = lease.customer.customer_id
    with acting("ana"):
        for check in (room.check_risk(number), room.find_last_risk(number)):
            assert (check.report.cedula, check.report.masked) == ("171•••••65", ["cedula"])
            assert (check.report.score, check.report.category) == (900, "A1")
