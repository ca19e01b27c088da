"""One person, one advisor: across campaigns, at once, and after "no llamar más"."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import eventlet
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import sessionmaker

from services.telemarketing import leases
from services.telemarketing.models import Callback, HeldPerson, Target
from shared import clock
from shared.contracts.customer_query import Block, ContactState, ContactStatesChanged
from shared.contracts.telemarketing import CallResult, EmptyQueue, NewCall
from shared.errors import Conflict
from shared.settings import settings
from tests.rooms.telemarketing.conftest import (
    CAMPAIGN,
    NOON,
    acting,
    add_people,
    announce,
    at_once,
)

OTHER = 8


@pytest.fixture(autouse=True)
def two_campaigns(room: Any, sessions: Any) -> None:
    """The same five people: Ana has them in one campaign, Berta in another."""
    for campaign_id, advisor in ((CAMPAIGN, "ana"), (OTHER, "berta")):
        announce(room, campaign_id=campaign_id)
        add_people(sessions, 5, campaign_id=campaign_id, advisor=advisor)


def take(room: Any, advisor: str) -> Any:
    with acting(advisor):
        return room.next_call()


def who(lease: Any) -> int:
    found: int = lease.customer.customer_id
    return found


def record(room: Any, advisor: str, lease: Any, result: CallResult, **more: Any) -> Any:
    with acting(advisor):
        return room.record_call(NewCall(lease_id=lease.lease_id, result=result, **more))


def target(sessions: Any, customer_id: int, campaign_id: int = CAMPAIGN) -> Target:
    with sessions() as session:
        found: Target = session.get_one(Target, (campaign_id, customer_id))
        return found


def held(sessions: Any) -> dict[int, str]:
    with sessions() as session:
        return dict(session.execute(select(HeldPerson.customer_id, HeldPerson.advisor)).all())


def test_a_person_who_is_spoken_to_is_passed_over_in_other_campaigns(
    room: Any, sessions: Any
) -> None:
    assert who(take(room, "ana")) == 1
    assert who(take(room, "berta")) == 2
    assert held(sessions) == {1: "ana", 2: "berta"}


def test_after_the_call_the_person_is_free_for_the_other_campaign(room: Any, sessions: Any) -> None:
    record(room, "ana", take(room, "ana"), CallResult.ACCEPTED)
    assert held(sessions) == {}
    assert who(take(room, "berta")) == 1


def test_given_back_the_person_is_free_for_the_other_campaign(room: Any) -> None:
    lease = take(room, "ana")
    with acting("ana"):
        room.release_lease(lease.lease_id)
    assert who(take(room, "berta")) == 1


def test_a_lease_that_ran_out_frees_the_person_and_its_late_result_takes_nobody_away(
    room: Any, sessions: Any, time: Any
) -> None:
    late = take(room, "ana")
    time.now += timedelta(seconds=settings().lease_seconds - 1)
    assert who(take(room, "berta")) == 2
    with acting("berta"):
        room.release_lease(room.get_lease().lease_id)
    time.now += timedelta(seconds=1)
    other = take(room, "berta")
    assert who(other) == who(late) == 1
    record(room, "ana", late, CallResult.BUSY)
    assert held(sessions) == {1: "berta"}
    with acting("berta"):
        assert room.get_lease() == other


def test_when_only_held_people_are_left_the_queue_says_until_when(room: Any, sessions: Any) -> None:
    with sessions.begin() as session:
        session.execute(text("DELETE FROM call_target WHERE campaign_id = 8 AND customer_id > 1"))
    lease = take(room, "ana")
    assert take(room, "berta") is None
    with acting("berta"):
        state = room.get_queue_state()
    assert (state.open, state.empty) == (1, EmptyQueue.WAITING)
    assert state.next_at == lease.expires_at


# --- at once ---


def test_of_two_who_take_a_person_at_once_one_gets_the_next(
    sessions: sessionmaker[Any],
) -> None:
    """The first has not committed when the second looks: the unique customer makes it wait."""
    with sessions() as first:
        first.begin()
        assert leases.claim_next(first, "ana", NOON).customer_id == 1  # type: ignore[union-attr]  # somebody

        def second() -> int:
            with sessions.begin() as session:
                found = leases.claim_next(session, "berta", NOON)
                assert found is not None
                return found.customer_id

        other = eventlet.spawn(second)
        eventlet.sleep(0.2)
        assert not other.dead
        first.commit()
    assert other.wait() == 2


def test_many_at_once_never_hold_the_same_person(room: Any, sessions: Any) -> None:
    """Six advisors in six campaigns of the same eight people, again and again."""
    names = [f"asesor{number}" for number in range(6)]
    for number, name in enumerate(names, start=20):
        announce(room, campaign_id=number)
        add_people(sessions, 8, campaign_id=number, advisor=name)

    def work(name: str) -> int:
        taken = 0
        for _ in range(12):
            with sessions.begin() as session:
                leases.lock_advisor(session, name)
                found = leases.claim_next(session, name, clock.now())
                if found is None or found.lease_id is None:
                    continue
                lease_id = found.lease_id
                assert lease_id is not None
            with sessions() as session:
                busy = func.count().label("busy")
                running = select(Target.customer_id, busy).where(Target.lease_until > NOON)
                twice = running.group_by(Target.customer_id).having(busy > 1)
                assert session.execute(twice).all() == []
            with sessions.begin() as session:
                leases.release(session, leases.get_lease(session, lease_id, name))
            taken += 1
        return taken

    assert all(at_once(*[lambda name=name: work(name) for name in names]))
    assert held(sessions) == {}


# --- no llamar más ---


def test_who_refuses_leaves_every_queue_and_the_calendar_at_once(
    room: Any, sessions: Any, time: Any
) -> None:
    lease = take(room, "berta")
    agreed = NOON + timedelta(hours=1)
    record(room, "berta", lease, CallResult.CALLBACK, callback_at=agreed)
    record(room, "ana", take(room, "ana"), CallResult.DO_NOT_CALL)
    for campaign_id in (CAMPAIGN, OTHER):
        found = target(sessions, 1, campaign_id)
        assert (found.held, found.state) == (Block.DO_NOT_CONTACT, "done")
        assert found.callback_at is None
    with sessions() as session:
        assert session.scalars(select(Callback.done)).all() == [True]
    time.now = agreed
    assert who(take(room, "berta")) == 2


@pytest.fixture
def both(room: Any, time: Any) -> tuple[Any, Any]:
    """Ana's lease on person 1 ran out; Berta has the person now."""
    late = take(room, "ana")
    time.now += timedelta(seconds=settings().lease_seconds)
    other = take(room, "berta")
    assert who(other) == who(late) == 1
    return late, other


