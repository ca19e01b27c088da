"""customer_query's SQL on imports: the job's progress, rejected rows, and the upsert of a batch."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, cast

from sqlalchemy import CursorResult, insert, select, text
from sqlalchemy.orm import Session

from services.customer_query.models import Import, Reject
from shared import clock, keyset, transfer
from shared.contract import Slice
from shared.contracts import customer_query as contract
from shared.contracts.customer_query import Channel
from shared.errors import NotFound

NULL = "\\N"
_STAGING = "imported"
_DEFAULTS = {"consent_mail": "false", "consent_phone": "false"}


def get_import(session: Session, import_id: int, *, lock: bool = False) -> Import:
    """One import. Raises NotFound."""
    found = session.get(Import, import_id, with_for_update=lock)
    if found is None:
        raise NotFound("La importación no existe.")
    return found


def insert_import(session: Session, new: contract.NewImport, created_by: str) -> Import:
    """A new import, waiting for a worker."""
    values = new.model_dump(exclude={"mapping"}) | {
        "asked_mapping": new.mapping,
        "state": contract.ImportState.WAITING,
        "created_by": created_by,
    }
    return session.execute(insert(Import).values(values).returning(Import)).scalar_one()


def list_imports(session: Session, after: str | None, limit: int) -> Slice[Import]:
    """Newest first."""
    return keyset.fetch(session, select(Import), [Import.id.desc()], after, limit)


def insert_rejects(
    session: Session, import_id: int, rejects: list[tuple[int, list[str], str]]
) -> None:
    """Rows that were not imported: (row number, cells, reason)."""
    if rejects:
        session.execute(
            insert(Reject),
            [
                {"import_id": import_id, "row": number, "values": cells, "reason": reason}
                for number, cells, reason in rejects
            ],
        )


def iterate_rejects(session: Session, import_id: int) -> Iterator[tuple[list[str], str]]:
    """The rejected rows in the file's order, streamed."""
    query = select(Reject.values, Reject.reason).filter_by(import_id=import_id).order_by(Reject.row)
    yield from session.execute(query.execution_options(yield_per=1000))


class Batch:
    """Checked rows on their way into `customer`, by way of a temporary table and one upsert."""

    def __init__(self, session: Session, columns: Sequence[str]) -> None:
        self._session = session
        self._columns = tuple(columns)

    def upsert(self, rows: list[dict[str, Any]]) -> "Outcome":
        """Insert new people and update known ones; a cédula comes at most once in `rows`.

        Only columns of the file are changed, and empty cells change nothing.
        """
        if not rows:
            return Outcome(0, 0, 0, [])
        self._stage(rows)
        self._session.execute(text(_LOCK))
        withdrawn = self._changed_consents()
        updated = self._execute(self._update_sql())
        created = self._execute(self._insert_sql())
        self._session.execute(text(_NEW_CONSENTS))
        return Outcome(created, updated, len(rows) - created - updated, withdrawn)

    def _execute(self, statement: str) -> int:
        return cast(CursorResult[Any], self._session.execute(text(statement))).rowcount

    def _stage(self, rows: list[dict[str, Any]]) -> None:
        self._session.execute(text(_CREATE_STAGING))
        names = [*self._columns, *(n for n in _ALWAYS if n not in self._columns)]
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        for values in rows:
            writer.writerow([_cell(values.get(name)) for name in names])
        buffer.seek(0)
        with transfer.raw(self._session).cursor() as cursor:
            cursor.copy_expert(
                f"COPY {_STAGING} ({', '.join(names)}) FROM STDIN WITH (FORMAT csv, NULL '{NULL}')",
                buffer,
            )

    def _changed_consents(self) -> list[int]:
        """Ledger lines for known people whose consent differs; returns whose."""
        changed: list[int] = []
        for channel in Channel:
            if f"consent_{channel}" in self._columns:
                found = self._session.execute(text(_CONSENT_CHANGES[channel]))
                changed += [row.customer_id for row in found]
        return changed

    def _update_sql(self) -> str:
        changeable = [name for name in self._columns if name != "cedula"]
        assignments = ", ".join(f"{name} = coalesce(i.{name}, c.{name})" for name in changeable)
        differs = " OR ".join(
            f"coalesce(i.{name}, c.{name}) IS DISTINCT FROM c.{name}" for name in changeable
        )
        return (
            f"UPDATE customer c SET {assignments}, {_MARK} "  # noqa: S608  # our names
            f"FROM {_STAGING} i WHERE c.cedula = i.cedula AND ({differs})"
        )

    def _insert_sql(self) -> str:
        names = [*self._columns, *(n for n in _ALWAYS if n not in self._columns)]
        values = ", ".join(
            f"coalesce(i.{name}, {_DEFAULTS[name]})" if name in _DEFAULTS else f"i.{name}"
            for name in names
        )
        return (
            f"INSERT INTO customer ({', '.join(names)}) SELECT {values} FROM {_STAGING} i "  # noqa: S608  # ours
            "WHERE NOT EXISTS (SELECT FROM customer c WHERE c.cedula = i.cedula)"
        )


