"""Every kind of job of the room: it fails once and still ends; it fails for good and says so."""

from typing import Any
from uuid import UUID

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import select

from services.mailer import (
    claims,
    designs,
    jobs,
    ledger,
    mailings,
    messages,
    monthly,
    senders,
    smtp,
)
from services.mailer.models import Campaign, Mailing
from shared import transfer
from shared.contracts.campaign import CampaignBrief, Phase
from shared.contracts.customer_query import Channel
from shared.contracts.mailer import MailingState, MonthlySchedule
from tests.jobs.deliveries import deliver, failing
from tests.jobs.mailer.conftest import Mailer, Post, chunks, people

ALWAYS = 10**6
DEFECT = KeyError("a defect")
AWAY = "Un servidor no respondió"


def awaiting(mailer: Mailer) -> tuple[int, list[dict[str, Any]]]:
    """A run whose audience is yet to come, and the chunks of it."""
    with mailer.sessions.begin() as session:
        design = designs.list_designs(session, None, 1).rows[0]
        values = {"design_id": design.id, "design_name": "Oferta", "subject": "Hola"}
        values |= {"campaign_id": 1, "campaign_name": "Fibra", "created_by": "jefe"}
        mailing = mailings.insert_mailing(session, values | {"kind": "on_demand"})
        assert mailing is not None
        return mailing.id, chunks(mailing.transfer_id, people(5))


def transfer_of(mailer: Mailer, run: int) -> str:
    with mailer.sessions() as session:
        return str(mailings.get_mailing(session, run).transfer_id)


def check_failed(mailer: Mailer, run: int, reason: str = AWAY) -> None:
    """It says why, keeps nothing of its audience, and can be asked for anew."""
    mailer.drain()
    shown = mailer.shown(run)
    assert (shown.state, shown.target) == (MailingState.FAILED, 0)
    assert shown.error is not None
    assert reason in shown.error


def check_paused(mailer: Mailer, run: int) -> None:
    shown = mailer.shown(run)
    assert (shown.state, shown.pending) == (MailingState.PAUSED, 5)
    assert shown.error is not None
    assert "El envío se detuvo" in shown.error
    with mailer.sessions() as session:
        assert session.execute(select(Mailing.paused_by)).scalar_one() == "product"


# --- preparing ---


def test_a_chunk_that_failed_once_is_loaded(mailer: Mailer) -> None:
    run, parts = awaiting(mailer)
    with failing(transfer, "_record", times=1):
        went = [deliver(jobs.load_recipients_chunk, part) for part in parts]
    assert went[0] == ["wait.5s"]
    assert mailer.shown(run).target == 5


def test_a_chunk_that_cannot_be_loaded_fails_the_run(mailer: Mailer) -> None:
    run, parts = awaiting(mailer)
    with failing(transfer, "_record", times=ALWAYS):
        went = deliver(jobs.load_recipients_chunk, parts[0])
    assert went[-2:] == ["jobs.mailer", "dead.jobs"]
    check_failed(mailer, run)


def test_a_chunk_that_was_damaged_on_its_way_fails_the_run(mailer: Mailer) -> None:
    run, parts = awaiting(mailer)
    deliver(jobs.load_recipients_chunk, parts[0] | {"rows": 6})
    check_failed(mailer, run, "error interno")


def test_a_late_chunk_of_a_failed_run_is_dropped(mailer: Mailer) -> None:
    run, parts = awaiting(mailer)
    with failing(transfer, "_set_expected", ALWAYS, DEFECT):
        deliver(jobs.load_recipients_chunk, parts[-1])
    mailer.drain()
    for part in parts:
        deliver(jobs.load_recipients_chunk, part)
    check_failed(mailer, run, "error interno")
    assert mailer.rows(run) == {}


def test_a_preparation_that_failed_once_is_made(mailer: Mailer, post: Post) -> None:
    run = mailer.create(people(5))
    with failing(ledger, "skip_unreachable", times=1):
        assert deliver(jobs.prepare_mailing, transfer_of(mailer, run), 5) == ["wait.5s"]
    mailer.drain()
    assert mailer.shown(run).sent == 5


def test_a_preparation_that_cannot_be_made_fails_the_run_and_begins_anew(
    mailer: Mailer, post: Post
) -> None:
    run = mailer.create(people(5))
    first = transfer_of(mailer, run)
    with failing(ledger, "skip_unreachable", ALWAYS, DEFECT):
        deliver(jobs.prepare_mailing, first, 5)
    check_failed(mailer, run, "error interno")
    with mailer.sessions.begin() as session:
        mailings.prepare_anew(session, mailings.get_mailing(session, run, lock=True))
    second = transfer_of(mailer, run)
    asked = mailer.events("recipients_requested")
    assert [event["transfer_id"] for event in asked] == [first, second]
    for part in chunks(UUID(second), people(4)):
        deliver(jobs.load_recipients_chunk, part)
    mailer.drain()
    shown = mailer.shown(run)
    assert (shown.state, shown.sent, shown.error) == (MailingState.FINISHED, 4, None)


