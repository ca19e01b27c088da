"""mailer's SQL on what is known of campaigns: what their room last announced."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.mailer import rules
from services.mailer.models import Campaign
from shared.contracts.campaign import CampaignBrief, CampaignChanged, Phase


def follow_campaign(session: Session, event: CampaignChanged) -> bool:
    """Keep what was announced; False when something newer is known."""
    values = event.campaign.model_dump(exclude={"script"}) | {"version": event.version}
    row = insert(Campaign).values(values)
    kept = session.execute(
        row.on_conflict_do_update(
            index_elements=["campaign_id"],
            set_={name: row.excluded[name] for name in values if name != "campaign_id"},
            where=Campaign.version < row.excluded.version,
        ).returning(Campaign.campaign_id)
    )
    return kept.first() is not None


def find_holding(session: Session, campaign_id: int) -> Phase | None:
    """The phase last heard of the campaign, if it is one in which nothing is sent for it."""
    known = session.get(Campaign, campaign_id)
    phase = known.phase if known is not None else None
    return phase if phase in rules.HOLDING else None


def list_campaigns(session: Session, campaign_ids: list[int]) -> list[CampaignBrief]:
    """What is known of these campaigns."""
    query = select(Campaign).where(Campaign.campaign_id.in_(campaign_ids))
    return [
        CampaignBrief(
            campaign_id=row.campaign_id,
            name=row.name,
            phase=row.phase,
            channels=row.channels,
            design_id=row.design_id,
            mail_subject=row.mail_subject,
            script="",
        )
        for row in session.execute(query.order_by(Campaign.campaign_id)).scalars()
    ]
