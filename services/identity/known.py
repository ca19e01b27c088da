"""Who asks, with all that a request is judged by: one statement, as it is asked each time."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Select, Text, bindparam, func, select
from sqlalchemy.orm import Session, aliased

from services.identity.models import IS_MEMBER, Member, Role, RolePermission, Team, User
from services.identity.notices import unread_of
from shared.contract import Actor
from shared.contracts.identity import UserState


@dataclass(frozen=True)
class Known:
    """A user as of this moment."""

    actor: Actor
    state: UserState
    role_name: str
    unread: int  # notices


def find_known(session: Session, user_id: int) -> Known | None:
    """A user as rooms will know them; None for one who is not there (any more)."""
    row = session.execute(_STATEMENT, {"user_id": user_id}).one_or_none()
    return to_known(row) if row is not None else None


def to_known(row: Any) -> Known:
    """A row of `select_known`, whatever else it holds."""
    user, role_name, permissions, team, unread, *_ = row
    actor = Actor(
        user_id=user.id,
        username=user.username,
        full_name=user.full_name,
        role=user.role,
        permissions=frozenset(permissions),
        team=frozenset(team),
    )
    return Known(actor, user.state, role_name, unread)


def select_known() -> Select[User, str, Any, Any, Any]:
    """Each part by an index of its own; none grows with anything but the user's own."""
    led = aliased(User)
    may = select(RolePermission.permission).where(RolePermission.role == User.role)
    leads = (
        select(led.username)
        .join(Member, Member.user_id == led.id)
        .join(Team, Team.id == Member.team_id)
        .where(Team.supervisor_id == User.id, Team.active, IS_MEMBER)
    )
    unread = unread_of(User.id).scalar_subquery()
    query = select(User, Role.name, _array(may), _array(leads), unread)
    return query.join(Role, Role.code == User.role)


def _array(values: Select[Any]) -> Any:
    return func.array(values.scalar_subquery(), type_=ARRAY(Text))


_STATEMENT = select_known().where(User.id == bindparam("user_id"))
