"""mailer's SQL on how a sender moves the rows of the ledger.

A sender claims rows (they stay `pending`, in its name), marks each `sending` just before it talks
to the mail server, and writes the outcome with the mark of the next. Every change is guarded by
the claim, so a sender that was given up for dead changes nothing any more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.mailer.models import Recipient, Sender
from shared import clock
from shared.contracts.mailer import RecipientState
from shared.settings import settings

LEASE = timedelta(seconds=30)  # of a sender that says nothing


_CLAIM = text("""
    WITH picked AS (
        SELECT customer_id FROM recipient
        WHERE transfer_id = :transfer_id AND state = 'pending' AND claimed_by IS NULL
            AND (retry_at IS NULL OR retry_at <= :now)
        ORDER BY customer_id LIMIT :limit FOR UPDATE SKIP LOCKED
    ), judged AS (
        SELECT p.customer_id,
            CASE
                WHEN s.unsubscribed THEN 'unsubscribed'
                WHEN s.mail_block IS NOT NULL THEN s.mail_block
                WHEN (
                    SELECT count(*) FROM contact c
                    WHERE c.customer_id = p.customer_id AND c.at > :cap_from
                ) >= :cap THEN 'over_cap'
            END AS reason
        FROM picked p LEFT JOIN contact_state s USING (customer_id)
    )
    UPDATE recipient r SET
        reason = j.reason, retry_at = NULL,
        state = CASE WHEN j.reason IS NULL THEN 'pending' ELSE 'skipped' END,
        claimed_by = CASE WHEN j.reason IS NULL THEN CAST(:sender_id AS uuid) END,
        at = CASE WHEN j.reason IS NULL THEN NULL ELSE CAST(:now AS timestamptz) END
    FROM judged j
    WHERE r.transfer_id = :transfer_id AND r.customer_id = j.customer_id
    RETURNING r.*
""")


@dataclass(frozen=True)
class Claim:
    """What a sender got: rows of its own, and how many it looked at (0: none are left)."""

    rows: Sequence[Row[Any]]
    seen: int


def claim(session: Session, transfer_id: UUID, sender_id: UUID, limit: int) -> Claim:
    """Take the next rows, by customer, and skip those who may not be mailed any more.

    Suppression and the contact cap are looked up in the same statement; rows that another sender
    is taking are passed over, not waited for.
    """
    now = clock.now()
    values = {
        "transfer_id": transfer_id,
        "sender_id": sender_id,
        "limit": limit,
        "now": now,
        "cap": settings().contact_cap,
        "cap_from": now - timedelta(days=settings().contact_cap_days),
    }
    rows = session.execute(_CLAIM, values).all()
    mine = sorted((row for row in rows if row.claimed_by), key=lambda row: row.customer_id)
    return Claim(mine, len(rows))


@dataclass(frozen=True)
class Outcome:
    """What became of a row that was `sending`; `retry_at` only where it is pending again."""

    customer_id: int
    state: RecipientState
    reason: str | None
    at: datetime
    retry_at: datetime | None = None


_OUTCOME = """
    UPDATE recipient SET state = :state, reason = :reason, at = :at, retry_at = :retry_at,
        claimed_by = NULL
    WHERE transfer_id = :transfer_id AND customer_id = :customer_id AND claimed_by = :sender_id
        AND state = 'sending'
"""
_MARK = """
    UPDATE recipient SET state = 'sending', attempt = attempt + 1
    WHERE transfer_id = :transfer_id AND customer_id = :next_id AND claimed_by = :sender_id
        AND state = 'pending'
        AND EXISTS (
            SELECT FROM mailing WHERE mailing.transfer_id = :transfer_id AND state = 'sending'
        )
    RETURNING email
