"""mailer's SQL on mail servers that failed: all senders of all runs leave one alone together."""

from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.mailer import rules
from services.mailer.models import MailServer
from shared import clock

LONG_AGO = timedelta(hours=1)  # a failure before that begins the waits anew


def find_waiting(session: Session, address: str) -> MailServer | None:
    """The server, when it is to be left alone for now."""
    query = select(MailServer).filter_by(address=address)
    return session.execute(query.where(MailServer.retry_at > clock.now())).scalar_one_or_none()


def note_failure(session: Session, address: str, words: str) -> MailServer:
    """Leave a server alone, longer with each failure; several senders' at once count as one."""
    now = clock.now()
    known = session.get(MailServer, address, with_for_update=True)
    if known is not None and known.retry_at > now:
        return known
    lately = known is not None and known.failed_at > now - LONG_AGO
    failures = known.failures + 1 if known is not None and lately else 1
    values = {
        "failures": failures,
        "words": words,
        "failed_at": now,
        "retry_at": now + rules.server_wait(failures),
    }
    row = insert(MailServer).values(address=address, **values)
    session.execute(row.on_conflict_do_update(index_elements=["address"], set_=values))
    session.expire_all()
    return session.get_one(MailServer, address)


def note_success(session: Session, address: str, at: datetime) -> None:
    """It took a mail, and whoever was waiting for it need not any more."""
    session.execute(
        update(MailServer)
        .where(MailServer.address == address, MailServer.failures > 0, MailServer.failed_at < at)
        .values(failures=0, retry_at=func.least(MailServer.retry_at, at))
    )
