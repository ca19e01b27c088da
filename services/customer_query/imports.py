"""customer_query's SQL on imports: the ledger of them, and the upsert of a batch."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult, text
from sqlalchemy.orm import Session

from services.customer_query.models import Import, ImportMapping, ImportReject
from shared import transfer
from shared.contracts import customer_query as contract
from shared.contracts.customer_query import Channel
from shared.loads.ledger import Ledger
from shared.loads.load import Outcome

NULL = "\\N"
_STAGING = "imported"
_DEFAULTS = {"consent_mail": "false", "consent_phone": "false"}

ledger = Ledger(
    "customer_query",
    Import,
    ImportReject,
    ImportMapping,
    moved=lambda import_id: contract.ImportMoved(import_id=import_id),
    page="/clientes/importaciones",
    missing="La importación no existe.",
)


def insert_import(session: Session, new: contract.NewImport, created_by: str) -> Import:
    """A new import, waiting for a worker."""
    values = new.model_dump(exclude={"mapping"}) | {"asked_mapping": new.mapping}
    return ledger.insert(session, created_by, **values)


@dataclass(frozen=True)
class Upserted(Outcome):
    """What a batch did; `consents_changed` are customers whose contact state must be announced."""

    consents_changed: tuple[int, ...] = ()


class Batch:
    """Checked rows on their way into `customer`, by way of a temporary table and one upsert."""

    def __init__(self, session: Session, columns: Sequence[str], import_id: int) -> None:
        self._session = session
        self._columns = tuple(columns)
        self._changeable = [name for name in columns if name != "cedula"]
        self._import_id = import_id

    def upsert(self, rows: list[dict[str, Any]]) -> Upserted:
        """Insert new people and update known ones; a cédula comes at most once in `rows`.

        Only columns of the file are changed, and empty cells change nothing. What was before is
        noted, for undoing it.
        """
        if not rows:
            return Upserted()
        self._stage(rows)
        self._session.execute(text(_LOCK))
        withdrawn = self._changed_consents()
        if updated := self._execute(self._note_changes_sql()):
            self._execute(self._update_sql())
        created = self._insert()
        if created:
            self._execute(_NEW_CONSENTS)
        return Upserted(created, updated, len(rows) - created - updated, tuple(withdrawn))

    def _execute(self, statement: str) -> int:
        done = self._session.execute(text(statement), {"import_id": self._import_id})
        return cast(CursorResult[Any], done).rowcount

    def _insert(self) -> int:
        """New people, and in one line who they are."""
        done = self._session.execute(text(self._insert_sql()), {"import_id": self._import_id})
        return int(done.scalar_one_or_none() or 0)

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

    def _note_changes_sql(self) -> str:
        values = ", ".join(
            f"('{name}', to_jsonb(c.{name}), to_jsonb(coalesce(i.{name}, c.{name})))"
            for name in self._changeable
        )
        return (
            "INSERT INTO import_change (import_id, customer_id, before, after) "  # noqa: S608  # ours
            "SELECT :import_id, c.id, d.before, d.after "
            f"FROM {_STAGING} i JOIN customer c ON c.cedula = i.cedula AND ({self._differs()}) "
            "CROSS JOIN LATERAL (SELECT jsonb_object_agg(name, was) AS before, "
            "jsonb_object_agg(name, becomes) AS after "
            f"FROM (VALUES {values}) AS v (name, was, becomes) "
            "WHERE was IS DISTINCT FROM becomes) AS d"
        )

    def _update_sql(self) -> str:
        assignments = ", ".join(
            f"{name} = coalesce(i.{name}, c.{name})" for name in self._changeable
        )
        return (
            f"UPDATE customer c SET {assignments}, {_MARK} "  # noqa: S608  # our names
            f"FROM {_STAGING} i WHERE c.cedula = i.cedula AND ({self._differs()})"
        )

    def _differs(self) -> str:
        return " OR ".join(
            f"coalesce(i.{name}, c.{name}) IS DISTINCT FROM c.{name}" for name in self._changeable
        )

    def _insert_sql(self) -> str:
        names = [*self._columns, *(n for n in _ALWAYS if n not in self._columns)]
        values = ", ".join(
            f"coalesce(i.{name}, {_DEFAULTS[name]})" if name in _DEFAULTS else f"i.{name}"
            for name in names
        )
        return (
            f"WITH made AS (INSERT INTO customer ({', '.join(names)}) "  # noqa: S608  # ours
            f"SELECT {values} FROM {_STAGING} i "
            "WHERE NOT EXISTS (SELECT FROM customer c WHERE c.cedula = i.cedula) RETURNING id) "
            "INSERT INTO import_birth (import_id, first_id, customer_ids) "
            "SELECT :import_id, min(id), array_agg(id) FROM made HAVING count(*) > 0 "
            "RETURNING cardinality(customer_ids)"
        )


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