"""
_MARK_NEXT = text(_MARK)
_SET_OUTCOME = text(_OUTCOME)
_SET_OUTCOME_AND_MARK_NEXT = text(f"WITH done AS ({_OUTCOME}) {_MARK}")


def mark(
    connection: Connection,
    transfer_id: UUID,
    sender_id: UUID,
    done: Outcome | None,
    next_id: int | None,
) -> str | None:
    """Write the outcome of one mail and mark the next `sending`, in one statement that commits.

    Returns the next one's address; None when it may not be sent: the run is not sending any more,
    or this row is not the sender's.
    """
    values: dict[str, Any] = {"transfer_id": transfer_id, "sender_id": sender_id}
    if done is not None:
        values |= done.__dict__
    if next_id is None:
        connection.execute(_SET_OUTCOME, values)
        return None
    statement = _MARK_NEXT if done is None else _SET_OUTCOME_AND_MARK_NEXT
    address: str | None = connection.execute(statement, values | {"next_id": next_id}).scalar()
    return address


def settle(
    session: Session, transfer_id: UUID, sender_id: UUID, outcomes: Iterable[Outcome]
) -> None:
    """Make sure of outcomes the database may have lost in a crash of its own.

    Rows of the sender without an outcome were not sent: they go back.
    """
    for outcome in outcomes:
        session.execute(
            update(Recipient)
            .where(
                Recipient.transfer_id == transfer_id,
                Recipient.customer_id == outcome.customer_id,
                Recipient.claimed_by == sender_id,
            )
            .values(
                state=outcome.state,
                reason=outcome.reason,
                at=outcome.at,
                retry_at=outcome.retry_at,
                claimed_by=None,
            )
        )
    release(session, sender_id)


def release(session: Session, sender_id: UUID) -> None:
    """Give back what the sender has claimed and not sent."""
    session.execute(
        update(Recipient)
        .where(
            Recipient.claimed_by == sender_id,
            Recipient.state.in_([RecipientState.PENDING, RecipientState.SENDING]),
        )
        .values(state=RecipientState.PENDING, claimed_by=None)
    )


# --- senders ---


def begin_claim(session: Session, transfer_id: UUID, sender_id: UUID) -> None:
    """Announce a sender, or that it claims anew."""
    now = clock.now()
    values = {"claimed_at": now, "alive_until": now + LEASE}
    row = insert(Sender).values(id=sender_id, transfer_id=transfer_id, **values)
    session.execute(row.on_conflict_do_update(index_elements=["id"], set_=values))


def keep_alive(session: Session, sender_id: UUID) -> None:
    """Say that the sender still works on its claim."""
    session.execute(
        update(Sender).where(Sender.id == sender_id).values(alive_until=clock.now() + LEASE)
    )


def end_sender(session: Session, sender_id: UUID) -> None:
    """The sender has nothing claimed any more."""
    session.execute(delete(Sender).where(Sender.id == sender_id))


def count_alive(session: Session, transfer_id: UUID) -> int:
    """Senders at work on a run."""
    query = select(Sender.id).where(
        Sender.transfer_id == transfer_id, Sender.alive_until > clock.now()
    )
    return len(session.execute(query).all())


# The marks of a claim are written without waiting for the disk. While PostgreSQL has run on since
# the claim they are all there; after a restart of its own the last ones may be missing, so then
# nothing of the claim is known for sure.
_JUDGE_DEAD = text("""
    UPDATE recipient r SET
        claimed_by = NULL,
        state = CASE WHEN r.state = 'sending' OR s.claimed_at < pg_postmaster_start_time()
            THEN 'doubtful' ELSE 'pending' END,
        at = CASE WHEN r.state = 'sending' OR s.claimed_at < pg_postmaster_start_time()
            THEN CAST(:now AS timestamptz) ELSE r.at END
    FROM sender s
    WHERE r.claimed_by = s.id AND s.id = :sender_id
""")


def bury_dead_senders(session: Session) -> list[UUID]:
    """Their mail in flight becomes doubtful, the rest of their claims goes back.

    Returns the runs concerned.
    """
    now = clock.now()
    dead = select(Sender).where(Sender.alive_until <= now).with_for_update(skip_locked=True)
    runs: list[UUID] = []
    for sender in session.execute(dead).scalars().all():
        session.execute(_JUDGE_DEAD, {"sender_id": sender.id, "now": now})
        runs.append(sender.transfer_id)
        session.delete(sender)
    return runs


def has_work(session: Session, transfer_id: UUID) -> bool:
    """Whether a row waits to be claimed now."""
    query = select(Recipient.customer_id).where(
        Recipient.transfer_id == transfer_id,
        Recipient.state == RecipientState.PENDING,
        Recipient.claimed_by.is_(None),
        or_(Recipient.retry_at.is_(None), Recipient.retry_at <= clock.now()),
    )
    return session.execute(query.limit(1)).first() is not None
