"""identity's SQL."""

from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, undefer_group

from services.identity.models import Role, RolePermission, User
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


def list_users(
    session: Session, role: str | None, permission: str | None, after: str | None, limit: int
) -> Slice[User]:
    """By username."""
    query = select(User).options(undefer_group("shown"))
    if role is not None:
        query = query.where(User.role == role)
    if permission is not None:
        may = select(RolePermission.role).where(RolePermission.permission == permission)
        query = query.where(User.role.in_(may))
    return keyset.fetch(session, query, [User.username], after, limit)


def insert_user(session: Session, new: contract.NewUser, password_hash: str) -> User:
    """A new, active user. Raises Invalid when the username is taken or there is no such role."""
    check_role(session, new.role)
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


def get_role_of(session: Session, user_id: int) -> Role:
    """The role of a user who is there."""
    return session.execute(
        select(Role).join(User, User.role == Role.code).where(User.id == user_id)
    ).scalar_one()


def check_role(session: Session, code: str) -> None:
    """It stays until the transaction ends. Raises Invalid when there is none of that code."""
    if session.get(Role, code, with_for_update={"read": True, "key_share": True}) is None:
        raise Invalid.field("role", "Este rol no existe. Elija otro.")


def set_logged_in(session: Session, user_id: int) -> None:
    """Note the log-in's time."""
    session.execute(update(User).where(User.id == user_id).values(last_login_at=clock.now()))
