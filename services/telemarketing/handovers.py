"""telemarketing's SQL on open work that goes from one advisor to others."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from services.telemarketing.models import (
    CALLABLE,
    ENDED_PHASES,
    Callback,
    Campaign,
    Target,
    TargetState,
)

MOST_AT_ONCE = 10_000
MOST_LISTED = 200

# The next name of the queue's index each time: five hundred probes, and no walk through a million
_HOLDERS = text(f"""
    WITH RECURSIVE holder(advisor) AS (
        (SELECT advisor FROM call_target WHERE {CALLABLE} AND advisor IS NOT NULL
         ORDER BY advisor LIMIT 1)
        UNION ALL
        SELECT (SELECT advisor FROM call_target WHERE {CALLABLE} AND advisor > holder.advisor
                ORDER BY advisor LIMIT 1)
        FROM holder WHERE holder.advisor IS NOT NULL
    )
    SELECT advisor FROM holder WHERE advisor IS NOT NULL
""")  # noqa: S608  # words of this program alone


def list_holders(session: Session) -> set[str]:
    """Everybody who has somebody to call."""
    return set(session.execute(_HOLDERS).scalars())


def list_open_work(session: Session, advisors: Collection[str]) -> list[Row[Any]]:
    """Of these advisors, who has whom to call; the next agreed call first."""
    first = func.min(Target.callback_at)
    query = (
        select(
            Target.advisor,
            func.count().label("open"),
            func.count(Target.callback_at).label("callbacks"),
            first.label("next_callback_at"),
            func.count(Target.campaign_id.distinct()).label("campaigns"),
        )
        .join(Campaign, Campaign.campaign_id == Target.campaign_id)
        .where(Target.advisor.in_(advisors), text(CALLABLE), Campaign.phase.not_in(ENDED_PHASES))
        .group_by(Target.advisor)
        .order_by(first.asc().nulls_last(), func.count().desc(), Target.advisor)
        .limit(MOST_LISTED)
    )
    return list(session.execute(query))


def hand_over(
    session: Session, advisor: str, to: Sequence[str], now: datetime
) -> dict[tuple[int, str], list[int]]:
    """Share what is open; returns whom by campaign and new advisor.

    In turn, agreed calls first, so that everybody gets as many of them. Campaigns are locked
    before their people, as each assignment does.
    """
    campaigns = _lock_campaigns(session, advisor)
    theirs = (
        select(Target.campaign_id, Target.customer_id, Target.callback_at)
        .where(
            Target.advisor == advisor,
            Target.campaign_id.in_(campaigns),
            Target.state == TargetState.OPEN,
            or_(Target.lease_until.is_(None), Target.lease_until <= now),
        )
        .order_by(Target.campaign_id, Target.customer_id)
        .limit(MOST_AT_ONCE)
        .with_for_update()
        .cte("theirs")
    )
    place = func.row_number().over(
        order_by=(theirs.c.callback_at.asc().nulls_last(), theirs.c.campaign_id)
    )
    dealt = select(theirs.c.campaign_id, theirs.c.customer_id, place.label("place")).cte("dealt")
    names = func.unnest(literal(list(to), ARRAY(Text)))
    seats = names.table_valued("name", with_ordinality="seat").render_derived(name="seats")
    moved = session.execute(
        update(Target)
        .where(
            Target.campaign_id == dealt.c.campaign_id,
            Target.customer_id == dealt.c.customer_id,
            seats.c.seat == 1 + (dealt.c.place - 1) % len(to),
        )
        .values(advisor=seats.c.name, assigned_at=now)
        .returning(Target.campaign_id, Target.advisor, Target.customer_id)
    ).all()
    _move_callbacks(session, advisor)
    shares: dict[tuple[int, str], list[int]] = defaultdict(list)
    for row in moved:
        shares[row.campaign_id, row.advisor].append(row.customer_id)
    return shares


def count_open(session: Session, advisor: str) -> int:
    """How many the advisor still has to call."""
    query = (
        select(func.count()).select_from(Target).where(Target.advisor == advisor, text(CALLABLE))
    )
    return session.execute(query).scalar_one()


def _lock_campaigns(session: Session, advisor: str) -> list[int]:
    theirs = select(Target.campaign_id).where(Target.advisor == advisor, text(CALLABLE))
    query = (
        select(Campaign.campaign_id)
        .where(Campaign.campaign_id.in_(theirs), Campaign.phase.not_in(ENDED_PHASES))
        .order_by(Campaign.campaign_id)
        .with_for_update()
    )
    return list(session.execute(query).scalars())


def _move_callbacks(session: Session, advisor: str) -> None:
    """Agreed calls go with the person."""
    session.execute(
        update(Callback)
        .where(
            Callback.advisor == advisor,
            Callback.done.is_(False),
            Callback.campaign_id == Target.campaign_id,
            Callback.customer_id == Target.customer_id,
            Target.advisor.is_not(None),
            Target.advisor != advisor,
        )
        .values(advisor=Target.advisor)
    )
