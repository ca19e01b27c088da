"""mailer's SQL on whether a person may be mailed: states heard, unsubscriptions, touches."""

from datetime import datetime

from sqlalchemy import Update, case, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.mailer.models import Contact, ContactState, Recipient
from shared import clock
from shared.contracts import customer_query
from shared.contracts.customer_query import Block
from shared.contracts.mailer import RecipientState, SkipReason


def keep_state(session: Session, state: customer_query.ContactState) -> None:
    """Follow a person's consent and address, also in what is pending of every run.

    An older state that comes late changes nothing. Somebody who used our link stays unsubscribed
    until customer_query says do-not-contact: a newer state may not know of it yet.
    """
    block = None if state.mail_block is Block.OVER_CAP else state.mail_block  # no state, a moment
    if not _is_news(session, state, block):
        return
    if block is not None or state.email is None:
        skip_pending(session, state.customer_id, SkipReason(block or Block.NO_ADDRESS))
    else:
        session.execute(_pending(state.customer_id).values(email=state.email))


def _is_news(session: Session, state: customer_query.ContactState, block: Block | None) -> bool:
    row = insert(ContactState).values(
        customer_id=state.customer_id,
        version=state.version,
        mail_block=block,
        email=state.email,
        mail_bounced=state.mail_bounced,
        unsubscribed=False,
    )
    confirmed = row.excluded.mail_block == Block.DO_NOT_CONTACT
    kept = session.execute(
        row.on_conflict_do_update(
            index_elements=["customer_id"],
            set_={
                "version": row.excluded.version,
                "mail_block": row.excluded.mail_block,
                "email": row.excluded.email,
                "mail_bounced": row.excluded.mail_bounced,
                "unsubscribed": case((confirmed, False), else_=ContactState.unsubscribed),
            },
            where=(ContactState.version < row.excluded.version) & ~ContactState.erased,
        ).returning(ContactState.customer_id)
    )
    return kept.first() is not None


def skip_pending(session: Session, customer_id: int, reason: SkipReason) -> None:
    """Take a person out of every run that has not mailed them yet."""
    session.execute(
        _pending(customer_id).values(
            state=RecipientState.SKIPPED, reason=reason, at=clock.now(), claimed_by=None
        )
    )


def _pending(customer_id: int) -> Update:
    return update(Recipient).where(
        Recipient.customer_id == customer_id, Recipient.state == RecipientState.PENDING
    )


def set_unsubscribed(session: Session, customer_id: int) -> bool:
    """Suppress a person everywhere; False when they were already."""
    row = insert(ContactState).values(customer_id=customer_id, unsubscribed=True)
    changed = session.execute(
        row.on_conflict_do_update(
            index_elements=["customer_id"],
            set_={"unsubscribed": True},
            where=ContactState.unsubscribed.is_(False),
        ).returning(ContactState.customer_id)
    ).first()
    skip_pending(session, customer_id, SkipReason.UNSUBSCRIBED)
    return changed is not None


def is_unsubscribed(session: Session, customer_id: int) -> bool:
    """Whether the person gets no more marketing mail by their own wish."""
    state = session.get(ContactState, customer_id)
    return state is not None and (state.unsubscribed or state.mail_block == Block.DO_NOT_CONTACT)


def is_bouncing(session: Session, customer_id: int | None, email: str) -> bool:
    """Whether mail to the address came back, whoever has it; of the erased only that is kept."""
    erased = ContactState.erased & (ContactState.customer_id == customer_id)
    bouncing = ContactState.mail_bounced & ((ContactState.email == email) | erased)
    return session.execute(select(ContactState).where(bouncing).limit(1)).first() is not None


def is_erased(session: Session, customer_id: int | None) -> bool:
    """Whether the person asked to be forgotten."""
    state = session.get(ContactState, customer_id, populate_existing=True) if customer_id else None
    return state is not None and state.erased


def erase(session: Session, customer_ids: list[int]) -> None:
    """Blank the copies of people who asked to be forgotten; the rows still count."""
    for customer_id in sorted(customer_ids):
        skip_pending(session, customer_id, SkipReason.DO_NOT_CONTACT)
        gone = {"erased": True, "email": None, "mail_block": Block.DO_NOT_CONTACT}
        row = insert(ContactState).values(customer_id=customer_id, **gone)
        session.execute(row.on_conflict_do_update(index_elements=["customer_id"], set_=gone))
    session.execute(
        update(Recipient)
        .where(Recipient.customer_id.in_(customer_ids))
        .values(
            cedula="",
            first_names="",
            last_names="",
            gender=None,
            birth_on=None,
            province=None,
            canton=None,
            joined_on=None,
            email=None,
        )
    )


def insert_contact(session: Session, customer_id: int, at: datetime) -> None:
    """A touch, for the cap; the same one twice counts once."""
    row = insert(Contact).values(customer_id=customer_id, at=at)
    session.execute(row.on_conflict_do_nothing())
