"""Who came to whose list or left it, told to the rooms that decide who may see a person."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.telemarketing.models import ENDED_PHASES, Campaign, Target
from shared import outbox
from shared.contracts.telemarketing import PeopleMoved

BATCH = 500


def announce(
    session: Session,
    campaign_id: int,
    advisor: str,
    customer_ids: Sequence[int],
    at: datetime,
    *,
    given: bool,
) -> None:
    """Say so with the transaction that moves them, in batches."""
    batches = (customer_ids[start : start + BATCH] for start in range(0, len(customer_ids), BATCH))
    outbox.add(
        session,
        *(
            PeopleMoved(
                campaign_id=campaign_id,
                advisor=advisor,
                customer_ids=list(batch),
                given=given,
                at=at,
            )
            for batch in batches
        ),
    )


def announce_page(session: Session, after: tuple[int, int], limit: int) -> tuple[int, int] | None:
    """Say again who is on whose list, from a place in the table on; returns the next, or None.

    For rooms that are new, or that lost what they had heard.
    """
    place = (Target.campaign_id, Target.customer_id)
    rows = session.execute(
        select(Target.campaign_id, Target.customer_id, Target.advisor, Target.assigned_at)
        .join(Campaign, Campaign.campaign_id == Target.campaign_id)
        .where(Target.advisor.is_not(None), Campaign.phase.not_in(ENDED_PHASES))
        .where(func.row(*place) > func.row(*after))
        .order_by(*place)
        .limit(limit)
    ).all()
    moves = sorted(rows, key=lambda row: (row.campaign_id, row.advisor, row.assigned_at))
    for (campaign_id, advisor, at), people in groupby(moves, key=lambda row: (row[0], *row[2:])):
        ids = [row.customer_id for row in people]
        announce(session, campaign_id, advisor, ids, at, given=True)
    return (rows[-1].campaign_id, rows[-1].customer_id) if len(rows) == limit else None
