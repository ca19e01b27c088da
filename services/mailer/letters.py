"""mailer's SQL on letters, and what each writes about itself when it has ended."""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.mailer import contacts, rules
from services.mailer.models import ServiceMail
from shared import clock, notices, outbox
from shared.contracts.mailer import (
    Addressee,
    LetterEnded,
    LetterTemplate,
    RecipientState,
    SkipReason,
    told,
)
from shared.permissions import Role
from shared.settings import settings

OPEN = frozenset({RecipientState.PENDING, RecipientState.SENDING})
_BLANK: dict[str, Any] = {"full_name": "", "email": None, "fields": {}}
_NOT_SENT = "No salió el correo «{}»"
_IN_DOUBT = "No se sabe si salió el correo «{}»"


def insert_letter(
    session: Session,
    template: LetterTemplate,
    person: Addressee,
    fields: dict[str, str],
    reference: str,
) -> ServiceMail:
    """The letter of this reference: a new one is handed to a worker, an earlier one stays as it is.

    Raises Invalid when the fields are not the template's.
    """
    template.check(fields)
    row = insert(ServiceMail).values(
        reference=reference, template=template, fields=fields, **person.model_dump()
    )
    added = row.on_conflict_do_nothing().returning(ServiceMail.id)
    if letter_id := session.execute(added).scalar_one_or_none():
        outbox.add_job(session, "mailer.send_letter", letter_id)
    return session.execute(select(ServiceMail).filter_by(reference=reference)).scalar_one()


def get_letter(session: Session, letter_id: int) -> ServiceMail:
    """The row, locked."""
    return session.get_one(ServiceMail, letter_id, with_for_update=True)


def end(session: Session, letter: ServiceMail, state: RecipientState, reason: str | None) -> None:
    """Write down how it ended; administrators hear of one that was not sent, or may not have been.

    The row is locked since before, so that an erasure either is seen here or blanks it afterwards.
    """
    letter.state = state
    _note(letter, reason)
    if state is RecipientState.SENT:
        letter.sent_at = clock.now()
    else:
        _tell(session, letter)
    _announce(session, letter)
    if contacts.is_erased(session, letter.customer_id):
        for name, value in _BLANK.items():
            setattr(letter, name, value)


def postpone(letter: ServiceMail, reason: str) -> None:
    """It is not out, for this reason, and stays to be sent."""
    letter.state = RecipientState.PENDING
    _note(letter, reason)


def _note(letter: ServiceMail, reason: str | None) -> None:
    """A server's words may quote the address, which is not kept in them."""
    address = letter.email or ""
    letter.reason = reason and re.sub(re.escape(address), rules.mask(address), reason, flags=re.I)


def _tell(session: Session, letter: ServiceMail) -> None:
    doubtful = letter.state is RecipientState.DOUBTFUL
    notices.send(
        session,
        Role.ADMIN,
        f"letter:{letter.id}:{letter.state}",
        (_IN_DOUBT if doubtful else _NOT_SENT).format(letter.template.word),
        detail=_why(letter),
        link=f"/clientes/{letter.customer_id}" if letter.customer_id else "",
    )


def _announce(session: Session, letter: ServiceMail) -> None:
    event = LetterEnded(
        reference=letter.reference,
        template=letter.template,
        state=letter.state,
        reason=_why(letter),
        at=letter.sent_at or clock.now(),
    )
    outbox.add(session, event)


def _why(letter: ServiceMail) -> str:
    """As people read it; empty for one that is out."""
    if letter.state is RecipientState.SKIPPED:
        return SkipReason(letter.reason or "").word
    return told(letter.reason or "")


def forget_old(session: Session) -> int:
    """Blank letters to people who are no customers, whom nobody erases; returns how many.

    A letter that has still to go out keeps its address, and the reference stays: asked for again,
    it is not sent again.
    """
    before = clock.now() - timedelta(days=settings().letter_days)
    known = ServiceMail.customer_id.is_(None) & ServiceMail.email.is_not(None)
    old = known & (ServiceMail.created_at < before) & ServiceMail.state.not_in(OPEN)
    blanked = update(ServiceMail).where(old).values(**_BLANK).returning(ServiceMail.id)
    return len(session.execute(blanked).all())


def erase(session: Session, customer_ids: Iterable[int]) -> None:
    """Blank the letters of people who asked to be forgotten; those on their way when they end."""
    theirs = ServiceMail.customer_id.in_(list(customer_ids))
    session.execute(select(ServiceMail.id).where(theirs).order_by(ServiceMail.id).with_for_update())
    ended = update(ServiceMail).where(theirs, ServiceMail.state.not_in(OPEN))
    session.execute(ended.values(**_BLANK))
