"""telemarketing's SQL on what it knows of campaigns."""

from uuid import UUID

from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from services.telemarketing.models import Campaign
from shared.contracts import campaign as contract
from shared.errors import NotFound


def get_campaign(session: Session, campaign_id: int, *, lock: bool = False) -> Campaign:
    """One campaign, its row locked when asked. Raises NotFound."""
    found = session.get(Campaign, campaign_id, with_for_update=lock)
    if found is None:
        raise NotFound("La campaña no existe.")
    return found


def follow_campaign(session: Session, brief: contract.CampaignBrief, version: int) -> Campaign:
    """What a campaign says of itself; an older version that comes late changes nothing."""
    campaign = _get_or_insert(session, brief.campaign_id)
    if version > campaign.version:
        campaign.name, campaign.script = brief.name, brief.script
        campaign.phase, campaign.channels = brief.phase, list(brief.channels)
        campaign.version = version
    return campaign


def set_audience(session: Session, campaign_id: int, audience_id: UUID, version: int) -> Campaign:
    """The campaign's present audience; an older version that comes late changes nothing."""
    campaign = _get_or_insert(session, campaign_id)
    if version > campaign.audience_version:
        campaign.audience_id, campaign.audience_version = audience_id, version
    return campaign


def _get_or_insert(session: Session, campaign_id: int) -> Campaign:
    row = postgresql.insert(Campaign).values(campaign_id=campaign_id)
    session.execute(row.on_conflict_do_nothing())
    return get_campaign(session, campaign_id, lock=True)
