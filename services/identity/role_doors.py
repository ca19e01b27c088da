"""The doors of identity for roles."""

from sqlalchemy.orm import Session

from services.identity import roles
from shared import audit, edits, trace
from shared.contracts import identity as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.room import Room
from shared.rpc import command, query


class RoleDoors(Room):
    """What users of a kind may do; whoever is logged in may do it from the next request on."""

    @query(contract.list_roles)
    def list_roles(self, session: Session) -> list[contract.UserRole]:
        return roles.list_roles(session)

    @query(contract.get_role)
    def get_role(self, session: Session, code: str) -> contract.UserRole:
        return roles.show(session, roles.get_role(session, code))

    @command(contract.create_role)
    def create_role(self, session: Session, new: contract.NewRole) -> contract.UserRole:
        role = roles.insert_role(session, new, trace.actor().full_name)
        made = new.model_dump(mode="json")
        audit.record(session, AuditAction.CREATED, AuditKind.ROLE, role.code, after=made)
        return roles.show(session, role)

    @command(contract.update_role)
    def update_role(
        self, session: Session, code: str, change: contract.RoleChange
    ) -> contract.UserRole:
        role = roles.get_role(session, code, lock=True)
        edits.refuse_stale(change.version, role, thing="este rol", again="abrirlo")
        if sent := change.sent():
            roles.check_own_requirement(session, role, sent, trace.actor())
            before = roles.show(session, role).model_dump()
            role = roles.set_role(session, role, sent, trace.actor().full_name)
            what = (AuditAction.CHANGED, AuditKind.ROLE, code)
            audit.record(session, *what, before=before, after=sent)
            roles.check_administrators(session)
        return roles.show(session, role)

    @command(contract.delete_role)
    def delete_role(self, session: Session, code: str) -> None:
        roles.delete_role(session, roles.get_role(session, code, lock=True))
        audit.record(session, AuditAction.DELETED, AuditKind.ROLE, code)
