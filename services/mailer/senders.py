"""mailer's SQL on senders: that they live, what they leave behind, and what a crash leaves.

The marks of a sender do not wait for the disk; every `REACH` of them one does. While PostgreSQL
has run on since the sender began, they are all there. After a crash of its own the last ones may
be missing; that it crashed is known by the sender's row in `witness`, an unlogged table.
"""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from services.mailer.claims import Outcome
from services.mailer.models import Recipient, Sender, Witness
from shared import clock
from shared.contracts.mailer import RecipientState

LEASE = timedelta(seconds=45)  # of a sender that says nothing
BEAT_SECONDS = 15.0  # it says so also while the mail server takes its time


class CrashedError(Exception):
    """PostgreSQL crashed since the sender began: its last marks may be lost."""


class GoneError(Exception):
    """The sender was given up for dead; what it had claimed has been judged."""


def begin(session: Session, transfer_id: UUID, sender_id: UUID) -> None:
    """Announce a sender."""
    values = {"transfer_id": transfer_id, "alive_until": clock.now() + LEASE}
    session.execute(insert(Sender).values(id=sender_id, **values))
    session.execute(insert(Witness).values(sender_id=sender_id))


def renew(session: Session, sender_id: UUID) -> None:
    """Say that nothing of what will be claimed is begun. Raises CrashedError, GoneError.

    Rows of the claim before that were left alone, as their person was reached elsewhere, go back.
    """
    _check(session, sender_id)
    release(session, sender_id)
    session.execute(
        update(Sender)
        .where(Sender.id == sender_id)
        .values(begun=None, alive_until=clock.now() + LEASE)
    )


def keep_alive(session: Session, sender_id: UUID) -> None:
    """Say that the sender still works on its claim."""
    session.execute(
        update(Sender).where(Sender.id == sender_id).values(alive_until=clock.now() + LEASE)
    )


def end(session: Session, sender_id: UUID) -> None:
    """Give back what was claimed and not begun; all else is marked.

    Raises CrashedError, GoneError.
    """
    _check(session, sender_id)
    release(session, sender_id)
    _remove(session, sender_id)


def settle(
    session: Session, transfer_id: UUID, sender_id: UUID, outcomes: Iterable[Outcome]
) -> None:
    """End a sender that knows better than the database may, after a crash, what it did.

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
                attempt=outcome.attempt,
                claimed_by=None,
            )
        )
    release(session, sender_id)
    _remove(session, sender_id)


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


def count_alive(session: Session, transfer_id: UUID) -> int:
    """Senders at work on a run."""
    query = select(Sender.id).where(
        Sender.transfer_id == transfer_id, Sender.alive_until > clock.now()
    )
    return len(session.execute(query).all())


# `pending` rows that the sender may have begun, had its mark not been lost in a crash, are as
# doubtful as the one that is `sending`. They are no more than a REACH.
_JUDGE_DEAD = text("""
    WITH dead AS (
        SELECT s.id, CASE WHEN w.sender_id IS NULL THEN coalesce(s.begun, '{}') ELSE '{}' END
            AS begun
        FROM sender s LEFT JOIN witness w ON w.sender_id = s.id
        WHERE s.id = :sender_id
    ), judged AS (
        SELECT r.transfer_id, r.customer_id,
            r.state = 'sending' OR r.customer_id = ANY(d.begun) AS doubtful
        FROM recipient r JOIN dead d ON r.claimed_by = d.id
    )
    UPDATE recipient r SET
        claimed_by = NULL,
        state = CASE WHEN j.doubtful THEN 'doubtful' ELSE 'pending' END,
        reason = CASE WHEN j.doubtful THEN NULL ELSE r.reason END,
        at = CASE WHEN j.doubtful THEN CAST(:now AS timestamptz) ELSE r.at END
    FROM judged j
    WHERE r.transfer_id = j.transfer_id AND r.customer_id = j.customer_id
""")


def bury_dead(session: Session) -> list[UUID]:
    """The mail in flight of senders that fell silent becomes doubtful, the rest goes back.

    Returns the runs concerned.
    """
    now = clock.now()
    dead = select(Sender).where(Sender.alive_until <= now).with_for_update(skip_locked=True)
    runs: list[UUID] = []
    for sender in session.execute(dead).scalars().all():
        session.execute(_JUDGE_DEAD, {"sender_id": sender.id, "now": now})
        runs.append(sender.transfer_id)
        _remove(session, sender.id)
    return runs


def _check(session: Session, sender_id: UUID) -> None:
    query = select(Sender.id, Witness.sender_id).join_from(
        Sender, Witness, Witness.sender_id == Sender.id, isouter=True
    )
    found = session.execute(query.where(Sender.id == sender_id)).first()
    if found is None:
        raise GoneError
    if found.sender_id is None:
        raise CrashedError


def _remove(session: Session, sender_id: UUID) -> None:
    session.execute(delete(Sender).where(Sender.id == sender_id))
    session.execute(delete(Witness).where(Witness.sender_id == sender_id))
