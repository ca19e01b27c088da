"""Campaigns, their phases and their audience over REST."""

from typing import Annotated

from pydantic import Field

from services.gateway.asking import Ask
from services.gateway.routing import Api
from shared.contract import Id, Limit, Model, Page
from shared.contracts.campaign import (
    Audience,
    Campaign,
    CampaignChange,
    CampaignRow,
    CampaignStatistics,
    Member,
    NewCampaign,
    Phase,
    PhaseChange,
    change_phase,
    create_campaign,
    get_audience,
    get_campaign,
    get_statistics,
    list_campaigns,
    list_members,
    list_phase_changes,
    request_audience,
    update_campaign,
)
from shared.contracts.identity import Permission

api = Api("campaign")


class PhaseStep(Model):
    """Where to move a campaign, and why; pausing and cancelling need a reason."""

    phase: Phase
    reason: Annotated[str, Field(max_length=500)] = ""


@api.get("/campaigns", allow=Permission.CAMPAIGN_READ)
async def show_campaigns(
    ask: Ask,
    phase: Phase | None = None,
    search: str | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[CampaignRow]:
    """Campaigns, newest first."""
    return await ask(list_campaigns, phase=phase, search=search, after=after, limit=limit)


@api.post("/campaigns", allow=Permission.CAMPAIGN_WRITE, status_code=201)
async def add_campaign(new: NewCampaign, ask: Ask) -> Campaign:
    """A draft whose audience is transferred at once."""
    return await ask(create_campaign, new)


@api.get("/campaigns/{campaign_id}", allow=Permission.CAMPAIGN_READ)
async def show_campaign(campaign_id: Id, ask: Ask) -> Campaign:
    """One campaign, whole."""
    return await ask(get_campaign, campaign_id)


@api.patch("/campaigns/{campaign_id}", allow=Permission.CAMPAIGN_WRITE)
async def edit_campaign(campaign_id: Id, change: CampaignChange, ask: Ask) -> Campaign:
    """Change what is given; 409 names what the phase no longer lets change."""
    return await ask(update_campaign, campaign_id, change)


@api.post("/campaigns/{campaign_id}/phase", allow=Permission.CAMPAIGN_WRITE)
async def move_campaign(campaign_id: Id, step: PhaseStep, ask: Ask) -> Campaign:
    """Move to another phase; 422 names everything that is missing for it."""
    return await ask(change_phase, campaign_id, step.phase, step.reason)


@api.get("/campaigns/{campaign_id}/phases", allow=Permission.CAMPAIGN_READ)
async def show_phase_changes(campaign_id: Id, ask: Ask) -> list[PhaseChange]:
    """Who moved it, when and why, oldest first."""
    return await ask(list_phase_changes, campaign_id)


@api.post("/campaigns/{campaign_id}/audience", allow=Permission.CAMPAIGN_WRITE, status_code=202)
async def transfer_audience(campaign_id: Id, ask: Ask) -> Audience:
    """Transfer the segment's customers anew; while a transfer runs it is that one's state."""
    return await ask(request_audience, campaign_id)


@api.get("/campaigns/{campaign_id}/audience", allow=Permission.CAMPAIGN_READ)
async def show_audience(campaign_id: Id, ask: Ask) -> Audience:
    """State and figures of the audience."""
    return await ask(get_audience, campaign_id)


@api.get("/campaigns/{campaign_id}/members", allow=Permission.CAMPAIGN_READ)
async def show_members(
    campaign_id: Id,
    ask: Ask,
    search: str | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[Member]:
    """The customers of the audience; `search` is a cédula or a surname's beginning."""
    return await ask(list_members, campaign_id, search=search, after=after, limit=limit)


@api.get("/campaigns/{campaign_id}/statistics", allow=Permission.STATISTICS_READ)
async def show_statistics(campaign_id: Id, ask: Ask) -> CampaignStatistics:
    """All figures of a campaign."""
    return await ask(get_statistics, campaign_id)
