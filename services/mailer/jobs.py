"""mailer's jobs: loading recipients, sending, and putting right what crashes leave behind."""

from typing import Any
from uuid import UUID, uuid4

from celery.schedules import crontab
from sqlalchemy.orm import Session

from services.mailer import claims, designs, ledger, mailings, messages, monthly, rules
from services.mailer.messages import Letter
from services.mailer.models import Mailing
from services.mailer.sending import ROOM, Stretch
from services.mailer.smtp import Fate, Line
from shared import clock, jobs, log, outbox, transfer
from shared.contracts.campaign import LOAD_RECIPIENTS_CHUNK
from shared.contracts.mailer import MailingState
from shared.db import sessions

SENDERS = 2  # jobs that a run begins with
MAX_SENDERS = 4  # with those of killed workers, which count until their lease is over
SCHEDULE = {
    "mailer.sweep": {"task": "mailer.sweep", "schedule": 20.0},
    "mailer.run_monthly_schedule": {
        "task": "mailer.run_monthly_schedule",
        "schedule": crontab(minute="*/10"),
    },
}
_INCOMPLETE = "El público llegó incompleto y no se envió nada. Cree el envío de nuevo."
_NO_SERVER = "El servidor de correo no responde. El envío sigue solo cuando vuelva."
logger = log.get(__name__)


# --- preparing ---


@jobs.job(LOAD_RECIPIENTS_CHUNK)
def load_recipients_chunk(chunk: dict[str, Any]) -> None:
    """Copy a chunk of an audience into the ledger; the last one to arrive has it prepared."""
    piece = transfer.Chunk(**chunk)
    transfer_id = UUID(piece.transfer_id)
    with sessions(ROOM).begin() as session:
        transfer.load_chunk(session, piece, ledger.TARGET)
    try:
        with sessions(ROOM).begin() as session:
            rows = transfer.complete(session, transfer_id)
            if rows is not None:
                outbox.add_job(session, "mailer.prepare_mailing", piece.transfer_id, rows)
    except RuntimeError:
        _fail(transfer_id, _INCOMPLETE)
        raise


def _fail(transfer_id: UUID, error: str) -> None:
    with sessions(ROOM).begin() as session:
        mailing = mailings.find_by_transfer(session, transfer_id, lock=True)
        if mailing is not None and mailing.state == MailingState.PREPARING:
            mailing.error = error
            mailings.set_state(session, mailing, MailingState.FAILED)


@jobs.job("mailer.prepare_mailing")
def prepare_mailing(transfer_id: str, rows: int) -> None:
    """Skip who may not be mailed, set the target, and start the run or wait for its time."""
    with sessions(ROOM).begin() as session:
        mailing = mailings.find_by_transfer(session, UUID(transfer_id), lock=True)
        if mailing is None or mailing.target is not None:
            return
        mailing.target = rows
        ledger.skip_unreachable(session, mailing.transfer_id)
        if mailing.state == MailingState.PREPARING:
            mailings.set_state(session, mailing, _first_state(session, mailing))
        mailing_id = mailing.id
    _advance(mailing_id, SENDERS)
    _report_all(mailing_id)


def _first_state(session: Session, mailing: Mailing) -> MailingState:
    """A campaign that was paused in the meantime keeps its run waiting."""
    if mailings.is_paused(session, mailing.campaign_id):
        return MailingState.PAUSED
    return rules.state_to_start(mailing.send_at, clock.now())


# --- sending ---


@jobs.job("mailer.send_batch")
def send_batch(mailing_id: int) -> None:
    """Send for a few seconds, then see what the run needs next.

    A mail server that cannot be reached leaves every row as it is; the sweeper tries again.
    """
    letter = _open_letter(mailing_id)
    if letter is None:
        return
    try:
        line = Line()
    except OSError as error:
        logger.warning("mail server away", error=str(error))
        _set_error(letter.transfer_id, _NO_SERVER)
        return
    _set_error(letter.transfer_id, None)
    Stretch(letter, line).run()
    _report_all(mailing_id)
    _advance(mailing_id)


def _open_letter(mailing_id: int) -> Letter | None:
    """What is the same in all mails of the run; None when nobody may send (more) now."""
    with sessions(ROOM).begin() as session:
        mailing = mailings.get_mailing(session, mailing_id)
        alive = claims.count_alive(session, mailing.transfer_id)
        if mailing.state != MailingState.SENDING or alive >= MAX_SENDERS:
            return None
        return Letter(
            design=designs.compile_for(session, mailing),
            campaign=mailing.campaign_name,
            mailing_id=mailing.id,
            transfer_id=mailing.transfer_id,
        )


