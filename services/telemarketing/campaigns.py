"""telemarketing's SQL on what it knows of campaigns, and on call lists on their way here."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from services.telemarketing.models import CallList, CallListRow, Campaign
from shared import clock, transfer
from shared.contracts import campaign as contract
from shared.contracts.customer_query import Channel
from shared.errors import NotFound


def get_campaign(session: Session, campaign_id: int, *, lock: bool = False) -> Campaign:
    """One campaign, its row locked when asked. Raises NotFound."""
    found = session.get(Campaign, campaign_id, with_for_update=lock)
    if found is None:
        raise NotFound("La campaña no existe.")
    return found


def set_brief(session: Session, brief: contract.CampaignBrief, version: int) -> Campaign:
    """What a campaign says of itself; an older version that comes late changes nothing."""
    campaign = _get_or_insert(session, brief.campaign_id)
    if version > campaign.version:
        campaign.name, campaign.script = brief.name, brief.script
        campaign.phase, campaign.channels = brief.phase, list(brief.channels)
        campaign.version = version
    return campaign


def set_audience(session: Session, campaign_id: int, audience_id: UUID) -> Campaign:
    """The campaign's present audience."""
    campaign = _get_or_insert(session, campaign_id)
    campaign.audience_id = audience_id
    return campaign


def _get_or_insert(session: Session, campaign_id: int) -> Campaign:
    row = postgresql.insert(Campaign).values(campaign_id=campaign_id)
    session.execute(row.on_conflict_do_nothing())
    return get_campaign(session, campaign_id, lock=True)


# --- call lists ---


def needs_call_list(campaign: Campaign) -> bool:
    """Whether it is called by phone and its present audience was not asked for yet."""
    return (
        Channel.PHONE in campaign.channels
        and campaign.audience_id is not None
        and campaign.audience_id != campaign.requested_audience_id
    )


def insert_call_list(session: Session, campaign: Campaign) -> UUID:
    """A call list that expects its rows."""
    transfer_id = uuid4()
    session.execute(
        insert(CallList).values(transfer_id=transfer_id, campaign_id=campaign.campaign_id)
    )
    transfer.expect(session, transfer_id)
    campaign.requested_audience_id = campaign.audience_id
    return transfer_id


def remove_rows(session: Session, transfer_id: UUID) -> None:
    """Drop what came of a call list, of a dead attempt or after its merge."""
    session.execute(delete(CallListRow).where(CallListRow.transfer_id == transfer_id))


TARGET = transfer.Target(CallListRow.__tablename__, contract.CALL_LIST_COLUMNS, remove_rows)


def merge(session: Session, transfer_id: UUID) -> None:
    """Make a complete call list the campaign's; done once, and never over a newer list.

    Known people get their new data and keep advisor, results and agreed calls. Who is no longer
    in the audience goes, unless somebody has, or has called, that person.
    """
    found = session.get_one(CallList, transfer_id)
    campaign = get_campaign(session, found.campaign_id, lock=True)
    session.refresh(found, with_for_update=True)
    if found.merged_at is None and not _is_superseded(session, found):
        values: dict[str, Any] = {"transfer_id": transfer_id, "campaign_id": found.campaign_id}
        session.execute(text(_UPSERT), values)
        session.execute(text(_REMOVE_GONE), values)
        campaign.listed_at = clock.now()
    found.merged_at = clock.now()
    remove_rows(session, transfer_id)


def _is_superseded(session: Session, call_list: CallList) -> bool:
    newer = select(CallList.number).where(
        CallList.campaign_id == call_list.campaign_id,
        CallList.number > call_list.number,
        CallList.merged_at.is_not(None),
    )
    return session.execute(newer.limit(1)).first() is not None


_PERSON = contract.CALL_LIST_COLUMNS[3:]
_COLUMNS = ", ".join(_PERSON)
_NEWS = ", ".join(f"{name} = excluded.{name}" for name in _PERSON)
_DIFFERS = (
    f"({', '.join(f't.{name}' for name in _PERSON)}) IS DISTINCT FROM "
    f"({', '.join(f'excluded.{name}' for name in _PERSON)})"
)
_UPSERT = f"""
    INSERT INTO call_target AS t (campaign_id, customer_id, {_COLUMNS})
    SELECT campaign_id, customer_id, {_COLUMNS} FROM call_list_row
    WHERE transfer_id = :transfer_id
    ON CONFLICT (campaign_id, customer_id) DO UPDATE SET {_NEWS} WHERE {_DIFFERS}
"""  # noqa: S608  # names of ours
_GONE = """
    t.campaign_id = :campaign_id AND NOT EXISTS (
        SELECT FROM call_list_row r
        WHERE r.transfer_id = :transfer_id AND r.customer_id = t.customer_id
    )
"""
_REMOVE_GONE = f"""
    DELETE FROM call_target t WHERE {_GONE} AND t.advisor IS NULL AND t.attempts = 0
"""  # noqa: S608  # names of ours
