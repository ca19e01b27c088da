"""customer_query's jobs: reading customer files, exporting segments, the daily categories."""

import csv
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

from celery.schedules import crontab
from pyroaring import BitMap64
from sqlalchemy.orm import Session

from services.customer_query import import_files, import_rows, imports, segment_store
from services.customer_query import store as people
from services.customer_query.models import Import
from services.customer_query.segment_sql import select_audience
from shared import clock, jobs, outbox, parked, transfer
from shared.contracts import customer_query as contract
from shared.contracts.segments import parse
from shared.db import sessions
from shared.errors import Invalid

ROOM = "customer_query"
BATCH = 1000
TURN_SECONDS = 600.0
EVENT_BATCH = 500
ERASED_LATELY = timedelta(days=2)  # longer than any delivery takes to be parked
SCHEDULE = {
    "customer_query.update_categories": {
        "task": "customer_query.update_categories",
        "schedule": crontab(hour="2", minute="15"),
    },
    "customer_query.forget_parked": {
        "task": "customer_query.forget_parked",
        "schedule": crontab(minute="20"),
    },
}

Line = tuple[int, list[str]]


# --- import ---


def fail_import(reason: str, import_id: int) -> None:
    """The import ends as failed; what was imported before stays, and it may be run again."""
    with sessions(ROOM).begin() as session:
        job = imports.get_import(session, import_id, lock=True)
        if job.finished_at is None:
            imports.set_failed(job, reason)


@jobs.job("customer_query.import_file", failed=fail_import)
def import_file(import_id: int) -> None:
    """Read a customer file in batches of one transaction each; run again, it goes on where it was.

    A file that cannot be read ends the import as failed, with the reason. A long one is read in
    several turns, so that it never meets the time limit of a job.
    """
    with sessions(ROOM).begin() as session:
        job = imports.get_import(session, import_id, lock=True)
        if job.finished_at is not None:
            return
        job.state = contract.ImportState.RUNNING
        key = job.file_key
    try:
        with import_files.open_source(key) as source:
            _read(import_id, source)
    except (Invalid, csv.Error) as error:
        fail_import(_reason(error), import_id)


def _reason(error: Exception) -> str:
    if isinstance(error, Invalid):
        return str(error)
    return "El archivo CSV está dañado: revise las comillas y los separadores."


def _read(import_id: int, source: import_files.Source) -> None:
    with sessions(ROOM).begin() as session:
        job = imports.get_import(session, import_id, lock=True)
        job.columns, asked, done = source.header, job.asked_mapping, job.read
    mapping = import_rows.map_columns(source.header, asked)
    with sessions(ROOM).begin() as session:
        imports.get_import(session, import_id, lock=True).mapping = mapping
    reader = import_rows.RowReader(source.header, mapping, clock.today())
    checker = Checker(reader)
    lines = enumerate(source.rows, start=1)
    checker.skip(islice(lines, done))
    ends = time.monotonic() + TURN_SECONDS
    while batch := list(islice(lines, BATCH)):
        rows, rejects = checker.check(batch)
        if not _store(import_id, done, mapping, rows, rejects, source.percent()):
            return
        done += len(batch)
        if time.monotonic() > ends:
            _go_on_later(import_id)
            return
    _finish(import_id, source.header)


def _go_on_later(import_id: int) -> None:
    with sessions(ROOM).begin() as session:
        outbox.add_job(session, "customer_query.import_file", import_id, bulk=True)


class Checker:
    """Sorts lines into good rows and rejects; a cédula counts once in a file."""

    def __init__(self, reader: import_rows.RowReader) -> None:
        self._reader = reader
        self._seen = BitMap64()

    def skip(self, lines: Iterable[Line]) -> None:
        """Lines that an earlier attempt has stored: only their cédulas matter."""
        for line in lines:
            self._check(line)

    def check(
        self, lines: list[Line]
    ) -> tuple[list[dict[str, Any]], list[tuple[int, list[str], str]]]:
        """Checked columns, and (row, cells, reason) of those that are wrong."""
        rows, rejects = [], []
        for line in lines:
            found = self._check(line)
            if isinstance(found, str):
                rejects.append((*line, found))
            else:
                rows.append(found)
        return rows, rejects

    def _check(self, line: Line) -> dict[str, Any] | str:
        try:
            values = self._reader.read(line[1])
        except ValueError as error:
            return str(error)
        number = int(values["cedula"])
        if number in self._seen:
            return "cedula: Está repetida en el archivo."
        self._seen.add(number)
        return values


