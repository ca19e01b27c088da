"""The doors of customer_query on files of customers."""

from sqlalchemy.orm import Session

from services.customer_query import import_rows, imports, undos
from services.customer_query.import_load import CUSTOMERS
from shared import audit, files, outbox, trace
from shared.contract import Page
from shared.contracts import customer_query as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.errors import Conflict, Invalid, NotFound
from shared.loads.fields import check_names
from shared.room import Room
from shared.rpc import command, query


class ImportDoors(Room):
    """Files of customers: begun, held, gone on with, cancelled, undone."""

    @command(contract.start_import)
    def start_import(self, session: Session, new: contract.NewImport) -> contract.Import:
        """The file is looked for now and read by a worker."""
        check_names(import_rows.FIELDS, new.mapping)
        try:
            with files.open_key(new.file_key):
                return self._insert_import(session, new)
        except NotFound:
            raise Invalid.field("file", "Suba el archivo de nuevo.") from None

    def _insert_import(self, session: Session, new: contract.NewImport) -> contract.Import:
        job = imports.insert_import(session, new, trace.actor().username)
        audit.record(session, AuditAction.STARTED, AuditKind.IMPORT, job.id)
        self._hand_over(session, job.id)
        return contract.Import.model_validate(job)

    def _hand_over(self, session: Session, import_id: int) -> None:
        outbox.add_job(session, CUSTOMERS.task, import_id, bulk=True)

    @command(contract.rerun_import)
    def rerun_import(
        self,
        session: Session,
        import_id: int,
        mapping: dict[str, str] | None = None,
        dry_run: bool | None = None,  # noqa: FBT001  # arguments travel by name
    ) -> contract.Import:
        check_names(import_rows.FIELDS, mapping)
        before = imports.ledger.get(session, import_id)
        if before.finished_at is None:
            raise Conflict("La importación sigue en curso. Espere a que termine.")
        new = contract.NewImport(
            file_key=before.file_key,
            file_name=before.file_name,
            mapping=mapping or before.asked_mapping,
            dry_run=before.dry_run if dry_run is None else dry_run,
        )
        return self._insert_import(session, new)

    @command(contract.resume_import)
    def resume_import(
        self,
        session: Session,
        import_id: int,
        mapping: dict[str, str] | None = None,
        dry_run: bool | None = None,  # noqa: FBT001  # arguments travel by name
        hold: bool = False,  # noqa: FBT001, FBT002  # as above
    ) -> contract.Import:
        check_names(import_rows.FIELDS, mapping)
        job = imports.ledger.get(session, import_id, lock=True)
        imports.ledger.release(job, mapping, dry_run=dry_run, hold=hold)
        self._hand_over(session, job.id)
        return contract.Import.model_validate(job)

    @command(contract.cancel_import)
    def cancel_import(self, session: Session, import_id: int) -> contract.Import:
        """The job writes the file of what was rejected so far."""
        job = imports.ledger.get(session, import_id, lock=True)
        if imports.ledger.cancel(job):
            imports.ledger.tell(session, job)
            audit.record(session, AuditAction.CANCELLED, AuditKind.IMPORT, import_id)
            self._hand_over(session, job.id)
        return contract.Import.model_validate(job)

    @command(contract.undo_import)
    def undo_import(self, session: Session, import_id: int) -> contract.Import:
        job = imports.ledger.get(session, import_id, lock=True)
        undos.begin(session, job, trace.actor().username)
        audit.record(session, AuditAction.UNDONE, AuditKind.IMPORT, import_id)
        return contract.Import.model_validate(job)

    @query(contract.get_import)
    def get_import(self, session: Session, import_id: int) -> contract.Import:
        return contract.Import.model_validate(imports.ledger.get(session, import_id))

    @query(contract.preview_import)
    def preview_import(self, session: Session, import_id: int) -> contract.ImportPreview:
        job = imports.ledger.get(session, import_id)
        return contract.ImportPreview(
            columns=job.columns, mapping=job.mapping, rows=imports.shown(job, trace.actor())
        )

    @query(contract.list_imports)
    def list_imports(
        self, session: Session, after: str | None = None, limit: int = 20
    ) -> Page[contract.Import]:
        found = imports.ledger.list(session, after, limit)
        return Page.cut(found, contract.Import.model_validate)
