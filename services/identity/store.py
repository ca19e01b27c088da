"""identity's SQL."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import SQLColumnExpression, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, undefer_group

from services.identity.models import PasswordLink, Role, RolePermission, User
from shared import clock, edits, keyset, search
from shared.contract import Slice
from shared.contracts import identity as contract
from shared.errors import Invalid, NotFound
from shared.keyset import Asked

IS_OPEN = PasswordLink.used_at.is_(None) & PasswordLink.voided_at.is_(None)
_VOIDS_LINKS = {"password_hash", "email", "active", "ends_on"}  # when another is set
_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_CALLED = func.concat_ws(" ", User.full_name, User.username, User.email)
_MAIL_INDEX = "ix_user_account_email"


def get_user(session: Session, user_id: int, *, lock: bool = False) -> User:
    """One user, the row locked when asked. Raises NotFound."""
    user = session.get(User, user_id, with_for_update=lock)
    if user is None:
        raise NotFound("El usuario no existe.")
    return user


def name_user(session: Session, user_id: int) -> str:
    """As people call a user; of one who is none, the number."""
    user = session.get(User, user_id)
    return user.full_name if user else f"n.º {user_id}"


def find_user_locked(session: Session, user_id: int) -> User | None:
    """The user of that id, the row locked."""
    return session.get(User, user_id, with_for_update=True)


def find_user(session: Session, username: str) -> User | None:
    """The user of that name, active or not."""
    return session.execute(select(User).where(User.username == username)).scalar_one_or_none()


def find_addressee(session: Session, who: str) -> User | None:
    """The user of that username or, of the active ones, of that mail address."""
    if "@" not in who:  # no username has one
        return find_user(session, who)
    theirs = select(User).where(func.lower(User.email) == who.lower(), User.active)
    return session.execute(theirs).scalar_one_or_none()


_ORDERS: dict[str, SQLColumnExpression[Any]] = {
    "username": User.username,
    "full_name": User.full_name,
    "role": User.role,
    "last_login_at": func.coalesce(User.last_login_at, _NEVER),
    "starts_on": func.coalesce(User.starts_on, date.min),
    "ends_on": func.coalesce(User.ends_on, date.max),
}


@dataclass(frozen=True)
class Wanted:
    """Which users a list is of."""

    role: str | None = None
    permission: str | None = None
    text: str | None = None
    active: bool | None = None


def list_users(session: Session, wanted: Wanted, asked: Asked) -> Slice[User]:
    """With what lists show of them."""
    query = select(User).options(undefer_group("shown"))
    if wanted.role is not None:
        query = query.where(User.role == wanted.role)
    if wanted.permission is not None:
        may = select(RolePermission.role).where(RolePermission.permission == wanted.permission)
        query = query.where(User.role.in_(may))
    if wanted.active is not None:
        query = query.where(User.active.is_(wanted.active))
    query = query.where(*search.holds(_CALLED, wanted.text))
    return keyset.fetch_asked(session, query, _ORDERS, User.username, asked)


def insert_user(session: Session, new: contract.NewUser, password_hash: str | None) -> User:
    """A new, active user. Raises Invalid when name or address are taken, or there is no such role.

    Without a password the user is invited to choose one.
    """
    check_role(session, new.role)
    values = new.model_dump(exclude={"password"}) | {"password_hash": password_hash}
    try:
        return session.execute(insert(User).values(values).returning(User)).scalar_one()
    except IntegrityError as error:
        _refuse_shared_mail(error)
        raise Invalid.field("username", "Ya hay un usuario con ese nombre. Elija otro.") from None


def set_user(session: Session, user_id: int, values: dict[str, Any]) -> User:
    """Change columns of a user; links to choose a password end with what they were sent for.

    Raises Invalid when another active user has the mail address.
    """
    changed = update(User).where(User.id == user_id)
    changed = changed.values(version=User.version + 1, **edits.mark(), **values)
    try:
        user = session.execute(
            changed.returning(User).execution_options(populate_existing=True)
        ).scalar_one()
    except IntegrityError as error:
        _refuse_shared_mail(error)
        raise
    if values.keys() & _VOIDS_LINKS:
        void_links(session, user_id)
    return user


def void_links(session: Session, user_id: int, *, but: int = 0) -> None:
    """End what is open of a user's links to choose a password; the user's row is locked."""
    theirs = update(PasswordLink).where(PasswordLink.user_id == user_id, PasswordLink.id != but)
    session.execute(theirs.where(IS_OPEN).values(voided_at=clock.now()))


def _refuse_shared_mail(error: IntegrityError) -> None:
    if _MAIL_INDEX in str(error.orig):
        text = "Otro usuario activo tiene este correo. Escriba otro."
        raise Invalid.field("email", text) from None


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
