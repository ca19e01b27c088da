"""The five roles that come with the product, and what they may do at first."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.identity.models import Permission, Role, RolePermission
from shared.permissions import Role as BuiltinRole
from shared.permissions import list_permissions

BY = "Pregón"  # who granted what came with the product


def settle(session: Session) -> None:
    """Bring roles up to date with the program: run after each migration, again to no effect.

    A permission that the database has not heard of goes to the roles that it comes with. One it
    knows stays where people have put it.
    """
    roles = [{"code": role.value, "name": role.word} for role in BuiltinRole]
    session.execute(insert(Role).values(roles).on_conflict_do_nothing())
    known = set(session.scalars(select(Permission.code)))
    new = [item for item in list_permissions() if item.value not in known]
    if not new:
        return
    session.execute(insert(Permission).values([{"code": item.value} for item in new]))
    grants = [
        {"role": role.value, "permission": item.value, "granted_by": BY}
        for item in new
        for role in item.roles
    ]
    if grants:
        session.execute(insert(RolePermission).values(grants))
