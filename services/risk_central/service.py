"""The room beside the SOAP server: loads of the bureau's file, and a search for the pages."""

from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.risk_central import loads, lookups, rules
from services.risk_central.client_doors import ClientDoors
from services.risk_central.models import Load
from shared import audit, files, outbox, trace
from shared.contract import Page, check_health
from shared.contracts import risk_central as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.errors import Invalid, Unavailable
from shared.rpc import command, query, rpc

_DOWN = "Redis no responde. Intente de nuevo en un momento."


class RiskCentralService(ClientDoors):
    """The bureau's loads and its state; its clients beside it."""

    name = "risk_central"

    @query(check_health)
    def check_health(self, session: Session) -> str:
        """Ready when the persons can be reached, too. Raises Unavailable."""
        session.execute(text("SELECT 1"))
        try:
            self.redis.ping()
        except RedisError:
            raise Unavailable(_DOWN) from None
        return "ok"

    @command(contract.start_load)
    def start_load(self, session: Session, new: contract.NewLoad) -> contract.Load:
        """Loads follow each other: one that meets another waits."""
        with files.open_key(new.file_key):
            load = loads.insert_load(session, new, trace.actor().username)
        audit.record(session, AuditAction.STARTED, AuditKind.RISK_LOAD, load.id)
        return self._hand_over(session, load)

    @command(contract.resume_load)
    def resume_load(
        self,
        session: Session,
        load_id: int,
        dry_run: bool | None = None,  # noqa: FBT001  # arguments travel by name
        removes_most: bool | None = None,  # noqa: FBT001  # as above
        hold: bool = False,  # noqa: FBT001, FBT002  # as above
    ) -> contract.Load:
        load = loads.ledger.get(session, load_id, lock=True)
        loads.ledger.release(load, None, dry_run=dry_run, hold=hold)
        loads.allow(load, removes_most=removes_most)
        return self._hand_over(session, load)

    @command(contract.cancel_load)
    def cancel_load(self, session: Session, load_id: int) -> contract.Load:
        """The job takes away what a full load has written."""
        load = loads.ledger.get(session, load_id, lock=True)
        if not loads.ledger.cancel(load):
            return contract.Load.model_validate(load)
        loads.ledger.tell(session, load)
        audit.record(session, AuditAction.CANCELLED, AuditKind.RISK_LOAD, load_id)
        return self._hand_over(session, load)

    @query(contract.preview_load)
    def preview_load(self, session: Session, load_id: int) -> contract.LoadPreview:
        load = loads.ledger.get(session, load_id)
        return contract.LoadPreview(
            columns=load.columns, rows=loads.shown(load, trace.actor().username)
        )

    def _hand_over(self, session: Session, load: Load) -> contract.Load:
        outbox.add_job(session, loads.TASK, load.id, bulk=True)
        return contract.Load.model_validate(load)

    @command(contract.rerun_load)
    def rerun_load(
        self,
        session: Session,
        load_id: int,
        removes_most: bool | None = None,  # noqa: FBT001  # arguments travel by name
    ) -> contract.Load:
        """The file is looked for first, so that one that is gone is told at once."""
        load = loads.ledger.get(session, load_id, lock=True)
        with files.open_key(load.file_key):
            begun = loads.begin_again(session, load, trace.actor().username)
        audit.record(session, AuditAction.STARTED, AuditKind.RISK_LOAD, begun.id)
        loads.allow(begun, removes_most=removes_most)
        return self._hand_over(session, begun)

    @query(contract.get_load)
    def get_load(self, session: Session, load_id: int) -> contract.Load:
        return contract.Load.model_validate(loads.ledger.get(session, load_id))

    @query(contract.list_loads)
    def list_loads(
        self, session: Session, after: str | None = None, limit: int = 20
    ) -> Page[contract.Load]:
        return Page.cut(loads.ledger.list(session, after, limit), contract.Load.model_validate)

    @rpc(contract.find_risks)
    def find_risks(self, search: str, purpose: contract.RiskPurpose) -> list[contract.RiskReport]:
        """Digits are a cédula, anything else a name."""
        try:
            found = self._find(search.strip())
        except lookups.RefusalError as refusal:
            if refusal.code != "Client.NotFound":
                raise Invalid.field("search", refusal.message) from None
            found = []
        except RedisError:
            raise Unavailable(_DOWN) from None
        self._record_search(search, purpose, [report.cedula for report in found])
        return found

    def _record_search(
        self, search: str, purpose: contract.RiskPurpose, cedulas: list[str]
    ) -> None:
        """The bureau knows people by no id of ours: whose report was seen is told by hashes."""
        shown = map(audit.fingerprint, cedulas)
        about = (AuditAction.BUREAU_SEARCHED, AuditKind.BUREAU)
        with self.db.begin() as session:
            audit.record(
                session, *about, purpose=purpose.word, fields=shown, after={"search": search}
            )

    def _find(self, search: str) -> list[contract.RiskReport]:
        if search[:1].isdigit():
            return [lookups.get_risk_by_cedula(self.redis, search)]
        return lookups.find_risk_by_name(self.redis, search, rules.DEFAULT_LIMIT)