def test_a_preparation_delivered_again_after_its_end_changes_nothing(
    mailer: Mailer, post: Post
) -> None:
    run = mailer.create(people(5))
    mailer.drain()
    deliver(jobs.prepare_mailing, transfer_of(mailer, run), 5)
    mailer.drain()
    assert len(post.got) == 5


def test_dropping_an_audience_that_failed_once_is_done(mailer: Mailer) -> None:
    run = mailer.create(people(5))
    with failing(ledger, "skip_unreachable", ALWAYS, DEFECT):
        deliver(jobs.prepare_mailing, transfer_of(mailer, run), 5)
    assert len(mailer.rows(run)) == 5
    with failing(ledger, "remove_recipients", times=1):
        assert deliver(jobs.forget_audience, transfer_of(mailer, run)) == ["wait.5s"]
    assert mailer.rows(run) == {}


# --- sending ---


def prepared(mailer: Mailer) -> int:
    run = mailer.create(people(5))
    mailer.drain(but=("mailer.start_sending",))
    mailer.execute("DELETE FROM outbox WHERE task IS NOT NULL")
    return run


@pytest.mark.parametrize(
    ("job", "target", "name"),
    [
        (jobs.start_sending, claims, "has_work"),
        (jobs.send_batch, designs, "compile_for"),
        (jobs.send_batch, claims, "claim"),
        (jobs.send_batch, senders, "end"),
        (jobs.send_batch, ledger, "report"),
        (jobs.send_batch, mailings, "measure"),
    ],
)
def test_a_sender_that_failed_once_ends_its_run(
    mailer: Mailer, post: Post, job: Any, target: Any, name: str
) -> None:
    run = prepared(mailer)
    with failing(target, name, times=1):
        assert deliver(job, run) == ["wait.5s"]
    mailer.drain()
    shown = mailer.shown(run)
    assert (shown.state, shown.sent) == (MailingState.FINISHED, 5)
    assert len(set(post.addresses)) == len(post.addresses)


@pytest.mark.parametrize(
    ("job", "target", "name"),
    [(jobs.start_sending, claims, "has_work"), (jobs.send_batch, claims, "claim")],
)
def test_a_sender_that_cannot_work_pauses_its_run(
    mailer: Mailer, post: Post, job: Any, target: Any, name: str
) -> None:
    run = prepared(mailer)
    with failing(target, name, times=ALWAYS):
        assert deliver(job, run)[-2:] == ["jobs.mailer", "dead.jobs"]
    check_paused(mailer, run)


def test_a_mail_that_cannot_be_made_leaves_nobody_in_doubt(mailer: Mailer, post: Post) -> None:
    run = prepared(mailer)
    with failing(messages, "compose", ALWAYS, DEFECT):
        deliver(jobs.send_batch, run)
    check_paused(mailer, run)
    assert post.got == []


def test_a_mail_cut_short_by_the_jobs_time_limit_is_doubtful_and_not_sent_again(
    mailer: Mailer, post: Post
) -> None:
    run = prepared(mailer)
    send = smtp.Line.send

    def send_and_fall(line: smtp.Line, *args: Any) -> Any:
        send(line, *args)
        raise SoftTimeLimitExceeded

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smtp.Line, "send", send_and_fall)
        deliver(jobs.send_batch, run)
    shown = mailer.shown(run)
    assert (shown.state, shown.doubtful, shown.pending) == (MailingState.PAUSED, 1, 4)
    assert "tiempo permitido" in (shown.error or "")
    mailer.execute("UPDATE mailing SET state = 'sending'")
    mailer.wait()
    assert len(post.addresses) == len(set(post.addresses))


def test_what_was_sent_before_a_defect_is_known(mailer: Mailer, post: Post) -> None:
    run = prepared(mailer)
    with failing(mailings, "measure", ALWAYS, DEFECT):
        deliver(jobs.send_batch, run)
    shown = mailer.shown(run)
    assert (shown.state, shown.sent, shown.doubtful) == (MailingState.PAUSED, 5, 0)


def test_cancelling_that_failed_once_is_finished(mailer: Mailer) -> None:
    run = prepared(mailer)
    mailer.execute("UPDATE mailing SET state = 'cancelled', finished_at = now()")
    with failing(ledger, "cancel_pending", times=1):
        assert deliver(jobs.skip_cancelled, run) == ["wait.5s"]
    assert mailer.shown(run).cancelled == 5


def test_cancelling_that_cannot_be_finished_says_so_and_is_not_tried_for_ever(
    mailer: Mailer,
) -> None:
    run = prepared(mailer)
    mailer.execute("UPDATE mailing SET state = 'cancelled', finished_at = now()")
    with failing(ledger, "cancel_pending", times=ALWAYS):
        deliver(jobs.skip_cancelled, run)
    shown = mailer.shown(run)
    assert shown.error is not None
    assert "Cancele el envío otra vez" in shown.error
    jobs.sweep()
    mailer.drain()
    assert mailer.shown(run).pending == 5


