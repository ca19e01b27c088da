"""The doors of mailer on whom a run went to."""

from sqlalchemy.orm import Session

from services.mailer import ledger, mailings
from shared import audit, exports, trace
from shared.contract import Page
from shared.contracts import mailer as contract
from shared.contracts.audit import AuditKind
from shared.contracts.exports import ExportWhy
from shared.contracts.mailer import RecipientState
from shared.room import Room
from shared.rpc import query_recorded


class RecipientDoors(Room):
    """The ledger of a run, for pages and for files."""

    @query_recorded(contract.list_recipients)
    def list_recipients(
        self,
        session: Session,
        mailing_id: int,
        state: RecipientState | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[contract.Recipient]:
        contract.list_recipients.scope.require_all(trace.actor())
        return self._list_recipients(session, mailing_id, state, after, limit)

    @query_recorded(contract.export_recipients)
    def export_recipients(
        self,
        session: Session,
        mailing_id: int,
        state: RecipientState,
        why: ExportWhy | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[contract.Recipient]:
        contract.export_recipients.scope.require_all(trace.actor())
        exports.check(why, trace.actor())
        purpose = why.told if why else ""
        found = self._list_recipients(session, mailing_id, state, after, limit, purpose)
        return exports.shown(found, why)

    def _list_recipients(
        self,
        session: Session,
        mailing_id: int,
        state: RecipientState | None,
        after: str | None,
        limit: int,
        purpose: str = "",
    ) -> Page[contract.Recipient]:
        transfer_id = mailings.get_mailing(session, mailing_id).transfer_id
        found = ledger.list_recipients(session, transfer_id, state, after, limit)
        seen = [row.customer_id for row in found.rows]
        audit.record_list(session, AuditKind.RECIPIENTS, seen, mailing_id, purpose=purpose)
        return Page.cut(found, contract.Recipient.model_validate)
