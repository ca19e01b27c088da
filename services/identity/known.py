"""Who asks, with all that a request is judged by: one statement, as it is asked each time."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Select, Text, bindparam, func, select
from sqlalchemy.orm import Session, aliased, undefer

from services.identity.models import (
    IS_MEMBER,
    Member,
    Role,
    RolePermission,
    SecondFactor,
    Team,
    User,
)
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
    version: int  # of the user
    second_factor: bool = False
    restricted: bool = False  # the role requires a second factor, and there is none


def find_known(session: Session, user_id: int) -> Known | None:
    """A user as rooms will know them; None for one who is not there (any more).

    Who has to set up a second factor yet may do nothing, whoever asks in that name.
    """
    row = session.execute(_STATEMENT, {"user_id": user_id}).one_or_none()
    return to_known(row) if row is not None else None


def to_known(row: Any) -> Known:
    """A row of `select_known`, whatever else it holds."""
    user, role_name, required, has, permissions, team, unread, *_ = row
    restricted = required and not has
    actor = Actor(
        user_id=user.id,
        username=user.username,
        full_name=user.full_name,
        role=user.role,
        permissions=frozenset() if restricted else frozenset(permissions),
        team=frozenset() if restricted else frozenset(team),
    )
    return Known(actor, user.state, role_name, unread, user.version, has, restricted)


def select_known() -> Select[User, str, bool, bool, Any, Any, Any]:
    """Each part by an index of its own; none grows with anything but the user's own."""
    led = aliased(User)
    may = select(RolePermission.permission).where(RolePermission.role == User.role)
    leads = (
        select(led.username)
        .join(Member, Member.user_id == led.id)
        .join(Team, Team.id == Member.team_id)
        .where(Team.supervisor_id == User.id, Team.active, IS_MEMBER)
    )
    has = select(SecondFactor.user_id).where(SecondFactor.user_id == User.id).exists()
    role = (Role.name, Role.requires_second_factor)
    unread = unread_of(User.id).scalar_subquery()
    query = select(User, *role, has, _array(may), _array(leads), unread)
    shown = undefer(User.provider_account)  # by it who has no password has a way in
    return query.join(Role, Role.code == User.role).options(shown)


def _array(values: Select[Any]) -> Any:
    return func.array(values.scalar_subquery(), type_=ARRAY(Text))


_STATEMENT = select_known().where(User.id == bindparam("user_id"))
