"""mailer's jobs: loading recipients, sending, and putting right what crashes leave behind."""

from typing import Any
from uuid import UUID

from celery.schedules import crontab
from sqlalchemy.orm import Session

from services.mailer import (
    campaigns,
    claims,
    designs,
    ledger,
    letters,
    mailings,
    monthly,
    posting,
    rules,
    senders,
    servers,
    smtp,
    trials,
)
from services.mailer.messages import Circular
from services.mailer.models import Mailing, MailServer
from services.mailer.rules import Pauser
from services.mailer.sending import ROOM, Stretch, barred
from services.mailer.smtp import BarredError, Line
from shared import backlog, clock, jobs, log, outbox, transfer
from shared.contracts.campaign import LOAD_RECIPIENTS_CHUNK
from shared.contracts.mailer import MailingState, RecipientState, told
from shared.db import sessions
from shared.ecuador.dates import format_time
from shared.outbox import job_queue_name

SENDERS = 2  # jobs that a run begins with
MAX_SENDERS = 4  # with those of killed workers, which count until their lease is over
SCHEDULE = {
    "mailer.sweep": {"task": "mailer.sweep", "schedule": 20.0},
    "mailer.run_monthly_schedule": {
        "task": "mailer.run_monthly_schedule",
        "schedule": crontab(minute="*/10"),
    },
    "mailer.forget_letters": {
        "task": "mailer.forget_letters",
        "schedule": crontab(hour="2", minute="50"),
    },
}
_NO_SERVER = "Falla el servidor de correo. {} El envío continúa por sí mismo a las {}."
_STOPPED = "El envío se detuvo: {} Reanúdelo cuando esté corregido."
_STUCK = "El envío no avanza: {}"
_HALF_CANCELLED = "No se terminó de cancelar: {} Cancele el envío otra vez."
logger = log.get(__name__)


# --- what a job that failed for good leaves ---


def _fail_chunk(reason: str, chunk: dict[str, Any]) -> None:
    _fail(reason, chunk["transfer_id"])


def _fail(reason: str, transfer_id: str, *_: Any) -> None:
    """The audience of a run could not be loaded or prepared."""
    with sessions(ROOM).begin() as session:
        mailing = mailings.find_by_transfer(session, UUID(transfer_id), lock=True)
        if mailing is not None and mailing.state == MailingState.PREPARING:
            mailings.fail(session, mailing, reason)


def _pause(reason: str, mailing_id: int) -> None:
    """A run that cannot go on by itself waits for a person."""
    with sessions(ROOM).begin() as session:
        mailing = mailings.get_mailing(session, mailing_id, lock=True)
        if mailing.state == MailingState.SENDING:
            mailings.pause(session, mailing, Pauser.PRODUCT, reason)


def _stop(reason: str, mailing_id: int) -> None:
    _pause(_STOPPED.format(reason), mailing_id)


def _leave_half_cancelled(reason: str, mailing_id: int) -> None:
    with sessions(ROOM).begin() as session:
        mailing = mailings.get_mailing(session, mailing_id, lock=True)
        if mailing.state == MailingState.CANCELLED:
            mailing.error = _HALF_CANCELLED.format(reason)


def _fail_test(reason: str, *arguments: Any) -> None:
    trials.fail(reason, trials.Trial(*arguments))


def _keep_sweep_error(reason: str) -> None:
    """The next one is due in seconds: what it does not put to work says why."""
    with sessions(ROOM).begin() as session:
        for mailing in mailings.list_in_state(session, MailingState.SENDING):
            mailings.set_error(session, mailing.transfer_id, _STUCK.format(reason))


def _keep_monthly_error(reason: str) -> None:
    with sessions(ROOM).begin() as session:
        monthly.set_error(session, reason)


# --- preparing ---


@jobs.job(LOAD_RECIPIENTS_CHUNK, failed=_fail_chunk)
def load_recipients_chunk(chunk: dict[str, Any]) -> None:
    """Copy a chunk of an audience into the ledger; the last one to arrive has it prepared."""
    transfer.receive(ROOM, chunk, ledger.DESTINATION, then=_prepare)


def _prepare(session: Session, transfer_id: UUID, rows: int) -> None:
    outbox.add_job(session, "mailer.prepare_mailing", str(transfer_id), rows)


