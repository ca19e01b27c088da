"""The doors of identity on the record of who did and saw what."""

from datetime import date

from sqlalchemy.orm import Session

from services.identity import audit as entries
from shared import audit, trace
from shared.contract import Page
from shared.contracts import audit as contract
from shared.contracts.audit import AuditAction, AuditKind, AuditPermission, AuditWho
from shared.errors import Denied
from shared.events import on_event
from shared.room import Room
from shared.rpc import command, query, query_recorded


class AuditDoors(Room):
    """What rooms tell is written down, once and for good; some may read it."""

    @on_event(contract.Audited)
    def on_audited(self, session: Session, event: contract.Audited) -> None:
        entries.append(session, event)

    @query(contract.list_audit)
    def list_audit(
        self,
        session: Session,
        username: str | None = None,
        customer_id: int | None = None,
        listed: bool = False,  # noqa: FBT001, FBT002  # arguments travel by name
        action: AuditAction | None = None,
        from_on: date | None = None,
        to_on: date | None = None,
        who: AuditWho | None = None,
        system: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[contract.AuditEntry]:
        _require(AuditPermission.READ)
        filters = entries.Filters(
            username, customer_id, listed, action, from_on, to_on, who, system
        )
        found = entries.list_entries(session, filters, after, limit)
        return Page.cut(found, contract.AuditEntry.model_validate)

    @query_recorded(contract.list_viewers)
    def list_viewers(
        self, session: Session, customer_id: int, after: str | None = None, limit: int = 10
    ) -> Page[contract.AuditEntry]:
        _require(AuditPermission.READ_PERSON)
        if after is None:
            audit.record(session, AuditAction.VIEWERS_SEEN, AuditKind.CUSTOMER, customer_id)
        filters = entries.Filters(customer_id=customer_id)
        found = entries.list_entries(session, filters, after, limit)
        return Page.cut(found, contract.AuditEntry.model_validate)

    @command(contract.record_export)
    def record_export(
        self, session: Session, kind: AuditKind, object_id: str = "", reason: str = ""
    ) -> None:
        audit.record(session, AuditAction.EXPORTED, kind, object_id, purpose=reason)

    @query(contract.list_audit_days)
    def list_audit_days(
        self, session: Session, after: str | None = None, limit: int = 50
    ) -> Page[contract.AuditDay]:
        _require(AuditPermission.READ)
        return Page.cut(entries.list_days(session, after, limit), contract.AuditDay.model_validate)


def _require(permission: AuditPermission) -> None:
    actor = trace.actor()
    if permission not in actor.permissions:
        raise Denied("No tiene permiso para ver el registro.")
