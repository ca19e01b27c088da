"""mailer's SQL on whether a person may be mailed: states heard, unsubscriptions, touches."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Update, case, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from services.mailer.models import Contact, ContactState, Recipient
from shared import clock
from shared.contracts import customer_query
from shared.contracts.customer_query import Block
from shared.contracts.mailer import RecipientState, SkipReason


def keep_states(session: Session, states: Sequence[customer_query.ContactState]) -> None:
    """Follow people's consents and addresses, also in what is pending of every run.

    An older state that comes late changes nothing. Somebody who used our link stays unsubscribed
    until customer_query says do-not-contact: a newer state may not know of it yet.
    """
    if not states:
        return
    news: set[int] = set(session.execute(_keep(states)).scalars())
    reached: list[int] = []
    barred: dict[SkipReason, list[int]] = {}
    for state in states:
        if state.customer_id not in news:
            continue
        block = _block(state)
        if block is None and state.email is not None:
            reached.append(state.customer_id)
        else:
            reason = SkipReason(block or Block.NO_ADDRESS)
            barred.setdefault(reason, []).append(state.customer_id)
    for reason, ids in barred.items():
        skip_pending(session, ids, reason)
    _readdress(session, reached)


def _block(state: customer_query.ContactState) -> Block | None:
    return None if state.mail_block is Block.OVER_CAP else state.mail_block  # no state, a moment


def _keep(states: Sequence[customer_query.ContactState]) -> ReturningInsert[Any]:
    row = insert(ContactState).values(
        [
            {
                "customer_id": state.customer_id,
                "version": state.version,
                "mail_block": _block(state),
                "email": state.email,
                "mail_bounced": state.mail_bounced,
                "unsubscribed": False,
            }
            for state in sorted(states, key=lambda state: state.customer_id)  # locks in order
        ]
    )
    confirmed = row.excluded.mail_block == Block.DO_NOT_CONTACT
    return row.on_conflict_do_update(
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


def _readdress(session: Session, customer_ids: Sequence[int]) -> None:
    session.execute(
        _pending(customer_ids)
        .where(ContactState.customer_id == Recipient.customer_id)
        .values(email=ContactState.email)
        .execution_options(synchronize_session=False)
    )


def skip_pending(session: Session, customer_ids: Sequence[int], reason: SkipReason) -> None:
    """Take people out of every run that has not mailed them yet."""
    session.execute(
        _pending(customer_ids).values(
            state=RecipientState.SKIPPED, reason=reason, at=clock.now(), claimed_by=None
        )
    )


def _pending(customer_ids: Sequence[int]) -> Update:
    return update(Recipient).where(
        Recipient.customer_id.in_(customer_ids), Recipient.state == RecipientState.PENDING
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
    skip_pending(session, [customer_id], SkipReason.UNSUBSCRIBED)
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
    if not customer_ids:
        return
    skip_pending(session, customer_ids, SkipReason.DO_NOT_CONTACT)
    gone = {"erased": True, "email": None, "mail_block": Block.DO_NOT_CONTACT}
    row = insert(ContactState).values([{"customer_id": n, **gone} for n in sorted(customer_ids)])
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
