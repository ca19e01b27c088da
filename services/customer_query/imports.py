"""customer_query's SQL on imports: the ledger of them, and the upsert of a batch."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from sqlalchemy import CursorResult, text
from sqlalchemy.orm import Session

from services.customer_query import import_rows, profiles
from services.customer_query.models import Import, ImportMapping, ImportReject
from shared import clock, transfer
from shared.contract import Actor
from shared.contracts import customer_query as contract
from shared.contracts.customer_query import Category, Channel
from shared.contracts.loads import PreviewRow
from shared.ecuador.dates import years_before
from shared.loads.ledger import Ledger
from shared.loads.load import Outcome
from shared.personal import NOTHING, mask_reason

_STAGING = "imported"

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


def shown(job: Import, asker: Actor) -> list[PreviewRow]:
    """The first rows of a held file: whole for who brought it, or may see people's data anyway."""
    rows = [PreviewRow.model_validate(row) for row in job.preview or []]
    whole = contract.CustomerPermission.PERSONAL in asker.permissions
    return rows if whole or asker.username == job.created_by else [_masked(row) for row in rows]


def _masked(row: PreviewRow) -> PreviewRow:
    hidden = {name: NOTHING for name in contract.PersonalField if row.values.get(name)}
    reason = mask_reason(row.reason) if row.reason else None
    return row.model_copy(update={"values": row.values | hidden, "reason": reason})


@dataclass(frozen=True)
class Upserted(Outcome):
    """What a batch did; `contacts_changed` are customers whose contact state must be announced."""

    contacts_changed: tuple[int, ...] = ()


