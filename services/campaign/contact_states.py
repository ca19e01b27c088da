"""campaign's SQL on where people may be contacted: what was heard, in what order, and forgetting.

An edition on its way holds the states of its snapshot, so what was heard meanwhile is kept
(`contact_news`) and applied when it is complete. A state has a version per person: an older one
never replaces a newer one, whichever comes later.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.campaign.models import ContactNews, Member
from shared import clock
from shared.contracts.customer_query import Block, ContactState

KEEP_NEWS = timedelta(days=7)  # far longer than any transfer
_STATE = ("email", "phone", "mail_block", "phone_block")
_CATCH_UP = text("""
    UPDATE audience_member m SET contact_version = n.version, email = n.email, phone = n.phone,
        mail_block = n.mail_block, phone_block = n.phone_block
    FROM contact_news n
    WHERE m.audience_id = :audience_id AND n.customer_id = m.customer_id
        AND n.version > m.contact_version
""")


def follow(session: Session, states: list[ContactState]) -> None:
    """Keep what was heard, and apply it in every edition held, unless something newer is known."""
    if not states:
        return
    at = clock.now()
    news = insert(ContactNews).values(
        [
            {"customer_id": state.customer_id, "version": state.version, "heard_at": at}
            | {name: getattr(state, name) for name in _STATE}
            for state in sorted(states, key=lambda state: state.customer_id)  # locks in order
        ]
    )
    kept = news.on_conflict_do_update(
        index_elements=["customer_id"],
        set_={name: news.excluded[name] for name in ("version", "heard_at", *_STATE)},
        where=(ContactNews.version < news.excluded.version) & ~ContactNews.erased,
    )
    ids = session.execute(kept.returning(ContactNews.customer_id)).scalars().all()
    session.execute(
        update(Member)
        .where(
            Member.customer_id == ContactNews.customer_id,
            ContactNews.customer_id.in_(ids),
            Member.contact_version < ContactNews.version,
        )
        .values(
            contact_version=ContactNews.version,
            **{name: getattr(ContactNews, name) for name in _STATE},
        )
        .execution_options(synchronize_session=False)
    )


def catch_up(session: Session, audience_id: UUID) -> None:
    """Apply to a complete edition what was heard while it was on its way."""
    session.execute(_CATCH_UP, {"audience_id": audience_id})
    erased = select(ContactNews.customer_id).where(ContactNews.erased)
    _blank(session, Member.audience_id == audience_id, Member.customer_id.in_(erased))


def erase(session: Session, customer_ids: list[int]) -> None:
    """Blank the copies of people who asked to be forgotten; the rows still count."""
    _blank(session, Member.customer_id.in_(customer_ids))
    at = clock.now()
    rows = [
        {"customer_id": number, "version": 0, "heard_at": at, "erased": True}
        for number in sorted(customer_ids)
    ]
    if rows:
        gone = {"erased": True, "email": None, "phone": None}
        news = insert(ContactNews).values(rows)
        session.execute(news.on_conflict_do_update(index_elements=["customer_id"], set_=gone))


def _blank(session: Session, *which: ColumnElement[bool]) -> None:
    session.execute(
        update(Member)
        .where(*which)
        .values(
            cedula=func.concat("borrado-", Member.customer_id),
            first_names="",
            last_names="",
            birth_on=None,
            income=None,
            email=None,
            phone=None,
            mail_block=Block.DO_NOT_CONTACT,
            phone_block=Block.DO_NOT_CONTACT,
        )
    )


def forget_old(session: Session) -> None:
    """Drop news that every edition since knows of itself."""
    limit = clock.now() - KEEP_NEWS
    session.execute(delete(ContactNews).where(ContactNews.heard_at < limit))
