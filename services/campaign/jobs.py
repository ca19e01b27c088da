"""campaign's jobs: loading an audience, and handing it on to the rooms that work with it."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.campaign import audience, store
from shared import jobs, outbox, transfer
from shared.contracts import campaign as contract
from shared.contracts import customer_query
from shared.db import sessions

_EXPORTS = {
    "recipients": (contract.LOAD_RECIPIENTS_CHUNK, audience.select_recipients),
    "call_list": (contract.LOAD_CALL_LIST_CHUNK, audience.select_call_list),
}


@jobs.job(customer_query.LOAD_AUDIENCE_CHUNK)
def load_audience_chunk(chunk: dict[str, Any]) -> None:
    """Copy a chunk of customers into its edition; the last one to arrive completes it."""
    piece = transfer.Chunk(**chunk)
    with sessions("campaign").begin() as session:
        transfer.load_chunk(session, piece, audience.TARGET)
    with sessions("campaign").begin() as session:
        rows = transfer.complete(session, UUID(piece.transfer_id))
        if rows is not None:
            outbox.add_job(session, "campaign.complete_audience", piece.transfer_id, rows)


@jobs.job("campaign.complete_audience")
def complete_audience(audience_id: str, rows: int) -> None:
    """Make a loaded edition the campaign's present one and serve the exports that wait for it."""
    with sessions("campaign").begin() as session:
        edition = audience.set_ready(session, UUID(audience_id), rows)
        if edition is None:
            return
        campaign = store.get_campaign(session, edition.campaign_id)
        for transfer_id in audience.list_waiting(session, campaign.id, edition.id):
            outbox.add_job(session, "campaign.export_audience", str(transfer_id))
        outbox.add(
            session,
            contract.AudienceCompleted(campaign_id=campaign.id, audience_id=edition.id, rows=rows),
        )
        outbox.add_job(session, "campaign.remove_superseded", campaign.id, audience_id)


@jobs.job("campaign.export_audience")
def export_audience(transfer_id: str) -> None:
    """Stream an audience to the room that asked for it; dying here starts a new attempt."""
    with sessions("campaign").begin() as session:
        export = audience.claim_export(session, UUID(transfer_id))
        if export is None:
            return
        task, select_rows = _EXPORTS[export.kind]
        query, attempt = select_rows(export), export.attempt
    with sessions("campaign").begin() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        cutter = transfer.Cutter(
            UUID(transfer_id), attempt, lambda chunk: jobs.send_bulk(task, chunk.to_wire())
        )
        transfer.export(session, query, cutter)
    with sessions("campaign").begin() as session:
        audience.set_exported(session, UUID(transfer_id))


@jobs.job("campaign.remove_superseded")
def remove_superseded(campaign_id: int, audience_id: str) -> None:
    """Drop older editions that nobody reads any more, each in its own transaction."""
    with sessions("campaign").begin() as session:
        old = audience.list_superseded(session, campaign_id, UUID(audience_id))
    for edition in old:
        with sessions("campaign").begin() as session:
            audience.remove_edition(session, edition)
