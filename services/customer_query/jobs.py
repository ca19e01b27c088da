"""customer_query's jobs: reading customer files, exporting segments, the daily categories."""

from datetime import timedelta
from functools import partial
from uuid import UUID

from celery.schedules import crontab
from sqlalchemy.orm import Session

from services.customer_query import reach, reveals, segment_store, undos
from services.customer_query import store as people
from services.customer_query.import_load import CUSTOMERS
from services.customer_query.segment_sql import select_audience
from shared import clock, jobs, outbox, parked, transfer
from shared.contracts import customer_query as contract
from shared.contracts.segments import parse
from shared.db import sessions
from shared.loads import work

ROOM = "customer_query"
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


# --- import ---


@jobs.job(CUSTOMERS.task, failed=CUSTOMERS.fail)
def import_file(import_id: int) -> None:
    """Read a customer file; run again, it goes on where it was."""
    work.run(CUSTOMERS, import_id)


@jobs.job("customer_query.undo_import", failed=undos.fail)
def undo_import(import_id: int) -> None:
    """Take back what an import did; run again, it goes on where it was."""
    undos.run(import_id)


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
        reach.forget_old(session)
        reveals.forget_old(session)
        erased = people.list_erased(session, clock.now() - ERASED_LATELY)
    if erased:
        parked.forget_people(erased)


@jobs.job("customer_query.update_categories")
def update_categories() -> None:
    """New, regular and loyal by tenure, except where set by hand; lets go of old imports."""
    with sessions(ROOM).begin() as session:
        people.update_categories(session, clock.today())
        undos.forget_old(session)
        CUSTOMERS.ledger.cancel_unanswered(session)