@jobs.job("mailer.prepare_mailing", failed=_fail)
def prepare_mailing(transfer_id: str, rows: int) -> None:
    """Skip who may not be mailed, set the target, and start the run or wait for its time."""
    with sessions(ROOM).begin() as session:
        mailing = mailings.find_by_transfer(session, UUID(transfer_id), lock=True)
        if mailing is None or mailing.target is not None or mailing.state == MailingState.FAILED:
            return
        mailing.target = rows
        ledger.skip_unreachable(session, mailing.transfer_id)
        if mailing.state == MailingState.PREPARING:
            mailings.start(session, mailing)
        else:
            outbox.add_job(session, "mailer.skip_cancelled", mailing.id)
        mailing_id = mailing.id
    _report_all(mailing_id)


@jobs.job("mailer.forget_audience")
def forget_audience(transfer_id: str) -> None:
    """Drop what came of an audience whose run failed; the run itself has ended already."""
    with sessions(ROOM).begin() as session:
        if not transfer.fail(session, UUID(transfer_id), ledger.DESTINATION):
            ledger.remove_recipients(session, UUID(transfer_id))


# --- sending ---


@jobs.job("mailer.send_batch", failed=_stop)
def send_batch(mailing_id: int) -> None:
    """Send for a few seconds, then see what the run needs next.

    A mail server that is away is left alone by all for a growing while; the sweeper tries again.
    One that will not have us pauses the run.
    """
    circular = _open_circular(mailing_id)
    if circular is None:
        return
    try:
        line = Line()
    except BarredError as error:
        _pause(barred(str(error)), mailing_id)
        return
    except OSError as error:
        _leave_server_alone(circular.transfer_id, str(error))
        return
    _set_error(circular.transfer_id, None)
    stretch = Stretch(circular, line)
    stretch.run()
    if stretch.stuck is not None:
        _pause(stretch.stuck, mailing_id)
    elif stretch.lost is not None:
        _leave_server_alone(circular.transfer_id, stretch.lost)
    _report_all(mailing_id)
    _advance(mailing_id)


def _open_circular(mailing_id: int) -> Circular | None:
    """What is the same in all mails of the run; None when nobody may send (more) now."""
    with sessions(ROOM).begin() as session:
        mailing = mailings.get_mailing(session, mailing_id)
        alive = senders.count_alive(session, mailing.transfer_id)
        if not mailings.may_send(session, mailing) or alive >= MAX_SENDERS:
            return None
        if _is_left_alone(session, mailing):
            return None
        return Circular(
            design=designs.compile_for(session, mailing),
            campaign=mailing.campaign_name,
            mailing_id=mailing.id,
            transfer_id=mailing.transfer_id,
        )


def _leave_server_alone(transfer_id: UUID, words: str) -> None:
    logger.warning("mail server away", error=words)
    with sessions(ROOM).begin() as session:
        server = servers.note_failure(session, smtp.server_address(), words)
        mailings.set_error(session, transfer_id, _explain(server))


def _explain(server: MailServer) -> str:
    return _NO_SERVER.format(told(server.words), format_time(server.retry_at))


def _set_error(transfer_id: UUID, error: str | None) -> None:
    with sessions(ROOM).begin() as session:
        mailings.set_error(session, transfer_id, error)


def _report_all(mailing_id: int) -> None:
    """Tell of every row that became final, a transaction a batch."""
    reported = -1
    while reported:
        with sessions(ROOM).begin() as session:
            reported = ledger.report(session, mailings.get_mailing(session, mailing_id))


def _advance(mailing_id: int, count: int = 1) -> None:
    """Finish a run that is done, or hand out the jobs it needs next."""
    with sessions(ROOM).begin() as session:
        mailing = mailings.get_mailing(session, mailing_id, lock=True)
        counts = mailings.count_by_state(session, [mailing.transfer_id])[mailing.transfer_id]
        if mailing.state == MailingState.SENDING and mailing.target is not None:
            _advance_sending(session, mailing, counts.unfinished, count)
        elif mailing.state == MailingState.CANCELLED and counts.by_state[RecipientState.PENDING]:
            outbox.add_job(session, "mailer.skip_cancelled", mailing.id)


def _advance_sending(session: Session, mailing: Mailing, unfinished: int, count: int) -> None:
    if unfinished == 0:
        mailings.set_state(session, mailing, MailingState.FINISHED)
    elif _has_work(session, mailing):
        for _ in range(count):
            outbox.add_job(session, "mailer.send_batch", mailing.id, bulk=True)