def _store(
    import_id: int,
    done: int,
    mapping: dict[str, str],
    rows: list[dict[str, Any]],
    rejects: list[tuple[int, list[str], str]],
    percent: int,
) -> bool:
    """One batch; False when another worker has gone on with this import meanwhile."""
    with sessions(ROOM).begin() as session:
        job = imports.get_import(session, import_id, lock=True)
        if job.read != done or job.finished_at is not None:
            return False
        outcome = _upsert(session, job, mapping, rows)
        imports.insert_rejects(session, import_id, rejects)
        announce_contact_states(session, outcome.consents_changed)
        imports.set_read(session, job, outcome, len(rows) + len(rejects), len(rejects), percent)
        return True


def _upsert(
    session: Session, job: Import, mapping: dict[str, str], rows: list[dict[str, Any]]
) -> imports.Outcome:
    batch = imports.Batch(session, import_rows.given(mapping))
    if not job.dry_run:
        return batch.upsert(rows)
    with session.begin_nested() as attempt:
        outcome = batch.upsert(rows)
        attempt.rollback()
    outcome.consents_changed = []
    return outcome


def _finish(import_id: int, header: list[str]) -> None:
    with sessions(ROOM).begin() as session:
        job = imports.get_import(session, import_id, lock=True)
        if job.finished_at is None:
            key = (
                import_files.write_rejected(header, imports.iterate_rejects(session, import_id))
                if job.rejected
                else None
            )
            imports.set_finished(job, key)


def announce_contact_states(session: Session, customer_ids: list[int]) -> None:
    """Tell the other rooms where these people may be contacted now, in batches."""
    for batch in _batches(list(dict.fromkeys(customer_ids))):
        states = people.contact_states(session, batch)
        outbox.add(session, contract.ContactStatesChanged(customers=states))


def _batches(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), EVENT_BATCH):
        yield ids[start : start + EVENT_BATCH]


# --- export ---


def fail_export(reason: str, transfer_id: str) -> None:
    """The export ends as failed, and campaign hears of it."""
    key = UUID(transfer_id)
    with sessions(ROOM).begin() as session:
        if segment_store.set_export_failed(session, key):
            outbox.add(session, contract.SegmentExportFailed(transfer_id=key, reason=reason))


@jobs.job("customer_query.export_segment", failed=fail_export)
def export_segment(transfer_id: str) -> None:
    """Stream a segment to campaign; dying here starts a new attempt under a new snapshot."""
    key = UUID(transfer_id)
    with sessions(ROOM).begin() as session:
        export = segment_store.claim_export(session, key)
        if export is None:
            return
        attempt, campaign_id = export.attempt, export.campaign_id
        definition = parse(export.definition)

    def keep(session: Session, rows: int) -> None:
        segment_store.replace_members(session, campaign_id, definition)
        segment_store.set_exported(session, key, rows)

    publish = partial(jobs.send_bulk, contract.LOAD_AUDIENCE_CHUNK)
    transfer.send(ROOM, key, attempt, select_audience(key, definition), publish, then=keep)


# --- every hour, every day ---


@jobs.job("customer_query.forget_parked")
def forget_parked() -> None:
    """Take people who were erased lately out of parked messages, also of those parked since."""
    with sessions(ROOM).begin() as session:
        erased = people.list_erased(session, clock.now() - ERASED_LATELY)
    if erased:
        parked.forget_people(erased)


@jobs.job("customer_query.update_categories")
def update_categories() -> None:
    """New, regular and loyal by tenure, except where set by hand."""
    with sessions(ROOM).begin() as session:
        people.update_categories(session, clock.today())