class Outcome:
    """What a batch did; `consents_changed` are customers whose contact state must be announced."""

    def __init__(
        self, created: int, updated: int, unchanged: int, consents_changed: list[int]
    ) -> None:
        self.created = created
        self.updated = updated
        self.unchanged = unchanged
        self.consents_changed = consents_changed


def _cell(value: Any) -> str:
    return NULL if value is None else str(value)


_MARK = (
    "updated_at = now(), version = c.version + 1, "
    "changed_by = 'Una importación', changed_at = now()"
)
_ALWAYS = ("joined_on", "category", "category_reason", "search")
# Lines of two imports of the same person must not pass each other between update and insert.
_LOCK = "LOCK TABLE customer IN SHARE ROW EXCLUSIVE MODE"
_CREATE_STAGING = f"""
    CREATE TEMP TABLE {_STAGING} (LIKE customer INCLUDING DEFAULTS) ON COMMIT DROP;
    ALTER TABLE {_STAGING} ALTER id DROP NOT NULL, ALTER id DROP IDENTITY IF EXISTS,
        ALTER consent_mail DROP NOT NULL, ALTER consent_phone DROP NOT NULL,
        ALTER consent_mail DROP DEFAULT, ALTER consent_phone DROP DEFAULT
"""
_CONSENT_CHANGES = {
    channel: f"""
        INSERT INTO consent (customer_id, channel, given, how)
        SELECT c.id, '{channel}', i.consent_{channel}, 'importación'
        FROM {_STAGING} i JOIN customer c ON c.cedula = i.cedula
        WHERE i.consent_{channel} IS DISTINCT FROM c.consent_{channel}
            AND i.consent_{channel} IS NOT NULL
        RETURNING customer_id
    """  # noqa: S608  # names of ours
    for channel in Channel
}
_NEW_CONSENTS = f"""
    INSERT INTO consent (customer_id, channel, given, how)
    SELECT c.id, channel, true, 'importación'
    FROM {_STAGING} i JOIN customer c ON c.cedula = i.cedula
    CROSS JOIN LATERAL (VALUES ('mail', c.consent_mail), ('phone', c.consent_phone))
        AS given (channel, yes)
    WHERE yes AND c.created_at = now()
"""  # noqa: S608  # names of ours


def set_read(
    session: Session, job: Import, outcome: Outcome, read: int, rejected: int, percent: int
) -> None:
    """Move the import's counts on, in the transaction of the batch itself."""
    job.read += read
    job.created += outcome.created
    job.updated += outcome.updated
    job.unchanged += outcome.unchanged
    job.rejected += rejected
    job.percent = percent
    session.flush()


def set_finished(job: Import, rejected_key: str | None) -> None:
    """All rows are dealt with."""
    job.state = contract.ImportState.DONE
    job.percent = 100
    job.rejected_key = rejected_key
    job.finished_at = clock.now()


def set_failed(job: Import, error: str) -> None:
    """The file could not be read; nothing of it is kept but what was imported before."""
    job.state = contract.ImportState.FAILED
    job.error = error
    job.finished_at = clock.now()
