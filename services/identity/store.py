"""identity's SQL."""

from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.identity.models import User
from shared import clock, edits, keyset
from shared.contract import Slice
from shared.contracts import identity as contract
from shared.errors import Invalid, NotFound


def get_user(session: Session, user_id: int, *, lock: bool = False) -> User:
    """One user, the row locked when asked. Raises NotFound."""
    user = session.get(User, user_id, with_for_update=lock)
    if user is None:
        raise NotFound("El usuario no existe.")
    return user


def find_user(session: Session, username: str) -> User | None:
    """The user of that name, active or not."""
    return session.execute(select(User).where(User.username == username)).scalar_one_or_none()


def list_users(session: Session, role: str | None, after: str | None, limit: int) -> Slice[User]:
    """By username."""
    query = select(User)
    if role is not None:
        query = query.where(User.role == role)
    return keyset.fetch(session, query, [User.username], after, limit)


def insert_user(session: Session, new: contract.NewUser, password_hash: str) -> User:
    """A new, active user. Raises Invalid when the username is taken."""
    values = new.model_dump(exclude={"password"}) | {"password_hash": password_hash}
    try:
        return session.execute(insert(User).values(values).returning(User)).scalar_one()
    except IntegrityError:
        raise Invalid.field("username", "Ya hay un usuario con ese nombre. Elija otro.") from None


def set_user(session: Session, user_id: int, values: dict[str, Any]) -> User:
    """Change columns of a user."""
    return session.execute(
        update(User)
        .where(User.id == user_id)
        .values(version=User.version + 1, **edits.mark(), **values)
        .returning(User)
        .execution_options(populate_existing=True)
    ).scalar_one()


def set_logged_in(session: Session, user_id: int) -> None:
    """Note the log-in's time."""
    session.execute(update(User).where(User.id == user_id).values(last_login_at=clock.now()))


def count_active_admins(session: Session) -> int:
    """Administrators who can log in, their rows locked so that two cannot leave at once."""
    locked = (
        select(User.id).where(User.role == contract.Role.ADMIN, User.active).with_for_update()
    ).cte()
    return session.execute(select(func.count()).select_from(locked)).scalar_one()
