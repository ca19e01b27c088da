"""campaign's SQL on what other rooms report: calls, mails, touches."""

from typing import Any

from sqlalchemy import or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.campaign.models import CallFact, MailFact, MailingFact, Touch
from shared.contracts.mailer import MailingChanged, MailingProgressed, RecipientState
from shared.contracts.telemarketing import CallRecorded


def record_call(session: Session, call: CallRecorded) -> None:
    """A call and what it means for the person."""
    session.execute(
        insert(CallFact)
        .values(call.model_dump(include=set(CallFact.__table__.columns.keys())))
        .on_conflict_do_nothing()
    )
    _touch(
        session,
        [
            {
                "campaign_id": call.campaign_id,
                "customer_id": call.customer_id,
                "contacted": call.contacted,
                "accepted": call.success,
            }
        ],
    )


def record_mailing(session: Session, mailing: MailingChanged) -> None:
    """A run and its target, unless something newer is known of it."""
    statement = insert(MailingFact).values(mailing.model_dump(exclude={"state"}))
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["mailing_id"],
            set_={name: statement.excluded[name] for name in ("target", "version")},
            where=MailingFact.version < statement.excluded.version,
        )
    )


def record_outcomes(session: Session, progress: MailingProgressed) -> None:
    """A batch of mails; a retried one replaces its earlier outcome unless it comes late."""
    common = {"mailing_id": progress.mailing_id, "campaign_id": progress.campaign_id}
    statement = insert(MailFact).values([common | item.model_dump() for item in progress.outcomes])
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["mailing_id", "customer_id"],
            set_={name: statement.excluded[name] for name in ("state", "reason", "at")},
            where=MailFact.at <= statement.excluded.at,
        )
    )
    sent = [item for item in progress.outcomes if item.state is RecipientState.SENT]
    _touch(
        session,
        [
            {
                "campaign_id": progress.campaign_id,
                "customer_id": item.customer_id,
                "contacted": True,
                "accepted": False,
            }
            for item in sent
        ],
    )


def record_unsubscription(session: Session, mailing_id: int, customer_id: int) -> None:
    """A person followed a mail's unsubscribe link."""
    session.execute(
        update(MailFact)
        .filter_by(mailing_id=mailing_id, customer_id=customer_id)
        .values(unsubscribed=True)
    )


def _touch(session: Session, rows: list[dict[str, Any]]) -> None:
    """Add to what is known of each person in the campaign; nothing is ever taken back."""
    if not rows:
        return
    statement = insert(Touch).values(rows)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["campaign_id", "customer_id"],
            set_={
                "contacted": or_(Touch.contacted, statement.excluded.contacted),
                "accepted": or_(Touch.accepted, statement.excluded.accepted),
            },
        )
    )
