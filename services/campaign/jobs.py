"""campaign's jobs: loading an audience, and handing it on to the rooms that work with it."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from celery.schedules import crontab
from sqlalchemy.orm import Session

from services.campaign import audience, contact_states, exports, failures, store
from services.campaign.models import ExportKind
from shared import jobs, outbox, transfer
from shared.contracts import campaign as contract
from shared.contracts import customer_query
from shared.db import sessions

ROOM = "campaign"
SCHEDULE = {
    "campaign.forget_old": {
        "task": "campaign.forget_old",
        "schedule": crontab(hour="2", minute="45"),
    }
}
_EXPORTS = {
    ExportKind.RECIPIENTS: (contract.LOAD_RECIPIENTS_CHUNK, exports.select_recipients),
    ExportKind.CALL_LIST: (contract.LOAD_CALL_LIST_CHUNK, exports.select_call_list),
}


# --- loading ---


def fail_chunk(reason: str, chunk: dict[str, Any]) -> None:
    """A chunk that cannot be loaded ends its edition."""
    fail_edition(reason, chunk["transfer_id"])


def fail_edition(reason: str, audience_id: str, *_: Any) -> None:
    """The edition ends as failed, and with it what waits for it; it may be asked for again."""
    with sessions(ROOM).begin() as session:
        failures.fail_edition(session, UUID(audience_id), reason)


@jobs.job(customer_query.LOAD_AUDIENCE_CHUNK, failed=fail_chunk)
def load_audience_chunk(chunk: dict[str, Any]) -> None:
    """Copy a chunk of customers into its edition; the last one to arrive completes it."""
    transfer.receive(ROOM, chunk, audience.DESTINATION, then=_complete, moved=audience.tell)


def _complete(session: Session, audience_id: UUID, rows: int) -> None:
    outbox.add_job(session, "campaign.complete_audience", str(audience_id), rows)


@jobs.job("campaign.complete_audience", failed=fail_edition)
def complete_audience(audience_id: str, rows: int) -> None:
    """Make a loaded edition the campaign's present one and serve the exports that wait for it.

    One that comes after a newer one is only cleaned up.
    """
    with sessions(ROOM).begin() as session:
        edition = audience.set_ready(session, UUID(audience_id), rows)
        campaign = audience.get_campaign_of(session, UUID(audience_id))
        outbox.add_job(session, "campaign.remove_superseded", campaign.id)
        if edition is None:
            return
        for transfer_id in exports.list_waiting(session, campaign.id, edition.id):
            outbox.add_job(session, "campaign.export_audience", str(transfer_id))
        outbox.add(
            session,
            contract.AudienceCompleted(
                campaign_id=campaign.id,
                audience_id=edition.id,
                version=campaign.version,
                rows=rows,
            ),
        )


# --- handing on ---


def fail_export(reason: str, transfer_id: str) -> None:
    """The export ends as failed, and who asked for it hears of it."""
    with sessions(ROOM).begin() as session:
        failures.announce(session, exports.fail_export(session, UUID(transfer_id)), reason)


@jobs.job("campaign.export_audience", failed=fail_export)
def export_audience(transfer_id: str) -> None:
    """Stream an audience to the room that asked for it; dying here starts a new attempt."""
    key = UUID(transfer_id)
    with sessions(ROOM).begin() as session:
        export = exports.claim_export(session, key)
        if export is None:
            return
        task, select_rows = _EXPORTS[export.kind]
        query, attempt = select_rows(export), export.attempt
    transfer.send(ROOM, key, attempt, query, partial(jobs.send_bulk, task), then=_set_exported(key))


def _set_exported(transfer_id: UUID) -> Callable[[Session, int], None]:
    return lambda session, _rows: exports.set_exported(session, transfer_id)


@jobs.job("campaign.remove_superseded")
def remove_superseded(campaign_id: int) -> None:
    """Drop editions older than the present one that nobody reads any more."""
    with sessions(ROOM).begin() as session:
        old = audience.list_superseded(session, store.get_campaign(session, campaign_id))
    for edition in old:
        with sessions(ROOM).begin() as session:
            audience.remove_edition(session, edition)


@jobs.job("campaign.forget_old")
def forget_old() -> None:
    """Drop what was kept for editions that cannot be on their way any more."""
    with sessions(ROOM).begin() as session:
        contact_states.forget_old(session)