def test_anothers_lease_on_who_refused_ends_at_once(
    room: Any, sessions: Any, both: tuple[Any, Any]
) -> None:
    record(room, "ana", both[0], CallResult.DO_NOT_CALL)
    assert held(sessions) == {}
    with acting("berta"):
        assert room.get_lease() is None
        assert who(room.next_call()) == 2


def test_what_was_spoken_counts_but_the_person_stays_held(
    room: Any, sessions: Any, both: tuple[Any, Any]
) -> None:
    late, other = both
    record(room, "ana", late, CallResult.DO_NOT_CALL)
    agreed = NOON + timedelta(days=1)
    call = record(room, "berta", other, CallResult.CALLBACK, callback_at=agreed, note="Mañana")
    assert (call.result, call.note) == (CallResult.CALLBACK, "Mañana")
    assert call.callback_at is None
    found = target(sessions, 1, OTHER)
    assert (found.held, found.state, found.callback_at) == (Block.DO_NOT_CONTACT, "done", None)
    with sessions() as session:
        assert session.scalars(select(Callback.id)).all() == []


def state(version: int, phone_block: Block | None) -> ContactStatesChanged:
    person = ContactState(
        customer_id=1,
        version=version,
        email=None,
        phone=f"+59399{version}",
        mail_block=None,
        phone_block=phone_block,
    )
    return ContactStatesChanged(customers=[person])


def test_an_older_state_that_comes_late_changes_nothing(room: Any, sessions: Any) -> None:
    room.on_contact_states_changed(uuid4(), state(7, Block.NO_CONSENT))
    room.on_contact_states_changed(uuid4(), state(6, None))
    found = target(sessions, 1)
    assert (found.held, found.phone, found.contact_version) == ("no_consent", "+593997", 7)
    room.on_contact_states_changed(uuid4(), state(8, None))
    for campaign_id in (CAMPAIGN, OTHER):
        found = target(sessions, 1, campaign_id)
        assert (found.held, found.phone, found.contact_version) == (None, "+593998", 8)


def test_a_refusal_stays_until_it_is_confirmed_and_then_follows_what_is_heard(
    room: Any, sessions: Any
) -> None:
    record(room, "ana", take(room, "ana"), CallResult.DO_NOT_CALL)
    room.on_contact_states_changed(uuid4(), state(3, None))  # of before it was heard there
    assert target(sessions, 1, OTHER).held == Block.DO_NOT_CONTACT
    room.on_contact_states_changed(uuid4(), state(4, Block.DO_NOT_CONTACT))
    room.on_contact_states_changed(uuid4(), state(5, None))  # a new consent
    assert target(sessions, 1, OTHER).held is None


def test_the_same_person_twice_in_one_event_is_the_newest(room: Any, sessions: Any) -> None:
    newest, older = state(9, Block.NO_CONSENT), state(8, None)
    both = ContactStatesChanged(customers=[*newest.customers, *older.customers])
    room.on_contact_states_changed(uuid4(), both)
    assert target(sessions, 1).contact_version == 9


def test_a_result_of_a_lease_that_was_given_back_is_refused(room: Any) -> None:
    lease = take(room, "ana")
    with acting("ana"):
        room.release_lease(lease.lease_id)
    with pytest.raises(Conflict):
        record(room, "ana", lease, CallResult.DO_NOT_CALL)


def test_a_refusal_that_was_refused_leaves_the_person_callable(room: Any, sessions: Any) -> None:
    lease = take(room, "ana")
    with acting("ana"):
        room.release_lease(lease.lease_id)
    with pytest.raises(Conflict):
        record(room, "ana", lease, CallResult.DO_NOT_CALL)
    assert target(sessions, 1, OTHER).held is None
    assert who(take(room, "berta")) == 1
