"""telemarketing's SQL on whether a person may be called: states heard, refusals, touches."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import case, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.telemarketing.models import Contact, ContactState, Target
from shared.contracts import customer_query
from shared.contracts.customer_query import Block
from shared.settings import settings


def keep_states(session: Session, states: Sequence[customer_query.ContactState]) -> None:
    """Follow changes of phone or consent on every call list; an older version changes nothing.

    Who told an advisor not to call stays held until customer_query says do-not-contact itself.
    """
    newest = {
        state.customer_id: {
            "customer_id": state.customer_id,
            "version": state.version,
            "phone": state.phone,
            "held": state.phone_block,
        }
        for state in sorted(states, key=lambda state: (state.customer_id, state.version))
    }
    if not newest:
        return
    row = insert(ContactState).values(list(newest.values()))
    new = row.excluded
    session.execute(
        row.on_conflict_do_update(
            index_elements=["customer_id"],
            set_={
                "version": new.version,
                "phone": new.phone,
                "held": new.held,
                "refused": ContactState.refused
                & new.held.is_distinct_from(Block.DO_NOT_CONTACT.value),
            },
            where=new.version > ContactState.version,
        )
    )
    _follow(session, list(newest))


def _follow(session: Session, customer_ids: list[int]) -> None:
    held = case((ContactState.refused, literal(Block.DO_NOT_CONTACT)), else_=ContactState.held)
    session.execute(
        update(Target)
        .where(
            Target.customer_id.in_(customer_ids),
            Target.customer_id == ContactState.customer_id,
            Target.contact_version < ContactState.version,
            ContactState.erased.is_(False),
        )
        .values(phone=ContactState.phone, held=held, contact_version=ContactState.version)
        .execution_options(synchronize_session=False)
    )


def set_refused(session: Session, customer_id: int) -> None:
    """Remember that a person told an advisor not to call any more, for lists still to come.

    Comes before any lock on a call list's row: a merge takes the two in this order.
    """
    row = insert(ContactState).values(customer_id=customer_id, refused=True)
    session.execute(
        row.on_conflict_do_update(index_elements=["customer_id"], set_={"refused": True})
    )


def erase(session: Session, customer_ids: list[int]) -> None:
    """Whom a list that was made before does not bring back."""
    rows = [{"customer_id": number, "erased": True} for number in sorted(customer_ids)]
    if rows:
        gone = {"erased": True, "phone": None, "held": Block.DO_NOT_CONTACT.value}
        row = insert(ContactState).values(rows)
        session.execute(row.on_conflict_do_update(index_elements=["customer_id"], set_=gone))


# --- touches, for the cap ---


def insert_contacts(session: Session, touches: Iterable[tuple[int, datetime]]) -> None:
    """Touches of people; the same one twice counts once."""
    rows = [{"customer_id": customer_id, "at": at} for customer_id, at in touches]
    if rows:
        session.execute(insert(Contact).values(rows).on_conflict_do_nothing())


def find_over_cap(
    session: Session, customer_ids: Sequence[int], now: datetime
) -> dict[int, datetime]:
    """Those who were touched as often as anybody may be, and until when that stays so."""
    if not customer_ids:
        return {}
    newest_first = func.row_number().over(
        partition_by=Contact.customer_id, order_by=Contact.at.desc()
    )
    ranked = (
        select(Contact.customer_id, Contact.at, newest_first.label("rank"))
        .where(Contact.customer_id.in_(customer_ids), Contact.at > now - _window())
        .subquery()
    )
    query = select(ranked.c.customer_id, ranked.c.at).where(ranked.c.rank == settings().contact_cap)
    return {customer_id: at + _window() for customer_id, at in session.execute(query)}


def forget_old(session: Session, now: datetime) -> None:
    """Drop touches that count no more."""
    session.execute(delete(Contact).where(Contact.at <= now - _window()))


def _window() -> timedelta:
    return timedelta(days=settings().contact_cap_days)