def test_rows_that_come_back_to_a_cancelled_run_are_cancelled(mailer: Mailer) -> None:
    run = prepared(mailer)
    mailer.execute("UPDATE mailing SET state = 'cancelled', finished_at = now()")
    mailer.execute("UPDATE recipient SET retry_at = now() + interval '1 hour'")
    jobs.sweep()
    mailer.drain()
    assert mailer.shown(run).cancelled == 5


# --- tests and the clock ---


def test_a_test_mail_that_failed_once_goes_out(mailer: Mailer, post: Post) -> None:
    with failing(messages, "compose_test", times=1):
        assert deliver(jobs.send_test, 1, "", "yo@pregon.example") == ["wait.5s"]
    assert post.addresses == ["yo@pregon.example"]
    assert error_of_test(mailer) is None


def test_a_test_mail_that_cannot_go_out_says_so_until_one_does(mailer: Mailer, post: Post) -> None:
    with failing(messages, "compose_test", times=ALWAYS):
        deliver(jobs.send_test, 1, "", "yo@pregon.example")
    assert AWAY in (error_of_test(mailer) or "")
    deliver(jobs.send_test, 1, "", "yo@pregon.example")
    assert error_of_test(mailer) is None


def test_a_test_mail_that_was_refused_says_so(mailer: Mailer, post: Post) -> None:
    post.refuse["yo@pregon.example"] = "550 no such user"
    deliver(jobs.send_test, 1, "", "yo@pregon.example")
    assert error_of_test(mailer) == "550 no such user"


@pytest.mark.parametrize(
    ("said", "title", "words"),
    [
        (None, "El servidor de correo aceptó la prueba de «Oferta»", "250 taken"),
        ("550 no such user", "No salió la prueba de «Oferta»", "550 no such user"),
        ("450 come back later", "No salió la prueba de «Oferta»", "450 come back later"),
    ],
)
def test_who_asked_for_a_test_mail_hears_once_what_the_server_said(
    mailer: Mailer, post: Post, said: str | None, title: str, words: str
) -> None:
    if said:
        post.refuse["yo@pregon.example"] = said
    deliver(jobs.send_test, 1, "", "yo@pregon.example", "jefe", "abc")
    (notice,) = mailer.events("notice_requested")
    assert (notice["usernames"], notice["title"]) == (["jefe"], title)
    assert f"El servidor respondió: «{words}" in notice["detail"]
    assert notice["link"] == "/disenos/1"


def error_of_test(mailer: Mailer) -> str | None:
    with mailer.sessions() as session:
        return designs.get_design(session, 1).test_error


def test_a_sweep_that_failed_says_so_and_the_next_one_works(mailer: Mailer, post: Post) -> None:
    run = prepared(mailer)
    with failing(senders, "bury_dead", times=ALWAYS):
        assert deliver(jobs.sweep)[-2:] == ["jobs.mailer", "dead.jobs"]
    error = mailer.shown(run).error
    assert error is not None
    assert "El envío no avanza" in error
    deliver(jobs.sweep)
    mailer.drain()
    shown = mailer.shown(run)
    assert (shown.sent, shown.error) == (5, None)


@pytest.mark.parametrize(
    ("job", "target", "name"),
    [(jobs.sweep, senders, "bury_dead"), (jobs.run_monthly_schedule, monthly, "get_schedule")],
)
def test_what_the_clock_begins_is_tried_again(
    mailer: Mailer, job: Any, target: Any, name: str
) -> None:
    with failing(target, name, times=1):
        assert deliver(job) == ["wait.5s"]


def test_a_monthly_schedule_that_failed_says_so_and_the_next_one_works(
    mailer: Mailer,
) -> None:
    brief = CampaignBrief(
        campaign_id=1,
        name="Fibra",
        phase=Phase.EXECUTING,
        channels=[Channel.MAIL],
        design_id=1,
        mail_subject="",
        script="",
    )
    with mailer.sessions.begin() as session:
        monthly.set_schedule(session, MonthlySchedule(day=1, hour=0, campaign_ids=[1]))
        values = brief.model_dump(exclude={"script"}) | {"version": 1}
        session.add(Campaign(**values))
    with failing(monthly, "start_month", ALWAYS, DEFECT):
        assert deliver(jobs.run_monthly_schedule) == ["jobs.mailer", "dead.jobs"]
    assert "error interno" in (schedule(mailer).error or "")
    deliver(jobs.run_monthly_schedule)
    assert schedule(mailer).error is None
    assert len(mailer.events("recipients_requested")) == 1


def schedule(mailer: Mailer) -> MonthlySchedule:
    with mailer.sessions() as session:
        return monthly.get_schedule(session)
