"""Runs through the doors: who may be mailed when, and what may be done to a run."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.mailer import mailings, monthly
from shared import clock, trace
from shared.contracts.mailer import (
    MailingState,
    MonthlySchedule,
    NewMailing,
    RecipientState,
)
from shared.errors import Conflict, Invalid, NotFound
from tests.databases import outbox_of
from tests.make.actors import make_actor
from tests.rooms.mailer.conftest import CAMPAIGN, NEW, Neighbours, add_run, count

JEFE = make_actor()


def test_a_new_run_asks_for_its_audience(mailer: Any, sessions: Any) -> None:
    mailing = mailer.create_mailing(NewMailing(campaign_id=CAMPAIGN, customer_ids=[5, 6]))
    assert (mailing.state, mailing.design_name) == (MailingState.PREPARING, "Oferta")
    assert mailing.subject == "{{ primer_nombre }}, una oferta pensada para usted"
    ((kind, payload),) = outbox_of(sessions)
    assert kind == "recipients_requested"
    assert payload["customer_ids"] == [5, 6]
    assert payload["refresh"] is False
    assert mailer.get_mailing(mailing.id) == mailing


def test_the_subject_is_what_was_typed_else_the_campaigns(
    mailer: Any, neighbours: Neighbours
) -> None:
    neighbours.add_campaign(mail_subject="De la campaña")
    assert mailer.create_mailing(NEW).subject == "De la campaña"
    typed = NewMailing(campaign_id=CAMPAIGN, subject="Hola {{ nombres }}", again=True)
    assert mailer.create_mailing(typed).subject == "Hola {{ nombres }}"


@pytest.mark.parametrize("phase", ["draft", "planned", "paused", "closing", "finished"])
def test_a_campaign_that_does_not_execute_is_not_mailed(
    mailer: Any, neighbours: Neighbours, sessions: Any, phase: str
) -> None:
    neighbours.add_campaign(phase=phase)
    with pytest.raises(Conflict, match="no está en ejecución"):
        mailer.create_mailing(NEW)
    assert outbox_of(sessions) == []


def test_an_unknown_campaign_is_not_found(mailer: Any) -> None:
    with pytest.raises(NotFound):
        mailer.create_mailing(NewMailing(campaign_id=99))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"subject": "{{ nombrez }}"}, "subject"),
        ({"send_at": clock.now() - timedelta(hours=1)}, "send_at"),
    ],
)
def test_wrong_runs_say_where(mailer: Any, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        mailer.create_mailing(NewMailing(campaign_id=CAMPAIGN, **values))
    assert error.value.fields[0].field == field


def test_a_run_without_design_asks_for_one(mailer: Any, neighbours: Neighbours) -> None:
    neighbours.add_campaign(design_id=None)
    with pytest.raises(Invalid) as error:
        mailer.create_mailing(NEW)
    assert error.value.fields[0].field == "design_id"
    assert mailer.create_mailing(NewMailing(campaign_id=CAMPAIGN, design_id=2)).design_id == 2


def test_a_double_click_is_one_run(mailer: Any) -> None:
    def click(_: int) -> int:
        with trace.use(actor=JEFE, idempotency_key="clic"):
            return int(mailer.create_mailing(NEW).id)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(click, range(4))) == {1}
    assert len(mailer.list_mailings().items) == 1


def test_two_tabs_do_not_send_the_same_to_the_same_people(mailer: Any, sessions: Any) -> None:
    def click(tab: int) -> int | str:
        with trace.use(actor=JEFE, idempotency_key=f"tab {tab}"):
            try:
                return int(mailer.create_mailing(NEW).id)
            except Conflict as error:
                return error.message

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(click, range(4)))
    assert found.count(1) == 1
    told = {item for item in found if item != 1}
    assert len(told) == 1
    assert "jefe comenzó el envío 1 a las" in str(told.pop())
    first = found.index(1)
    assert click(first) == 1  # the same key is answered as before
    assert mailer.create_mailing(NEW.model_copy(update={"again": True})).id > 1


@pytest.mark.parametrize(
    "values",
    [{"design_id": 2}, {"customer_ids": [5]}, {"campaign_id": 9}],
)
def test_another_design_or_other_people_are_no_twin(
    mailer: Any, neighbours: Neighbours, values: dict[str, Any]
) -> None:
    neighbours.add_campaign(9)
    first = mailer.create_mailing(NewMailing(campaign_id=CAMPAIGN, customer_ids=[5, 6]))
    other = NewMailing(**({"campaign_id": CAMPAIGN, "customer_ids": [5, 6]} | values))
    assert mailer.create_mailing(other).id != first.id


@pytest.mark.parametrize(
    "changed",
    [
        "created_at = created_at - interval '16 minutes'",
        "state = 'cancelled', finished_at = now()",
        "state = 'failed', finished_at = now()",
    ],
)
def test_a_run_of_before_or_one_that_came_to_nothing_is_no_twin(
    mailer: Any, sessions: Any, changed: str
) -> None:
    mailer.create_mailing(NEW)
    with sessions.begin() as session:
        session.execute(text(f"UPDATE mailing SET {changed}"))
    assert mailer.create_mailing(NEW).id > 1


def test_counts_are_those_of_the_ledger(mailer: Any, sessions: Any) -> None:
    states = {"pending": 4, "sending": 1, "sent": 3, "failed": 2, "skipped": 5, "doubtful": 1}
    states |= {"cancelled": 6}
    mailing = mailer.get_mailing(add_run(sessions, states))
    assert mailing.target == 22
    assert mailing.skipped == {"no_consent": 5}
    shown = {name: getattr(mailing, name) for name in states if name != "skipped"}
    assert shown == {name: n for name, n in states.items() if name != "skipped"}


def test_runs_are_listed_newest_first_by_campaign(mailer: Any, sessions: Any) -> None:
    runs = [add_run(sessions, {"sent": n}) for n in (1, 2, 3)]
    other = add_run(sessions, {}, campaign_id=8)
    assert [item.id for item in mailer.list_mailings().items] == [other, *reversed(runs)]
    first = mailer.list_mailings(campaign_id=CAMPAIGN, limit=2)
    assert [item.sent for item in first.items] == [3, 2]
    rest = mailer.list_mailings(campaign_id=CAMPAIGN, after=first.next, limit=2)
    assert [item.sent for item in rest.items] == [1]


def test_pause_and_resume(mailer: Any, sessions: Any) -> None:
    run = add_run(sessions, {"pending": 2}, state="sending")
    assert mailer.pause_mailing(run).state is MailingState.PAUSED
    with pytest.raises(Conflict):
        mailer.pause_mailing(run)
    assert mailer.resume_mailing(run).state is MailingState.SENDING
    assert outbox_of(sessions)[-1] == ("mailer.start_sending", {"arguments": [run]})


def test_a_run_for_later_resumes_into_waiting(mailer: Any, sessions: Any) -> None:
    later = clock.now() + timedelta(hours=1)
    run = add_run(sessions, {"pending": 1}, state="scheduled", send_at=later)
    mailer.pause_mailing(run)
    assert mailer.resume_mailing(run).state is MailingState.SCHEDULED


def test_cancel_hands_the_rest_to_a_job_and_ends_the_run(mailer: Any, sessions: Any) -> None:
    run = add_run(sessions, {"pending": 2}, state="sending")
    cancelled = mailer.cancel_mailing(run)
    assert (cancelled.state, cancelled.target) == (MailingState.CANCELLED, 2)
    assert ("mailer.skip_cancelled", {"arguments": [run]}) in outbox_of(sessions)
    with pytest.raises(Conflict, match="ya terminó"):
        mailer.cancel_mailing(run)


def test_retry_takes_the_failed_and_the_doubtful_only_when_asked(
    mailer: Any, sessions: Any
) -> None:
    run = add_run(sessions, {"sent": 3, "failed": 2, "doubtful": 1})
    again = mailer.retry_mailing(run)
    assert (again.pending, again.doubtful, again.sent) == (2, 1, 3)
    assert again.state is MailingState.SENDING
    other = add_run(sessions, {"failed": 2, "doubtful": 1})
    assert mailer.retry_mailing(other, include_doubtful=True).pending == 3


@pytest.mark.parametrize("phase", ["planned", "paused", "closing", "finished", "cancelled"])
@pytest.mark.parametrize("action", ["resume", "retry"])
def test_nothing_is_put_to_work_for_a_campaign_that_does_not_execute(
    mailer: Any, neighbours: Neighbours, sessions: Any, phase: str, action: str
) -> None:
    state = "paused" if action == "resume" else "finished"
    run = add_run(sessions, {"pending": 1, "failed": 1}, state=state)
    neighbours.add_campaign(phase=phase)
    with pytest.raises(Conflict, match="no está en ejecución"):
        getattr(mailer, f"{action}_mailing")(run)
    assert mailer.get_mailing(run).state == state
    assert mailer.get_mailing(run).failed == 1
    assert outbox_of(sessions) == []


def test_a_failed_preparation_is_begun_anew_under_another_transfer(
    mailer: Any, sessions: Any
) -> None:
    run = mailer.create_mailing(NewMailing(campaign_id=CAMPAIGN, customer_ids=[5, 6])).id
    fail_all(sessions)
    again = mailer.retry_mailing(run)
    assert (again.state, again.error, again.target) == (MailingState.PREPARING, None, 0)
    asked = [payload for kind, payload in outbox_of(sessions) if kind == "recipients_requested"]
    assert len({payload["transfer_id"] for payload in asked}) == 2
    assert [payload["customer_ids"] for payload in asked] == [[5, 6], [5, 6]]
    assert count(sessions, "SELECT count(*) FROM transfer") == 2


def test_a_half_cancelled_run_is_cancelled_again(mailer: Any, sessions: Any) -> None:
    run = add_run(sessions, {"pending": 2}, state="cancelled", error="No se terminó.")
    assert mailer.cancel_mailing(run).error is None
    assert outbox_of(sessions)[-1] == ("mailer.skip_cancelled", {"arguments": [run]})
    with pytest.raises(Conflict, match="ya terminó"):
        mailer.cancel_mailing(run)


def test_going_on_forgets_why_it_was_paused(mailer: Any, sessions: Any) -> None:
    values = {"error": "535 no", "paused_by": "product", "refused_in_a_row": 25}
    run = add_run(sessions, {"pending": 1}, state="paused", **values)
    assert mailer.resume_mailing(run).error is None
    query = "SELECT count(*) FROM mailing WHERE paused_by IS NULL AND refused_in_a_row = 0"
    assert count(sessions, query) == 1


def test_each_announcement_of_a_run_has_a_higher_version(mailer: Any, sessions: Any) -> None:
    run = add_run(sessions, {"pending": 1}, state="sending")
    mailer.pause_mailing(run)
    mailer.resume_mailing(run)
    mailer.cancel_mailing(run)
    told = [payload for kind, payload in outbox_of(sessions) if kind == "mailing_changed"]
    assert [payload["version"] for payload in told] == [1, 2, 3]


@pytest.mark.parametrize(
    ("state", "command"),
    [
        ("sending", "pause_mailing"),
        ("paused", "resume_mailing"),
        ("sending", "cancel_mailing"),
        ("finished", "retry_mailing"),
    ],
)
def test_a_command_sent_twice_acts_once_and_answers_the_same(
    mailer: Any, sessions: Any, state: str, command: str
) -> None:
    run = add_run(sessions, {"pending": 1, "failed": 1}, state=state)
    with trace.use(actor=JEFE, idempotency_key="clic"):
        first = getattr(mailer, command)(run)
        told = outbox_of(sessions)
        assert getattr(mailer, command)(run) == first
    assert outbox_of(sessions) == told
    with pytest.raises(Conflict):
        getattr(mailer, command)(run)


def test_a_key_that_comes_with_other_arguments_is_a_conflict(mailer: Any, sessions: Any) -> None:
    run = add_run(sessions, {"failed": 1, "doubtful": 1})
    with trace.use(actor=JEFE, idempotency_key="clic"):
        mailer.retry_mailing(run)
        with pytest.raises(Conflict, match="otros datos"):
            mailer.retry_mailing(run, include_doubtful=True)


def fail_all(sessions: Any) -> None:
    """As the job does whose preparation failed for good."""
    with sessions.begin() as session:
        for mailing in mailings.list_in_state(session, MailingState.PREPARING):
            mailings.fail(session, mailing, "No se pudo.")


def test_nothing_to_retry_is_a_conflict_and_changes_nothing(mailer: Any, sessions: Any) -> None:
    run = add_run(sessions, {"sent": 3})
    with pytest.raises(Conflict, match="No hay correos"):
        mailer.retry_mailing(run)
    assert mailer.get_mailing(run).state is MailingState.FINISHED


def test_recipients_by_state_with_their_reasons(mailer: Any, sessions: Any) -> None:
    run = add_run(sessions, {"sent": 2, "skipped": 3})
    page = mailer.list_recipients(run, state=RecipientState.SKIPPED, limit=2)
    assert [row.reason for row in page.items] == ["no_consent", "no_consent"]
    rest = mailer.list_recipients(run, state=RecipientState.SKIPPED, after=page.next, limit=2)
    assert [row.customer_id for row in rest.items] == [5]
    assert len(mailer.list_recipients(run).items) == 5
    with pytest.raises(NotFound):
        mailer.list_recipients(99)


# --- the monthly run ---


def test_the_schedule_is_kept_without_repetitions(mailer: Any) -> None:
    usual = MonthlySchedule(day=1, hour=9, campaign_ids=[], version=1)
    assert mailer.get_monthly_schedule() == usual
    saved = mailer.set_monthly_schedule(
        MonthlySchedule(day=5, hour=8, campaign_ids=[CAMPAIGN, CAMPAIGN])
    )
    assert saved == MonthlySchedule(day=5, hour=8, campaign_ids=[CAMPAIGN], version=2)
    assert mailer.get_monthly_schedule() == saved


def test_the_second_of_two_changes_of_the_schedule_learns_who_was_first(mailer: Any) -> None:
    seen = mailer.get_monthly_schedule()
    mailer.set_monthly_schedule(seen.model_copy(update={"day": 5}))
    with pytest.raises(Conflict, match="Jefa cambió la programación mensual el "):
        mailer.set_monthly_schedule(seen.model_copy(update={"hour": 20}))
    now = mailer.get_monthly_schedule()
    assert (now.day, now.hour, now.version) == (5, 9, 2)


def test_a_schedule_with_an_unknown_campaign_is_invalid(mailer: Any) -> None:
    with pytest.raises(Invalid, match="99") as error:
        mailer.set_monthly_schedule(MonthlySchedule(day=5, hour=8, campaign_ids=[CAMPAIGN, 99]))
    assert error.value.fields[0].field == "campaign_ids"


def test_the_monthly_run_on_demand_starts_once(
    mailer: Any, neighbours: Neighbours, sessions: Any
) -> None:
    neighbours.add_campaign(4, phase="paused")
    mailer.set_monthly_schedule(MonthlySchedule(day=28, hour=23, campaign_ids=[CAMPAIGN, 4]))
    (first,) = mailer.run_monthly()
    (second,) = mailer.run_monthly()
    assert (first.campaign_id, first.started, second.started) == (CAMPAIGN, True, False)
    assert second.mailing_id == first.mailing_id
    assert count(sessions, "SELECT count(*) FROM mailing") == 1
    assert outbox_of(sessions)[0][1]["refresh"] is True


def test_a_failed_month_begins_anew_when_a_person_asks(mailer: Any, sessions: Any) -> None:
    mailer.set_monthly_schedule(MonthlySchedule(day=28, hour=23, campaign_ids=[CAMPAIGN]))
    (first,) = mailer.run_monthly()
    fail_all(sessions)
    (second,) = mailer.run_monthly()
    assert (second.mailing_id, second.started) == (first.mailing_id, True)
    assert mailer.get_mailing(first.mailing_id).state is MailingState.PREPARING


def test_the_monthly_run_asked_for_twice_with_a_key_answers_the_same(mailer: Any) -> None:
    mailer.set_monthly_schedule(MonthlySchedule(day=28, hour=23, campaign_ids=[CAMPAIGN]))
    with trace.use(actor=JEFE, idempotency_key="mes"):
        assert mailer.run_monthly() == mailer.run_monthly()


def test_a_new_schedule_forgets_why_the_old_one_failed(mailer: Any, sessions: Any) -> None:
    schedule = MonthlySchedule(day=5, hour=8, campaign_ids=[CAMPAIGN])
    mailer.set_monthly_schedule(schedule)
    with sessions.begin() as session:
        monthly.set_error(session, "No se pudo.")
    assert mailer.get_monthly_schedule().error == "No se pudo."
    assert mailer.set_monthly_schedule(schedule).error is None


def test_a_month_to_come_is_invalid(mailer: Any) -> None:
    with pytest.raises(Invalid):
        mailer.run_monthly("2999-01")
