"""campaign's SQL on campaigns and their phases."""

from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.orm import Session

from services.campaign.models import Audience, Campaign, PhaseChange
from shared import edits, keyset
from shared.contract import Slice
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
    """A person's change of columns, and of the version with them."""
    version = Campaign.version + 1
    return session.execute(
        update(Campaign)
        .where(Campaign.id == campaign_id)
        .values(version=version, changed_version=version, **edits.mark(), **values)
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


def list_phase_changes(session: Session, campaign_id: int) -> list[PhaseChange]:
    """Oldest first; a campaign has a handful."""
    query = select(PhaseChange).filter_by(campaign_id=campaign_id).order_by(PhaseChange.id)
    return list(session.execute(query).scalars())


def list_campaigns(
    session: Session, phase: str | None, search: str | None, after: str | None, limit: int
) -> Slice[Row[Any]]:
    """Newest first, the columns of `contract.CampaignRow`."""
    query = select(
        *keyset.columns(Campaign, contract.CampaignRow),
        func.coalesce(Audience.rows, 0).label("transferred"),
    ).outerjoin(Audience, Audience.id == Campaign.audience_id)
    if phase is not None:
        query = query.where(Campaign.phase == phase)
    if search:
        query = query.where(Campaign.name.icontains(search.strip(), autoescape=True))
    return keyset.fetch(session, query, [Campaign.id.desc()], after, limit)


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
