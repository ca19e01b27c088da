"""campaign's SQL on campaigns and their phases."""

from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from services.campaign.models import Audience, Campaign, PhaseChange
from shared.contracts import campaign as contract
from shared.errors import NotFound


def get_campaign(session: Session, campaign_id: int, *, lock: bool = False) -> Campaign:
    """One campaign, its row locked when asked. Raises NotFound."""
    found = session.get(Campaign, campaign_id, with_for_update=lock)
    if found is None:
        raise NotFound("La campaña no existe.")
    return found


def insert_campaign(session: Session, values: dict[str, Any]) -> Campaign:
    """A new campaign."""
    return session.execute(insert(Campaign).values(values).returning(Campaign)).scalar_one()


def set_values(session: Session, campaign_id: int, values: dict[str, Any]) -> Campaign:
    """Change columns, and the version with them."""
    return session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id)
        .values(version=Campaign.version + 1, **values)
        .returning(Campaign)
        .execution_options(populate_existing=True)
    ).scalar_one()


def insert_phase_change(
    session: Session, campaign_id: int, by: str, old: str | None, new: str, reason: str
) -> None:
    """A line of the campaign's history."""
    session.execute(
        insert(PhaseChange).values(
            campaign_id=campaign_id, by=by, old=old, new=new, reason=reason.strip()
        )
    )


def list_phase_changes(session: Session, campaign_id: int) -> list[contract.PhaseChange]:
    """Oldest first; a campaign has a handful."""
    query = select(PhaseChange).filter_by(campaign_id=campaign_id).order_by(PhaseChange.id)
    return [
        contract.PhaseChange(
            at=row.at,
            by=row.by,
            old=row.old,
            new=row.new,
            reason=row.reason,
        )
        for row in session.execute(query).scalars()
    ]


def list_campaigns(
    session: Session, phase: str | None, search: str | None, after: int | None, limit: int
) -> list[contract.CampaignRow]:
    """Newest first, those older than `after`."""
    query = (
        select(Campaign, Audience.rows)
        .outerjoin(Audience, Audience.id == Campaign.audience_id)
        .order_by(Campaign.id.desc())
        .limit(limit)
    )
    if phase is not None:
        query = query.where(Campaign.phase == phase)
    if search:
        query = query.where(Campaign.name.icontains(search.strip(), autoescape=True))
    if after is not None:
        query = query.where(Campaign.id < after)
    return [
        contract.CampaignRow(
            id=row.id,
            name=row.name,
            phase=row.phase,
            channels=row.channels,
            budget=row.budget,
            starts_on=row.starts_on,
            ends_on=row.ends_on,
            owner=row.owner,
            transferred=rows or 0,
        )
        for row, rows in session.execute(query)
    ]


def brief(campaign: Campaign) -> contract.CampaignBrief:
    """What the other rooms are told."""
    return contract.CampaignBrief(
        campaign_id=campaign.id,
        name=campaign.name,
        phase=campaign.phase,
        channels=campaign.channels,
        design_id=campaign.design_id,
        mail_subject=campaign.mail_subject,
        script=campaign.script,
    )
