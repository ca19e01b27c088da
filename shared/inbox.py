"""Acting once on an event that may be delivered more than once."""

from uuid import UUID

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.tables import Inbox

KEEP_DAYS = 30


def accept(session: Session, event_id: UUID, handler: str) -> bool:
    """Record that `handler` acts on the event in this transaction; False when it did before.

    Two deliveries at once: the second waits here for the first one's transaction.
    """
    row = insert(Inbox).values(event_id=event_id, handler=handler).on_conflict_do_nothing()
    return session.execute(row.returning(Inbox.event_id)).first() is not None


def forget_old(session: Session) -> None:
    """Drop records older than any redelivery can be."""
    age = func.make_interval(0, 0, 0, KEEP_DAYS)
    session.execute(delete(Inbox).where(Inbox.handled_at < func.now() - age))