def _set_error(transfer_id: UUID, error: str | None) -> None:
    with sessions(ROOM).begin() as session:
        mailings.set_error(session, transfer_id, error)


def _report_all(mailing_id: int) -> None:
    """Tell of every row that became final, a transaction a batch."""
    reported = -1
    while reported:
        with sessions(ROOM).begin() as session:
            reported = ledger.report(session, mailings.get_mailing(session, mailing_id))


def _advance(mailing_id: int, senders: int = 1) -> None:
    """Finish a run that is done, or hand out the job it needs next."""
    with sessions(ROOM).begin() as session:
        mailing = mailings.get_mailing(session, mailing_id, lock=True)
        if mailing.state == MailingState.SENDING:
            _advance_sending(session, mailing, senders)
        elif mailing.state == MailingState.CANCELLED and claims.has_work(
            session, mailing.transfer_id
        ):
            outbox.add_job(session, "mailer.skip_cancelled", mailing.id)


def _advance_sending(session: Session, mailing: Mailing, senders: int) -> None:
    counts = mailings.count_by_state(session, [mailing.transfer_id])[mailing.transfer_id]
    if mailing.target is not None and counts.unfinished == 0:
        mailings.set_state(session, mailing, MailingState.FINISHED)
    elif claims.has_work(session, mailing.transfer_id):
        for _ in range(senders):
            outbox.add_job(session, "mailer.send_batch", mailing.id, bulk=True)


@jobs.job("mailer.skip_cancelled")
def skip_cancelled(mailing_id: int) -> None:
    """What is pending in a cancelled run becomes skipped, in batches."""
    skipped = -1
    while skipped:
        with sessions(ROOM).begin() as session:
            mailing = mailings.get_mailing(session, mailing_id)
            if mailing.state != MailingState.CANCELLED:
                return
            skipped = ledger.skip_cancelled(session, mailing.transfer_id)
    _report_all(mailing_id)


@jobs.job("mailer.start_sending")
def start_sending(mailing_id: int) -> None:
    """Put a run's first senders to work."""
    _advance(mailing_id, SENDERS)


@jobs.job("mailer.send_test")
def send_test(design_id: int, subject: str, email: str) -> None:
    """Send a design to one's own address. Raises ConnectionError, and is tried again."""
    with sessions(ROOM).begin() as session:
        design = designs.get_design(session, design_id)
        compiled = designs.compile_design(subject or design.subject, design.html, design.text)
    content = messages.compose_test(compiled, email, uuid4().hex)
    try:
        line = Line()
    except OSError as error:
        raise ConnectionError(str(error)) from error
    answer = line.send(messages.sender_address(), email, content)
    line.close()
    if answer.fate is not Fate.ACCEPTED:
        logger.warning("test mail not accepted", answer=answer.text)


# --- by the clock ---


@jobs.job("mailer.sweep")
def sweep() -> None:
    """Start runs whose time has come, judge dead senders, put idle runs back to work."""
    with sessions(ROOM).begin() as session:
        for mailing in mailings.claim_due(session, clock.now()):
            mailings.set_state(session, mailing, MailingState.SENDING)
        concerned = [
            found.id
            for transfer_id in set(claims.bury_dead_senders(session))
            if (found := mailings.find_by_transfer(session, transfer_id)) is not None
        ]
    with sessions(ROOM).begin() as session:
        idle = [
            mailing.id
            for mailing in mailings.list_in_state(session, MailingState.SENDING)
            if claims.count_alive(session, mailing.transfer_id) == 0
        ]
    for mailing_id in sorted({*concerned, *idle}):
        _report_all(mailing_id)
        _advance(mailing_id, SENDERS)


@jobs.job("mailer.run_monthly_schedule")
def run_monthly_schedule() -> None:
    """Begin this month's runs once their day and hour have come, also when late."""
    with sessions(ROOM).begin() as session:
        schedule = monthly.get_schedule(session)
        month = rules.due_month(monthly.local_now(), schedule.day, schedule.hour)
        if month is None:
            return
        campaigns = mailings.list_campaigns(session, schedule.campaign_ids)
        monthly.start_month(session, month, campaigns, monthly.SCHEDULER)
