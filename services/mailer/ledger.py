"""mailer's SQL on the ledger: loading it, telling of it, and what people decide about it."""

from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.mailer.models import Contact, Mailing, Recipient
from shared import clock, keyset, outbox
from shared.contract import Slice
from shared.contracts import mailer as contract
from shared.contracts.campaign import RECIPIENT_COLUMNS
from shared.contracts.mailer import RecipientState
from shared.transfer import Destination

REPORT_BATCH = 500
CANCEL_BATCH = 5_000


# --- loading and preparing ---


def remove_recipients(session: Session, transfer_id: UUID) -> None:
    """Drop what a dead attempt of the exporter had sent."""
    session.execute(delete(Recipient).where(Recipient.transfer_id == transfer_id))


DESTINATION = Destination(
    table="recipient",
    columns=("transfer_id", *RECIPIENT_COLUMNS[1:]),
    remove=remove_recipients,
)

# What an audience still says of the cap is history: it is judged when the mail is about to go.
# The audience may be older than what was heard while it was on its way.
_CATCH_UP = text("""
    UPDATE recipient r SET email = s.email, held = s.mail_block, contact_version = s.version
    FROM contact_state s
    WHERE r.transfer_id = :transfer_id AND s.customer_id = r.customer_id
        AND s.version > r.contact_version
""")
_SKIP = text("""
    WITH known AS (
        SELECT r.customer_id, r.email, nullif(r.held, 'over_cap') AS held, s.mail_block,
            coalesce(s.unsubscribed, false) AS unsubscribed
        FROM recipient r LEFT JOIN contact_state s USING (customer_id)
        WHERE r.transfer_id = :transfer_id
    ), judged AS (
        SELECT customer_id,
            CASE
                WHEN unsubscribed THEN 'unsubscribed'
                WHEN mail_block IS NOT NULL THEN mail_block
                WHEN held IS NOT NULL THEN held
                WHEN email IS NULL THEN 'no_address'
                WHEN row_number() OVER (
                    PARTITION BY lower(email), held IS NOT NULL,
                        mail_block IS NOT NULL OR unsubscribed
                    ORDER BY customer_id
                ) > 1 THEN 'duplicate'
            END AS reason
        FROM known
    )
    UPDATE recipient r SET state = 'skipped', reason = j.reason, at = :now
    FROM judged j
    WHERE r.transfer_id = :transfer_id AND r.customer_id = j.customer_id
        AND j.reason IS NOT NULL AND r.state = 'pending'
""")


def skip_unreachable(session: Session, transfer_id: UUID) -> None:
    """Skip, with the reason, who may not be mailed and who shares an address with another.

    Statistics first: the planner takes a run it has never heard of for a handful of rows, and
    joins it row by row (20,000 people: minutes instead of a moment).
    """
    session.execute(text("SELECT take_statistics('recipient')"))
    session.execute(_CATCH_UP, {"transfer_id": transfer_id})
    session.execute(_SKIP, {"transfer_id": transfer_id, "now": clock.now()})


# --- reporting ---

_UNREPORTED = text("""
    UPDATE recipient SET reported = true
    WHERE transfer_id = :transfer_id AND customer_id IN (
        SELECT customer_id FROM recipient
        WHERE transfer_id = :transfer_id AND NOT reported AND state NOT IN ('pending', 'sending')
        LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    RETURNING customer_id, state, reason, at
""")


def report(session: Session, mailing: Mailing) -> int:
    """Tell the other rooms of up to 500 rows that became final; returns how many.

    Which ones is read from the ledger itself, so a crash between sending and telling loses none.
    """
    values = {"transfer_id": mailing.transfer_id, "limit": REPORT_BATCH}
    outcomes = [
        contract.Outcome.model_validate(dict(row))
        for row in session.execute(_UNREPORTED, values).mappings()
    ]
    if not outcomes:
        return 0
    _note_contacts(session, outcomes)
    outbox.add(
        session,
        contract.MailingProgressed(
            mailing_id=mailing.id,
            campaign_id=mailing.campaign_id,
            campaign_name=mailing.campaign_name,
            subject=mailing.subject,
            outcomes=outcomes,
        ),
    )
    return len(outcomes)


def _note_contacts(session: Session, outcomes: list[contract.Outcome]) -> None:
    sent = [
        {"customer_id": item.customer_id, "at": item.at}
        for item in outcomes
        if item.state is RecipientState.SENT
    ]
    if sent:
        session.execute(insert(Contact).on_conflict_do_nothing(), sent)


# --- what people decide ---

_CANCEL = text("""
    UPDATE recipient SET state = 'cancelled', reason = NULL, retry_at = NULL, at = :now,
        claimed_by = NULL
    WHERE transfer_id = :transfer_id AND state = 'pending' AND customer_id IN (
        SELECT customer_id FROM recipient
        WHERE transfer_id = :transfer_id AND state = 'pending' LIMIT :limit FOR UPDATE
    )
""")


def cancel_pending(session: Session, transfer_id: UUID) -> int:
    """Cancel a batch of what is pending in a cancelled run; returns how many."""
    values = {"transfer_id": transfer_id, "now": clock.now(), "limit": CANCEL_BATCH}
    return cast(CursorResult[Any], session.execute(_CANCEL, values)).rowcount


def retry(session: Session, transfer_id: UUID, states: list[RecipientState]) -> int:
    """Make rows in these states pending again, with fresh attempts; returns how many."""
    result = session.execute(
        update(Recipient)
        .where(Recipient.transfer_id == transfer_id, Recipient.state.in_(states))
        .values(
            state=RecipientState.PENDING,
            reason=None,
            attempt=0,
            retry_at=None,
            reported=False,
        )
    )
    return cast(CursorResult[Any], result).rowcount


def find_recipient(session: Session, transfer_id: UUID, customer_id: int) -> Recipient | None:
    """One row."""
    return session.get(Recipient, (transfer_id, customer_id))


def list_recipients(
    session: Session,
    transfer_id: UUID,
    state: RecipientState | None,
    after: str | None,
    limit: int,
) -> Slice[Recipient]:
    """By customer, the order of the primary key and of the partial indexes."""
    query = select(Recipient).where(Recipient.transfer_id == transfer_id)
    if state is not None:
        query = query.where(Recipient.state == state)
    return keyset.fetch(session, query, [Recipient.customer_id], after, limit)
