"""telemarketing's SQL on call lists: asked for, on their way here, and how they ended."""

from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from services.telemarketing.models import CallList, CallListRow, Campaign
from shared import clock, outbox, transfer
from shared.contracts import campaign as campaign_contract
from shared.contracts import telemarketing as contract
from shared.contracts.customer_query import Channel
from shared.contracts.telemarketing import CallListState
from shared.errors import Conflict

ON_ITS_WAY = (CallListState.LOADING, CallListState.MERGING)
PATIENCE = timedelta(minutes=15)  # so long nobody asks again for a list that is on its way


def needs_call_list(campaign: Campaign) -> bool:
    """Whether it is called by phone and its present audience was not asked for yet."""
    return _is_called(campaign) and campaign.audience_id != campaign.requested_audience_id


def _is_called(campaign: Campaign) -> bool:
    return Channel.PHONE in campaign.channels and campaign.audience_id is not None


def check_can_request(session: Session, campaign: Campaign) -> None:
    """Raises Conflict where there is nothing to ask for, or it comes already."""
    if not _is_called(campaign):
        raise Conflict("La campaña no se llama por teléfono o todavía no tiene público.")
    newest = find_newest(session, campaign.campaign_id)
    if newest is not None and newest.state in ON_ITS_WAY and _is_recent(newest):
        raise Conflict("La lista de llamadas ya está en camino. Espere un momento.")


def _is_recent(found: CallList) -> bool:
    return clock.now() - found.requested_at < PATIENCE


def insert_call_list(session: Session, campaign: Campaign) -> CallList:
    """A call list that expects its rows; campaign is asked for them (`CallListRequested`)."""
    values = {
        "transfer_id": uuid4(),
        "campaign_id": campaign.campaign_id,
        "requested_at": clock.now(),
    }
    made = session.execute(insert(CallList).values(values).returning(CallList)).scalar_one()
    transfer.expect(session, made.transfer_id)
    campaign.requested_audience_id = campaign.audience_id
    outbox.add(
        session,
        contract.CallListRequested(transfer_id=made.transfer_id, campaign_id=made.campaign_id),
    )
    return made


def find_newest(session: Session, campaign_id: int) -> CallList | None:
    """The last one that was asked for."""
    query = select(CallList).filter_by(campaign_id=campaign_id).order_by(CallList.number.desc())
    return session.execute(query.limit(1)).scalar_one_or_none()


def remove_rows(session: Session, transfer_id: UUID) -> None:
    """Drop what came of a call list, of a dead attempt or after its end."""
    session.execute(delete(CallListRow).where(CallListRow.transfer_id == transfer_id))


DESTINATION = transfer.Destination(
    CallListRow.__tablename__, campaign_contract.CALL_LIST_COLUMNS, remove_rows
)


# --- how a list ends ---


def fail(session: Session, transfer_id: UUID, reason: str) -> None:
    """End a list that will not come; one that has ended, or that nobody knows, stays as it is."""
    found = session.get(CallList, transfer_id, with_for_update=True)
    if found is not None and found.state in ON_ITS_WAY:
        end(session, found, CallListState.FAILED, reason)


def end(session: Session, found: CallList, state: CallListState, error: str | None = None) -> None:
    """Close a list that the caller has locked; what still comes of it is dropped."""
    found.state, found.error, found.ended_at = state, error, clock.now()
    transfer.fail(session, found.transfer_id, DESTINATION)


def supersede_older(session: Session, newest: CallList) -> None:
    """Older lists of the campaign that are still on their way are waited for no more."""
    query = select(CallList).where(
        CallList.campaign_id == newest.campaign_id,
        CallList.number < newest.number,
        CallList.state.in_(ON_ITS_WAY),
    )
    for older in session.execute(query).scalars():
        end(session, older, CallListState.SUPERSEDED)


def list_leftovers(session: Session) -> list[UUID]:
    """Lists that have ended and still have rows."""
    some = select(CallListRow.customer_id).where(CallListRow.transfer_id == CallList.transfer_id)
    query = select(CallList.transfer_id).where(CallList.state.not_in(ON_ITS_WAY), some.exists())
    return list(session.execute(query).scalars())
