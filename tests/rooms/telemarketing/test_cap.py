"""The contact cap at the call: touches over mail and phone, judged when a person is taken."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text

from services.telemarketing import contacts, leases
from services.telemarketing.models import Contact, Target
from shared.contracts.mailer import MailingProgressed, Outcome, RecipientState
from shared.contracts.telemarketing import CallResult, EmptyQueue, NewCall
from shared.settings import settings
from tests.rooms.telemarketing.conftest import CAMPAIGN, NOON, acting, add_people, announce

DAYS = 30


@pytest.fixture(autouse=True)
def cap(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two touches in thirty days."""
    monkeypatch.setenv("PREGON_CONTACT_CAP", "2")
    monkeypatch.setenv("PREGON_CONTACT_CAP_DAYS", str(DAYS))
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture(autouse=True)
def people(room: Any, sessions: Any) -> None:
    """Ana has three people."""
    announce(room)
    add_people(sessions, 3, advisor="ana")


def mail(room: Any, customer_id: int, at: datetime, state: str = "sent") -> None:
    """A mail came to its end."""
    outcome = Outcome(customer_id=customer_id, state=RecipientState(state), reason=None, at=at)
    event = MailingProgressed(
        mailing_id=1, campaign_id=1, campaign_name="A", subject="B", outcomes=[outcome]
    )
    room.on_mailing_progressed(uuid4(), event)


def take(room: Any) -> int | None:
    with acting("ana"):
        lease = room.next_call()
    return None if lease is None else int(lease.customer.customer_id)


def record(room: Any, result: CallResult, **more: Any) -> None:
    with acting("ana"):
        lease = room.get_lease()
        room.record_call(NewCall(lease_id=lease.lease_id, result=result, **more))


def touches(sessions: Any) -> int:
    with sessions() as session:
        found: int = session.scalar(select(func.count()).select_from(Contact))
        return found


def test_who_had_as_many_touches_as_the_cap_is_passed_over_and_one_fewer_is_not(
    room: Any,
) -> None:
    for ago in (3, 5):
        mail(room, 1, NOON - timedelta(days=ago))
    mail(room, 2, NOON - timedelta(days=1))
    assert take(room) == 2


def test_the_person_comes_again_when_the_oldest_touch_leaves_the_window(
    room: Any, sessions: Any, time: Any
) -> None:
    for ago in (29, 5, 3):
        mail(room, 1, NOON - timedelta(days=ago))
    assert take(room) == 2
    free_at = NOON - timedelta(days=5) + timedelta(days=DAYS)
    with sessions() as session:
        found = session.get_one(Target, (CAMPAIGN, 1))
        assert (found.next_at, found.over_cap) == (free_at, True)
    record(room, CallResult.ACCEPTED)
    assert take(room) == 3
    record(room, CallResult.ACCEPTED)
    time.now = free_at - timedelta(seconds=1)
    assert take(room) is None
    time.now = free_at
    assert take(room) == 1
    with sessions() as session:
        assert session.get_one(Target, (CAMPAIGN, 1)).over_cap is False


@pytest.mark.parametrize(("ago", "passed_over"), [(DAYS, False), (DAYS - 1, True)])
def test_a_touch_counts_for_thirty_days(room: Any, ago: int, *, passed_over: bool) -> None:
    mail(room, 1, NOON - timedelta(days=ago))
    mail(room, 1, NOON - timedelta(days=1))
    assert (take(room) != 1) is passed_over


@pytest.mark.parametrize("state", ["failed", "skipped", "doubtful", "cancelled"])
def test_only_a_mail_that_was_sent_is_a_touch(room: Any, sessions: Any, state: str) -> None:
    mail(room, 1, NOON, state)
    assert touches(sessions) == 0
    mail(room, 1, NOON)
    mail(room, 1, NOON)
    assert touches(sessions) == 1  # the same one twice


