"""identity's SQL on roles."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.identity.models import (
    TODAY,
    Permission,
    Role,
    RolePermission,
    SecondFactor,
    User,
)
from shared import edits
from shared.contract import Actor
from shared.contracts import identity as contract
from shared.contracts.identity import UserPermission
from shared.errors import Conflict, Invalid, NotFound

TAKEN = "Ya hay un rol con ese código o ese nombre. Elija otro."
KEPT = "Este rol es parte del sistema y no se elimina. Puede cambiar lo que permite."
IN_USE = "Hay usuarios con este rol. Deles otro antes de eliminarlo."
OWN_FIRST = (
    "Es su propio rol: antes de exigirla, active la verificación en dos pasos en «Mi cuenta»."
)
NOBODY_LEFT = (
    "Debe quedar al menos un usuario activo y sin fecha de salida que pueda administrar usuarios."
)


def list_roles(session: Session) -> list[contract.UserRole]:
    """Those of the product first, each with what it may do and how many have it."""
    roles = session.scalars(select(Role).order_by(Role.created_at, Role.name)).all()
    shown = _shown(session, roles)
    return sorted(shown, key=lambda role: not role.builtin)


def get_role(session: Session, code: str, *, lock: bool = False) -> Role:
    """One role, the row locked when asked. Raises NotFound."""
    found = session.get(Role, code, with_for_update=lock)
    if found is None:
        raise NotFound("El rol no existe.")
    return found


def show(session: Session, role: Role) -> contract.UserRole:
    """As others may see it."""
    return _shown(session, [role])[0]


def _shown(session: Session, roles: Collection[Role]) -> list[contract.UserRole]:
    codes = [role.code for role in roles]
    users = dict(
        session.execute(
            select(User.role, func.count()).where(User.role.in_(codes)).group_by(User.role)
        ).all()
    )
    grants: dict[str, list[contract.Grant]] = {code: [] for code in codes}
    rows = select(RolePermission).where(RolePermission.role.in_(codes))
    for row in session.scalars(rows.order_by(RolePermission.permission)):
        grants[row.role].append(contract.Grant.model_validate(row))
    return [
        contract.UserRole(
            code=role.code,
            name=role.name,
            builtin=role.builtin,
            users=users.get(role.code, 0),
            grants=grants[role.code],
            requires_second_factor=role.requires_second_factor,
            version=role.version,
        )
        for role in roles
    ]


def insert_role(session: Session, new: contract.NewRole, by: str) -> Role:
    """A role of one's own. Raises Invalid."""
    _check_permissions(session, new.permissions)
    try:
        with session.begin_nested():
            values = new.model_dump(exclude={"permissions"})
            role = session.execute(insert(Role).values(values).returning(Role)).scalar_one()
    except IntegrityError:
        raise Invalid.field("code", TAKEN) from None
    _grant(session, role.code, new.permissions, by)
    return role


def set_role(session: Session, role: Role, sent: dict[str, Any], by: str) -> Role:
    """Change name, or what it may do; what stays keeps who granted it. Raises Invalid."""
    permissions = sent.pop("permissions", None)
    if permissions is not None:
        _check_permissions(session, permissions)
        had = select(RolePermission.permission).where(RolePermission.role == role.code)
        before, after = set(session.scalars(had)), set(permissions)
        _revoke(session, role.code, before - after)
        _grant(session, role.code, after - before, by)
    changed = update(Role).where(Role.code == role.code)
    values = sent | {"version": Role.version + 1} | edits.mark()
    try:
        with session.begin_nested():
            fresh = changed.values(**values).returning(Role)
            return session.execute(
                fresh, execution_options={"populate_existing": True}
            ).scalar_one()
    except IntegrityError:
        raise Invalid.field("name", TAKEN) from None


def delete_role(session: Session, role: Role) -> None:
    """A role that nobody has. Raises Conflict."""
    if role.builtin:
        raise Conflict(KEPT)
    if session.scalar(select(func.count()).where(User.role == role.code)):
        raise Conflict(IN_USE)
    session.execute(delete(RolePermission).where(RolePermission.role == role.code))
    session.execute(delete(Role).where(Role.code == role.code))


def check_administrators(session: Session) -> None:
    """Raises Conflict when nobody could administer users for good any more.

    Asked after the change, one at a time: of two who take this from each other, be it a user's
    right or a role's, the second sees what the first has done, and is refused.
    """
    row = select(Permission.code).where(Permission.code == UserPermission.WRITE)
    session.execute(row.with_for_update(key_share=True))
    may = select(RolePermission.role).where(RolePermission.permission == UserPermission.WRITE)
    left = (
        select(func.count())
        .where(User.role.in_(may), User.active, User.ends_on.is_(None))
        .where(or_(User.starts_on.is_(None), User.starts_on <= TODAY))
        .where(User.password_hash.is_not(None))
    )
    if session.execute(left).scalar_one() == 0:
        raise Conflict(NOBODY_LEFT)


def check_own_requirement(session: Session, role: Role, sent: dict[str, Any], actor: Actor) -> None:
    """Raises Conflict for who would require of the own role what he has not tried himself.

    So at least one who may administer has a telephone that works, and nobody is surprised.
    """
    if not sent.get("requires_second_factor") or role.requires_second_factor:
        return
    if actor.role == role.code and session.get(SecondFactor, actor.user_id) is None:
        raise Conflict(OWN_FIRST)


def _check_permissions(session: Session, codes: Iterable[str]) -> None:
    known = set(session.scalars(select(Permission.code)))
    if unknown := sorted(set(codes) - known):
        raise Invalid.field("permissions", f"No existe el permiso {unknown[0]}.")


def _grant(session: Session, code: str, permissions: Iterable[str], by: str) -> None:
    rows = [{"role": code, "permission": item, "granted_by": by} for item in set(permissions)]
    if rows:
        session.execute(insert(RolePermission).values(rows))


def _revoke(session: Session, code: str, permissions: Collection[str]) -> None:
    session.execute(
        delete(RolePermission).where(
            RolePermission.role == code, RolePermission.permission.in_(permissions)
        )
    )
