"""identity's SQL on notices."""

from datetime import timedelta

from sqlalchemy import Select, SQLColumnExpression, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.identity.models import Notice, User
from shared import clock, keyset
from shared.contract import Slice
from shared.contracts import identity as contract
from shared.errors import NotFound

KEPT = timedelta(days=90)


def insert_notices(session: Session, event: contract.NoticeRequested) -> list[str]:
    """A notice to each user it is for; who was told before for this reference is left out.

    Returns the usernames of those who are told.
    """
    people = session.execute(
        select(User.id, User.username).where(
            User.active, or_(User.username.in_(event.usernames), User.role == event.role)
        )
    ).all()
    if not people:
        return []
    told = event.model_dump(include={"reference", "title", "detail", "link"})
    rows = insert(Notice).values([told | {"user_id": user_id} for user_id, _ in people])
    added = rows.on_conflict_do_nothing().returning(Notice.user_id)
    ids = set(session.execute(added).scalars())
    return [username for user_id, username in people if user_id in ids]


def list_notices(session: Session, user_id: int, after: str | None, limit: int) -> Slice[Notice]:
    """Newest first."""
    query = select(Notice).filter_by(user_id=user_id)
    return keyset.fetch(session, query, [Notice.id.desc()], after, limit)


def unread_of(user_id: SQLColumnExpression[int]) -> Select[int]:
    """How many a user has not seen, by an index of just these: part of another statement."""
    return select(func.count()).where(Notice.user_id == user_id, Notice.read_at.is_(None))


def get_notice(session: Session, user_id: int, notice_id: int) -> Notice:
    """One of the user's. Raises NotFound, also for another's."""
    found = session.get(Notice, notice_id)
    if found is None or found.user_id != user_id:
        raise NotFound("El aviso no existe.")
    return found


def set_read(session: Session, user_id: int, notice_id: int | None = None) -> bool:
    """One notice, or all, are read; whether any was not."""
    change = update(Notice).where(Notice.user_id == user_id, Notice.read_at.is_(None))
    if notice_id is not None:
        change = change.where(Notice.id == notice_id)
    changed = session.execute(change.values(read_at=clock.now()).returning(Notice.id))
    return changed.first() is not None


def forget_old(session: Session) -> None:
    """Drop what nobody looks for any more."""
    session.execute(delete(Notice).where(Notice.created_at < clock.now() - KEPT))