@pytest.mark.parametrize(
    ("result", "count"),
    [
        (CallResult.INTERESTED, 1),
        (CallResult.NOT_INTERESTED, 1),
        (CallResult.NO_ANSWER, 0),
        (CallResult.VOICEMAIL, 0),
    ],
)
def test_only_a_call_that_reached_somebody_is_a_touch(
    room: Any, sessions: Any, result: CallResult, count: int
) -> None:
    take(room)
    record(room, result)
    assert touches(sessions) == count


def test_a_call_that_was_agreed_with_the_person_is_made_over_the_cap(room: Any, time: Any) -> None:
    assert take(room) == 1
    agreed = NOON + timedelta(hours=1)
    record(room, CallResult.CALLBACK, callback_at=agreed)
    for minutes in (1, 2):
        mail(room, 1, NOON + timedelta(minutes=minutes))
    time.now = agreed
    assert take(room) == 1


def test_when_only_people_over_the_cap_are_left_the_queue_says_so(room: Any) -> None:
    for customer_id in (1, 2, 3):
        mail(room, customer_id, NOON - timedelta(days=customer_id))
        mail(room, customer_id, NOON)
    assert take(room) is None
    with acting("ana"):
        state = room.get_queue_state()
    assert (state.open, state.empty) == (3, EmptyQueue.OVER_CAP)
    assert state.next_at == NOON + timedelta(days=DAYS - 3)


def test_of_some_over_the_cap_and_some_to_be_tried_again_the_queue_waits(room: Any) -> None:
    for ago in (1, 2):
        mail(room, 1, NOON - timedelta(days=ago))
    for _ in range(2):
        take(room)
        record(room, CallResult.BUSY)
    assert take(room) is None
    with acting("ana"):
        assert room.get_queue_state().empty is EmptyQueue.WAITING


def test_touches_are_forgotten_when_they_count_no_more(room: Any, sessions: Any) -> None:
    for ago in (DAYS - 1, DAYS, DAYS + 1):
        mail(room, 1, NOON - timedelta(days=ago))
    with sessions.begin() as session:
        contacts.forget_old(session, NOON)
    assert touches(sessions) == 1


# --- what it costs ---


@pytest.fixture
def crowd(sessions: Any) -> int:
    """Ana has 200,000 more people; the first thousand had enough mails."""
    with sessions.begin() as session:
        session.execute(
            text("""
            INSERT INTO call_target (campaign_id, customer_id, cedula, first_names, last_names,
                                     phone, advisor, next_at)
            SELECT 7, n, '17' || n, 'Rosa', 'Mora', '+5939' || n,
                CASE WHEN n % 2 = 0 THEN 'ana' ELSE 'berta' END, :now
            FROM generate_series(4, 400003) n
            """),
            {"now": NOON},
        )
        session.execute(
            text("""
            INSERT INTO contact (customer_id, at)
            SELECT n, CAST(:now AS timestamptz) - m * interval '1 day'
            FROM generate_series(1, 2000) n, generate_series(1, 2) m
            """),
            {"now": NOON},
        )
        session.execute(text("ANALYZE call_target"))
        session.execute(text("ANALYZE contact"))
    return 2000


def test_taking_somebody_is_a_walk_along_the_queue_and_passes_each_over_once(
    room: Any, sessions: Any, crowd: int
) -> None:
    with sessions() as session:
        query = leases._queue("ana", NOON).limit(20).with_for_update(skip_locked=True, of=Target)
        plan = session.execute(text(f"EXPLAIN {literal(session, query)}")).scalars().all()
    assert any("ix_call_target_queue" in line for line in plan)
    assert not any("Sort" in line or "Seq Scan on call_target" in line for line in plan), plan
    assert take(room) == crowd + 2
    with sessions() as session:
        passed = select(func.count()).select_from(Target).where(Target.over_cap)
        assert session.scalar(passed) == 1002  # 1, 2, 3 and the even ones up to 2,000


def literal(session: Any, query: Any) -> str:
    """The statement with its values, to be explained."""
    compiled = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    return str(compiled)


def test_a_claim_looks_at_a_bounded_number_of_people() -> None:
    assert leases._LOOKS == (1, 20, 200, 1000)
