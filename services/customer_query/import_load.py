"""The customer file as a load: what the kit reads, this room checks and upserts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from services.customer_query import announcements, import_rows, imports
from services.customer_query.models import Import
from shared.loads.load import Load, Sink

Row = dict[str, Any]


class CustomerSink(Sink[Row]):
    """Upserts batches; a dry run does the same and takes each batch back."""

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._columns = import_rows.given(mapping)

    def store(self, session: Session, job: Import, rows: list[Row]) -> imports.Upserted:
        """Consents that change are announced."""
        batch = imports.Batch(session, self._columns, job.id)
        if job.dry_run:
            with session.begin_nested() as attempt:
                outcome = batch.upsert(rows)
                attempt.rollback()
            return outcome
        outcome = batch.upsert(rows)
        announcements.announce_contact_states(session, outcome.contacts_changed)
        return outcome


class CustomerLoad(Load[Row]):
    """Customers by cédula, each once in a file."""

    task = "customer_query.import_file"
    ledger = imports.ledger
    fields = import_rows.FIELDS

    def check(self, values: Row, today: date) -> Row:
        """As a profile that is written by hand."""
        return import_rows.check(values, today)

    def complete(self, values: Row, today: date) -> Row:
        """The columns of `customer`."""
        del today
        return import_rows.complete(values)

    def key(self, row: Row) -> int:
        """The cédula."""
        return int(row["cedula"])

    @contextmanager
    def sink(self, mapping: Mapping[str, str], load_id: int) -> Iterator[CustomerSink]:
        """It needs nothing but the transactions it is given."""
        del load_id
        yield CustomerSink(mapping)


CUSTOMERS = CustomerLoad()