def _has_work(session: Session, mailing: Mailing) -> bool:
    """Whether a sender could send something now; if not, the sweeper looks again."""
    return (
        mailings.may_send(session, mailing)
        and not _is_left_alone(session, mailing)
        and claims.has_work(session, mailing.transfer_id)
    )


def _is_left_alone(session: Session, mailing: Mailing) -> bool:
    """Whether the mail server is, for now; the run's page says so."""
    waiting = servers.find_waiting(session, smtp.server_address())
    if waiting is not None:
        mailings.set_error(session, mailing.transfer_id, _explain(waiting))
    return waiting is not None


@jobs.job("mailer.skip_cancelled", failed=_leave_half_cancelled)
def skip_cancelled(mailing_id: int) -> None:
    """What is pending in a cancelled run becomes cancelled, in batches."""
    cancelled = -1
    while cancelled:
        with sessions(ROOM).begin() as session:
            mailing = mailings.get_mailing(session, mailing_id)
            if mailing.state != MailingState.CANCELLED:
                return
            cancelled = ledger.cancel_pending(session, mailing.transfer_id)
    _report_all(mailing_id)


@jobs.job("mailer.start_sending", failed=_stop)
def start_sending(mailing_id: int) -> None:
    """Put a run's first senders to work."""
    _advance(mailing_id, SENDERS)


@jobs.job("mailer.send_test", failed=_fail_test)
def send_test(
    design_id: int, subject: str, email: str, asked_by: str = "", reference: str = ""
) -> None:
    """Send a design to one's own address; its page and a notice say what the mail server said.

    Raises ConnectionError, and is tried again.
    """
    trials.send(trials.Trial(design_id, subject, email, asked_by, reference))


@jobs.job("mailer.send_letter", failed=posting.fail, waits=posting.WAITS)
def send_letter(letter_id: int) -> None:
    """Send a letter, once: what may be out already is not sent again."""
    posting.send(letter_id)


# --- by the clock ---


@jobs.job("mailer.forget_letters")
def forget_letters() -> None:
    """Users' own letters, such as invitations, are old news after a while."""
    with sessions(ROOM).begin() as session:
        if forgotten := letters.forget_old(session):
            logger.info("letters forgotten", count=forgotten)


@jobs.job("mailer.sweep", failed=_keep_sweep_error)
def sweep() -> None:
    """Start runs whose time has come, judge dead senders, put idle runs back to work."""
    with sessions(ROOM).begin() as session:
        for mailing in mailings.claim_due(session, clock.now()):
            mailings.start(session, mailing)
        concerned = [
            found.id
            for transfer_id in set(senders.bury_dead(session))
            if (found := mailings.find_by_transfer(session, transfer_id)) is not None
        ]
    with sessions(ROOM).begin() as session:
        idle = [
            mailing.id
            for mailing in mailings.list_in_state(session, MailingState.SENDING)
            if senders.count_alive(session, mailing.transfer_id) == 0
        ]
        half = mailings.list_half_cancelled(session)
    crowded = _count_waiting_jobs() >= SENDERS * max(1, len(idle))
    for mailing_id in sorted({*concerned, *idle, *half}):
        _report_all(mailing_id)
        _advance(mailing_id, 0 if crowded else SENDERS)


def _count_waiting_jobs() -> int:
    """Bulk jobs nobody has taken yet: while there are, more senders would only wait behind them."""
    with sessions(ROOM).begin() as session:
        unpublished = outbox.count_jobs(session, "mailer.send_batch")
    return unpublished + backlog.count_waiting(job_queue_name(ROOM, bulk=True))


@jobs.job("mailer.run_monthly_schedule", failed=_keep_monthly_error)
def run_monthly_schedule() -> None:
    """Begin this month's runs once their day and hour have come, also when late."""
    with sessions(ROOM).begin() as session:
        schedule = monthly.get_schedule(session)
        month = rules.due_month(monthly.local_now(), schedule.day, schedule.hour)
        if month is None:
            return
        found = campaigns.list_campaigns(session, schedule.campaign_ids)
        monthly.start_month(session, month, found, monthly.SCHEDULER)
        monthly.set_error(session, None)