class Batch:
    """Checked rows on their way into `customer`, by way of a temporary table and one upsert."""

    def __init__(self, session: Session, columns: Sequence[str], import_id: int) -> None:
        self._session = session
        self._columns = tuple(columns)
        self._changeable = import_rows.changeable(columns)
        self._values = {"import_id": import_id} | _tenure_limits()

    def upsert(self, rows: list[dict[str, Any]]) -> Upserted:
        """Insert new people and update known ones; a cédula comes at most once in `rows`.

        Only columns of the file and what follows from them are changed, and empty cells change
        nothing. What was before is noted, for undoing it.
        """
        if not rows:
            return Upserted()
        self._stage(rows)
        self._session.execute(text(_LOCK))
        changed = self._changed_consents() + self._changed_addresses()
        if updated := self._execute(self._note_changes_sql()):
            self._execute(self._update_sql())
        created = self._insert()
        if created:
            self._execute(_NEW_CONSENTS)
        return Upserted(created, updated, len(rows) - created - updated, tuple(changed))

    def _execute(self, statement: str) -> int:
        done = self._session.execute(text(statement), self._values)
        return cast(CursorResult[Any], done).rowcount

    def _insert(self) -> int:
        """New people, and in one line who they are."""
        done = self._session.execute(text(self._insert_sql()), self._values)
        return int(done.scalar_one_or_none() or 0)

    def _stage(self, rows: list[dict[str, Any]]) -> None:
        self._session.execute(text(_CREATE_STAGING))
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        for values in rows:
            writer.writerow([values.get(name) for name in self._columns])
        buffer.seek(0)
        with transfer.raw(self._session).cursor() as cursor:
            cursor.copy_expert(
                # No text of ours is empty, so an empty cell is a null, and none has to stand for it
                f"COPY {_STAGING} ({', '.join(self._columns)}) FROM STDIN WITH (FORMAT csv)",
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

    def _changed_addresses(self) -> list[int]:
        """Known people who get another e-mail address or telephone number."""
        names = [name for name in ("email", "phone") if name in self._columns]
        if not names:
            return []
        differ = " OR ".join(f"i.{name} <> coalesce(c.{name}, '')" for name in names)
        query = f"SELECT c.id FROM {_KNOWN} WHERE {differ}"  # noqa: S608  # names of ours
        return list(self._session.execute(text(query)).scalars())

    def _note_changes_sql(self) -> str:
        values = ", ".join(
            f"('{name}', to_jsonb(c.{name}), to_jsonb({_becomes(name)}))"
            for name in self._changeable
        )
        return (
            "INSERT INTO import_change (import_id, customer_id, before, after) "  # noqa: S608  # ours
            "SELECT :import_id, c.id, d.before, d.after "
            f"FROM {_KNOWN} CROSS JOIN LATERAL (SELECT jsonb_object_agg(name, was) AS before, "
            "jsonb_object_agg(name, becomes) AS after "
            f"FROM (VALUES {values}) AS v (name, was, becomes) "
            f"WHERE was IS DISTINCT FROM becomes) AS d WHERE {self._differs()}"
        )

    def _update_sql(self) -> str:
        assignments = ", ".join(f"{name} = {_becomes(name)}" for name in self._changeable)
        return (
            f"UPDATE customer c SET {assignments}, {_MARK} "  # noqa: S608  # our names
            f"FROM {_STAGING} i WHERE c.cedula = i.cedula AND ({self._differs()})"
        )

    def _differs(self) -> str:
        return " OR ".join(
            f"{_becomes(name)} IS DISTINCT FROM c.{name}" for name in self._changeable
        )

    def _insert_sql(self) -> str:
        names = dict.fromkeys((*self._columns, *_NEW))
        values = ", ".join(_NEW.get(name, f"i.{name}") for name in names)
        return (
            f"WITH made AS (INSERT INTO customer ({', '.join(names)}) "  # noqa: S608  # ours
            f"SELECT {values} FROM {_STAGING} i "
            "WHERE NOT EXISTS (SELECT FROM customer c WHERE c.cedula = i.cedula) RETURNING id) "
            "INSERT INTO import_birth (import_id, first_id, customer_ids) "
            "SELECT :import_id, min(id), array_agg(id) FROM made HAVING count(*) > 0 "
            "RETURNING cardinality(customer_ids)"
        )


def _tenure_limits() -> dict[str, date]:
    """What `_tenure` needs to know."""
    today = clock.today()
    return {
        "today": today,
        "new_after": years_before(today, profiles.NEW_BELOW_YEARS),
        "loyal_before": years_before(today, profiles.LOYAL_ABOVE_YEARS),
    }


def _tenure(joined_on: str) -> str:
    """The category that follows from a date, as `profiles.category_of` has it."""
    return (
        f"CASE WHEN {joined_on} > :new_after THEN '{Category.NEW}' "
        f"WHEN {joined_on} < :loyal_before THEN '{Category.LOYAL}' ELSE '{Category.REGULAR}' END"
    )


def _becomes(name: str) -> str:
    """What a column of a known person is after the row: an empty cell changes nothing."""
    return _FOLLOWS.get(name, f"coalesce(i.{name}, c.{name})")


_KNOWN = f"{_STAGING} i JOIN customer c ON c.cedula = i.cedula"
# Columns that follow from others of the row, and from what was before.
_FOLLOWS = {
    # A canton of another province is none.
    "canton": (
        "CASE WHEN i.canton IS NULL AND left(c.canton, 2) <> i.province THEN NULL "
        "ELSE coalesce(i.canton, c.canton) END"
    ),
    # One set by hand stays until the file has another; any other follows the tenure.
    "category": (
        "CASE WHEN i.category IS NOT NULL THEN i.category "
        "WHEN c.category_reason IS NULL AND i.joined_on <> c.joined_on "
        f"THEN {_tenure('i.joined_on')} ELSE c.category END"
    ),
    "category_reason": (
        "CASE WHEN i.category IS NULL OR i.category = c.category THEN c.category_reason "
        f"WHEN i.category = {_tenure('coalesce(i.joined_on, c.joined_on)')} THEN NULL "
        f"ELSE '{import_rows.REASON}' END"
    ),
    # Nothing is known of a new address.
    "mail_bounced": "c.mail_bounced AND coalesce(i.email = c.email, i.email IS NULL)",
}
_JOINED = "coalesce(i.joined_on, :today)"
# What a new person has that the row does not say.
_NEW = {
    "consent_mail": "coalesce(i.consent_mail, false)",
    "consent_phone": "coalesce(i.consent_phone, false)",
    "joined_on": _JOINED,
    "category": f"coalesce(i.category, {_tenure(_JOINED)})",
    "category_reason": (
        f"CASE WHEN i.category <> {_tenure(_JOINED)} THEN '{import_rows.REASON}' END"
    ),
}
_MARK = (
    "updated_at = now(), version = c.version + 1, "
    "changed_by = 'Una importación', changed_at = now()"
)
# Lines of two imports of the same person must not pass each other between update and insert.
_LOCK = "LOCK TABLE customer IN SHARE ROW EXCLUSIVE MODE"
_CREATE_STAGING = f"""
    CREATE TEMP TABLE {_STAGING} (LIKE customer INCLUDING DEFAULTS) ON COMMIT DROP;
    ALTER TABLE {_STAGING} ALTER id DROP NOT NULL, ALTER id DROP IDENTITY IF EXISTS,
        ALTER joined_on DROP NOT NULL, ALTER category DROP NOT NULL,
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
