"""campaign's SQL on campaigns and their phases."""

from datetime import date
from typing import Any

from sqlalchemy import Row, SQLColumnExpression, func, insert, select, update
from sqlalchemy.orm import Session

from services.campaign.models import Audience, Campaign, PhaseChange
from shared import edits, keyset, search
from shared.contract import Slice
from shared.contracts import campaign as contract
from shared.contracts.campaign import Phase
from shared.contracts.customer_query import Channel
from shared.errors import NotFound
from shared.keyset import Asked


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


_TRANSFERRED = func.coalesce(Audience.rows, 0)
_ORDERS: dict[str, SQLColumnExpression[Any]] = {
    "id": Campaign.id,
    "name": Campaign.name,
    "budget": Campaign.budget,
    "starts_on": func.coalesce(Campaign.starts_on, date.max),
    "ends_on": func.coalesce(Campaign.ends_on, date.max),
    "transferred": _TRANSFERRED,
}


def list_campaigns(
    session: Session, phase: Phase | None, text: str | None, channel: Channel | None, asked: Asked
) -> Slice[Row[Any]]:
    """The columns of `contract.CampaignRow`."""
    query = select(
        *keyset.columns(Campaign, contract.CampaignRow),
        _TRANSFERRED.label("transferred"),
    ).outerjoin(Audience, Audience.id == Campaign.audience_id)
    if phase is not None:
        query = query.where(Campaign.phase == phase)
    if channel is not None:
        query = query.where(Campaign.channels.contains([channel]))
    query = query.where(*search.holds(Campaign.name, text))
    return keyset.fetch_asked(session, query, _ORDERS, Campaign.id, asked)


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
