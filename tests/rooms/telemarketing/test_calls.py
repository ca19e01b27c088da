"""Next customer, result, callback: through the doors, with a real database."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.telemarketing.models import Target
from shared import trace
from shared.contracts.campaign import Phase
from shared.contracts.customer_query import (
    Block,
    ContactState,
    ContactStatesChanged,
    CustomersErased,
)
from shared.contracts.telemarketing import CallResult, EmptyQueue, NewCall
from shared.errors import Conflict, Invalid, NotFound
from shared.settings import settings
from tests.databases import outbox_of
from tests.make.actors import make_actor
from tests.rooms.telemarketing.conftest import (
    CAMPAIGN,
    NOON,
    acting,
    add_people,
    announce,
    assign,
    at_once,
)

pytestmark = pytest.mark.usefixtures("campaign")


def target(sessions: Any, customer_id: int, campaign_id: int = CAMPAIGN) -> Target:
    with sessions() as session:
        found: Target = session.get_one(Target, (campaign_id, customer_id))
        return found


def record(room: Any, lease: Any, result: CallResult, **more: Any) -> Any:
    return room.record_call(NewCall(lease_id=lease.lease_id, result=result, **more))


def test_next_call_leases_a_person_with_the_script_filled_in(room: Any) -> None:
    assign(room, 3)
    with acting("ana"):
        lease = room.next_call()
    assert lease.customer.phone.startswith("+59399")
    assert lease.campaign == "Fibra"
    assert lease.script == f"Buenos días, {lease.customer.full_name}. Le saluda Ana."
    assert lease.expires_at == NOON + timedelta(seconds=settings().lease_seconds)


def test_asking_again_gives_the_running_lease(room: Any) -> None:
    assign(room, 3)
    with acting("ana"):
        assert room.get_lease() is None
        lease = room.next_call()
        assert room.next_call() == lease
        assert room.get_lease() == lease


def test_a_double_click_gets_one_person(room: Any) -> None:
    assign(room, 6)

    def click() -> Any:
        with acting("ana"):
            return room.next_call()

    first, *others = at_once(click, click, click)
    assert first is not None
    assert others == [first, first]


def test_nobody_ends_anothers_call(room: Any) -> None:
    assign(room, 3)
    with acting("ana"):
        lease = room.next_call()
    with acting("berta"):
        with pytest.raises(NotFound):
            record(room, lease, CallResult.ACCEPTED)
        with pytest.raises(NotFound):
            room.save_note(lease.lease_id, "Otra")
        with pytest.raises(NotFound):
            room.release_lease(lease.lease_id)
    with acting("ana"):
        assert room.get_lease() == lease


def test_nobody_gets_anothers_customers(room: Any) -> None:
    assign(room, 3, "ana")
    with acting("berta"):
        assert room.next_call() is None
        assert room.get_queue_state().empty is EmptyQueue.NOTHING_ASSIGNED


def test_an_expired_lease_frees_the_person(room: Any, time: Any) -> None:
    assign(room, 1)
    with acting("ana"):
        first = room.next_call()
        time.now += timedelta(seconds=settings().lease_seconds + 1)
        assert room.get_lease() is None
        second = room.next_call()
    assert second.customer == first.customer
    assert second.lease_id != first.lease_id


def test_who_was_called_is_not_given_back(room: Any) -> None:
    assign(room, 1)
    with acting("ana"):
        lease = room.next_call()
        record(room, lease, CallResult.ACCEPTED)
        with pytest.raises(Conflict, match="ya se registró como «Aceptó»"):
            room.release_lease(lease.lease_id)


def test_released_customer_can_be_taken_again_and_the_lease_is_over(room: Any) -> None:
    assign(room, 1)
    with acting("ana"):
        lease = room.next_call()
        room.release_lease(lease.lease_id)
        room.release_lease(lease.lease_id)
        with pytest.raises(Conflict):
            record(room, lease, CallResult.ACCEPTED)
        assert room.next_call().customer == lease.customer


@pytest.mark.parametrize(
    ("hour", "may"), [(12, False), (13, True), (0, True), (1, False)]
)  # UTC; 8 to 20 in Guayaquil
def test_nobody_is_called_outside_of_legal_hours(
    room: Any, time: Any, hours: Any, hour: int, *, may: bool
) -> None:
    hours("08:00-20:00")
    assign(room, 1)
    time.now = NOON.replace(hour=hour) + timedelta(days=1)
    with acting("ana"):
        assert (room.next_call() is not None) is may
        room.get_lease()


def test_outside_of_hours_the_queue_says_when_it_opens(room: Any, hours: Any) -> None:
    hours("13:30-20:00")
    assign(room, 1)
    with acting("ana"):
        assert room.next_call() is None
        state = room.get_queue_state()
    assert state.empty is EmptyQueue.OUTSIDE_HOURS
    assert state.next_at == NOON + timedelta(minutes=90)


def test_a_paused_campaign_is_not_called_and_the_queue_says_so(room: Any) -> None:
    assign(room, 2)
    announce(room, Phase.PAUSED, version=2)
    with acting("ana"):
        assert room.next_call() is None
        assert room.get_queue_state().empty is EmptyQueue.NOT_EXECUTING


def test_result_is_stored_announced_and_ends_the_persons_turn(
    room: Any, sessions: Any, time: Any
) -> None:
    assign(room, 1)
    with acting("ana"):
        lease = room.next_call()
        time.now += timedelta(seconds=95)
        call = record(room, lease, CallResult.ACCEPTED, note="Quiere 300 megas")
        assert room.next_call() is None
        assert room.get_queue_state().empty is EmptyQueue.FINISHED
        day = room.get_day()
    assert (call.seconds, call.note, call.advisor) == (95, "Quiere 300 megas", "ana")
    assert target(sessions, call.customer_id).state == "done"
    assert (day.calls, day.contacted, day.accepted, day.open) == (1, 1, 1, 0)
    kind, event = outbox_of(sessions)[-1]
    assert kind == "call_recorded"
    assert (event["label"], event["success"], event["call_id"]) == ("Aceptó", True, call.id)


def test_the_same_result_twice_is_one_call(room: Any, sessions: Any) -> None:
    assign(room, 1)
    with acting("ana"):
        lease = room.next_call()
        assert record(room, lease, CallResult.BUSY) == record(room, lease, CallResult.BUSY)
        assert len(room.list_calls().items) == 1
    assert [kind for kind, _ in outbox_of(sessions)] == ["people_moved", "call_recorded"]


def test_busy_comes_again_after_its_wait(room: Any, time: Any) -> None:
    assign(room, 1)
    with acting("ana"):
        record(room, room.next_call(), CallResult.BUSY)
        assert room.next_call() is None
        state = room.get_queue_state()
        assert state.empty is EmptyQueue.WAITING
        assert state.next_at == NOON + timedelta(minutes=20)
        time.now = state.next_at
        assert room.next_call().attempts == 1


def test_callback_needs_a_time_to_come(room: Any) -> None:
    assign(room, 1)
    with acting("ana"):
        lease = room.next_call()
        for wrong in (None, NOON - timedelta(minutes=1), NOON, NOON + timedelta(days=366)):
            with pytest.raises(Invalid) as error:
                record(room, lease, CallResult.CALLBACK, callback_at=wrong)
            assert error.value.fields[0].field == "callback_at"
        assert room.get_lease() == lease


@pytest.mark.parametrize(
    ("hour", "good"), [(12, False), (13, True), (0, True), (1, False)]
)  # UTC; 8 to 20 in Guayaquil
def test_nobody_agrees_to_a_call_outside_of_legal_hours(
    room: Any, hours: Any, hour: int, *, good: bool
) -> None:
    hours("08:00-20:00")
    assign(room, 1)
    agreed = (NOON + timedelta(days=3)).replace(hour=hour)
    with acting("ana"):
        lease = room.next_call()
        if good:
            assert record(room, lease, CallResult.CALLBACK, callback_at=agreed)
            return
        with pytest.raises(Invalid, match="Solo se llama de 08:00 a 20:00") as error:
            record(room, lease, CallResult.CALLBACK, callback_at=agreed)
        assert error.value.fields[0].field == "callback_at"
        assert room.get_lease() == lease


def test_a_second_result_for_a_lease_is_refused_with_the_first(room: Any) -> None:
    assign(room, 2)
    agreed = NOON + timedelta(hours=2)
    with acting("ana"):
        lease = room.next_call()
        first = record(room, lease, CallResult.CALLBACK, callback_at=agreed)
        assert record(room, lease, CallResult.CALLBACK, callback_at=agreed, note="Otra") == first
        with pytest.raises(Conflict, match="ya se registró como «Volver a llamar»") as error:
            record(room, lease, CallResult.ACCEPTED)
        assert [item.field for item in error.value.fields] == ["result", "callback_at"]
        later = agreed + timedelta(hours=1)
        with pytest.raises(Conflict) as error:
            record(room, lease, CallResult.CALLBACK, callback_at=later)
        assert [item.field for item in error.value.fields] == ["callback_at"]
        assert [call.result for call in room.list_calls().items] == [CallResult.CALLBACK]
        other = room.next_call()
        done = record(room, other, CallResult.ACCEPTED)
        assert record(room, other, CallResult.ACCEPTED) == done


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE callback SET done = false; INSERT INTO callback "
        "SELECT id + 1, call_id + 1, campaign_id, customer_id, advisor, at, note, false "
        "FROM callback",
        "INSERT INTO call OVERRIDING SYSTEM VALUE SELECT id + 1, lease_id, campaign_id, "
        "customer_id, customer_name, advisor, result, note, callback_at, at, seconds FROM call",
        "UPDATE call SET result = 'accepted'",
        "UPDATE call SET callback_at = at",
        "UPDATE call SET callback_at = at + interval '400 days'",
        "UPDATE call_target SET lease_id = '00000000-0000-0000-0000-000000000001'",
    ],
)
def test_the_database_knows_these_rules_too(room: Any, sessions: Any, wrong: str) -> None:
    assign(room, 2)
    with acting("ana"):
        agreed = NOON + timedelta(hours=2)
        record(room, room.next_call(), CallResult.CALLBACK, callback_at=agreed)
        room.next_call()
    wrong = wrong.replace("INTO callback SELECT", "INTO callback OVERRIDING SYSTEM VALUE SELECT")
    with pytest.raises(IntegrityError), sessions.begin() as session:
        session.execute(text(wrong))


def test_agreed_callback_comes_first_when_it_is_due_and_is_done_by_the_call(
    room: Any, time: Any
) -> None:
    assign(room, 3)
    agreed = NOON + timedelta(hours=2)
    day = (NOON - timedelta(hours=12), NOON + timedelta(hours=12))
    with acting("ana"):
        first = room.next_call()
        record(room, first, CallResult.CALLBACK, callback_at=agreed, note="Después del almuerzo")
        assert room.get_day().callbacks_today == 1
        other = room.next_call()
        assert other.customer != first.customer
        room.release_lease(other.lease_id)
        time.now = agreed
        again = room.next_call()
        assert (again.customer, again.callback_at) == (first.customer, agreed)
        [callback] = room.list_callbacks(*day)
        assert (callback.at, callback.done) == (agreed, False)
        assert callback.note == "Después del almuerzo"
        record(room, again, CallResult.NOT_INTERESTED)
        assert [item.done for item in room.list_callbacks(*day)] == [True]
        assert room.get_day().callbacks_today == 0
        assert room.list_callbacks(day[0], agreed) == []  # the end of a period is not in it


def test_do_not_call_ends_it_in_every_campaign(room: Any, sessions: Any) -> None:
    announce(room, campaign_id=8, name="Otra")
    add_people(sessions, 1, campaign_id=8, advisor="berta")
    assign(room, 10)
    with acting("ana"):
        for _ in range(10):
            lease = room.next_call()
            result = (
                CallResult.DO_NOT_CALL if lease.customer.customer_id == 1 else CallResult.ACCEPTED
            )
            record(room, lease, result)
    with acting("berta"):
        assert room.next_call() is None
    assert target(sessions, 1, campaign_id=8).held == Block.DO_NOT_CONTACT


def test_who_withdrew_consent_is_not_called(room: Any) -> None:
    assign(room, 1)
    with acting("ana"):
        lease = room.next_call()
        room.release_lease(lease.lease_id)
    person = ContactState(
        customer_id=lease.customer.customer_id,
        version=1,
        email=None,
        phone=lease.customer.phone,
        mail_block=None,
        phone_block=Block.NO_CONSENT,
    )
    room.on_contact_states_changed(uuid4(), ContactStatesChanged(customers=[person]))
    with acting("ana"):
        assert room.next_call() is None


def test_late_result_counts_while_nobody_else_had_the_person(room: Any, time: Any) -> None:
    assign(room, 1)
    with acting("ana"):
        lease = room.next_call()
        time.now += timedelta(hours=1)
        assert record(room, lease, CallResult.INTERESTED).result is CallResult.INTERESTED


def test_late_result_is_refused_once_another_took_the_person(room: Any, time: Any) -> None:
    assign(room, 1)
    with acting("ana"):
        lease = room.next_call()
    time.now += timedelta(hours=1)
    assert room.take_back(CAMPAIGN, "ana").freed == 1
    assign(room, 10, "berta")
    with acting("berta"):
        while room.next_call().customer != lease.customer:
            record(room, room.get_lease(), CallResult.ACCEPTED)
        with pytest.raises(NotFound):
            record(room, lease, CallResult.ACCEPTED)
    with acting("ana"), pytest.raises(Conflict):
        record(room, lease, CallResult.ACCEPTED)


def test_unknown_lease_is_not_found(room: Any) -> None:
    with acting("ana"), pytest.raises(NotFound):
        room.record_call(NewCall(lease_id=uuid4(), result=CallResult.BUSY))


def test_note_typed_in_the_call_is_kept_and_goes_into_the_result(room: Any) -> None:
    assign(room, 1)
    with acting("ana"):
        lease = room.next_call()
        room.save_note(lease.lease_id, "Prefiere la tarde")
        assert room.get_lease().note == "Prefiere la tarde"
        with pytest.raises(Invalid):
            room.save_note(lease.lease_id, "x" * 2001)
        assert record(room, lease, CallResult.BUSY).note == "Prefiere la tarde"
        with pytest.raises(Conflict):
            room.save_note(lease.lease_id, "tarde")


def test_an_advisor_sees_the_own_calls_a_supervisor_all(room: Any) -> None:
    assign(room, 1, "ana", "berta")
    for name in ("ana", "berta"):
        with acting(name):
            record(room, room.next_call(), CallResult.BUSY)
            assert [call.advisor for call in room.list_calls(advisor="ana").items] == [name]
    with acting("eva", "supervisor"):
        page = room.list_calls(limit=1)
        assert [call.advisor for call in page.items] == ["berta"]
        assert [call.advisor for call in room.list_calls(after=page.next).items] == ["ana"]
        [call] = room.list_calls(advisor="ana").items
        assert call.advisor == "ana"
        assert room.list_calls(campaign_id=CAMPAIGN, customer_id=call.customer_id).items == [call]
        assert len(room.list_calls(campaign_id=CAMPAIGN).items) == 2
        assert room.list_calls(campaign_id=CAMPAIGN + 1).items == []


def test_who_sees_all_calls_is_a_matter_of_permission_not_of_the_roles_name(room: Any) -> None:
    assign(room, 1, "ana")
    with acting("ana"):
        record(room, room.next_call(), CallResult.BUSY)
    for role, may, seen in (("listener", ["call.read_all"], 1), ("supervisor", [], 0)):
        actor = make_actor("eva").model_copy(update={"role": role, "permissions": frozenset(may)})
        with trace.use(actor=actor):
            assert len(room.list_calls().items) == seen


def test_erased_people_are_forgotten_and_still_counted(room: Any, sessions: Any) -> None:
    assign(room, 10)
    with acting("ana"):
        lease = room.next_call()
        agreed = NOON + timedelta(hours=1)
        record(room, lease, CallResult.CALLBACK, callback_at=agreed, note="Vive en Quito")
    who = lease.customer.customer_id
    room.on_customers_erased(uuid4(), CustomersErased(customer_ids=[who]))
    with acting("ana"):
        [call] = room.list_calls().items
    assert (call.customer_name, call.note) == ("", "")
    found = target(sessions, who)
    assert (found.full_name, found.phone, found.cedula) == ("", None, f"borrado-{who}")


def test_an_actor_is_needed(room: Any) -> None:
    with trace.use(), pytest.raises(Exception, match="usuario"):
        room.next_call()
