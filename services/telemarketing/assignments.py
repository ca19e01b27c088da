"""telemarketing's SQL on who has whom."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, or_, select, text, update
from sqlalchemy.orm import Session, aliased

from services.telemarketing.models import (
    NOBODY_YET,
    Callback,
    Campaign,
    HeldPerson,
    RiskRefresh,
    Target,
    TargetState,
)
from services.telemarketing.rules import Share
from shared import keyset
from shared.contract import Slice
from shared.contracts.customer_query import Block

_FREE = text(NOBODY_YET)


def count_unassigned(session: Session, campaign_id: int) -> int:
    """People who may be called and whom nobody has; on a partial index."""
    query = select(func.count()).select_from(Target).where(Target.campaign_id == campaign_id, _FREE)
    return session.execute(query).scalar_one()


def count_unassigned_by_province(session: Session, campaign_id: int) -> dict[str | None, int]:
    """The same, by INEC code; None are those whose province is not known."""
    query = (
        select(Target.province, func.count())
        .where(Target.campaign_id == campaign_id, _FREE)
        .group_by(Target.province)
    )
    return dict(session.execute(query).all())


def count_open(session: Session, campaign_id: int, advisors: list[str]) -> dict[str, int]:
    """How many of a campaign each of these advisors still has to call."""
    query = (
        select(Target.advisor, func.count())
        .where(
            Target.campaign_id == campaign_id,
            Target.advisor.in_(advisors),
            Target.state == TargetState.OPEN,
        )
        .group_by(Target.advisor)
    )
    found = dict(session.execute(query).all())
    return {advisor: found.get(advisor, 0) for advisor in advisors}


def give(session: Session, campaign_id: int, share: Share) -> list[int]:
    """Assign up to `share.count` of those nobody has; returns whom.

    Rows that another transaction holds are skipped, and an assigned row is no longer free when
    its lock is gained: nobody is ever given to two.
    """
    picked = select(Target.customer_id).where(Target.campaign_id == campaign_id, _FREE)
    if share.province is not None:
        picked = picked.where(Target.province.is_not_distinct_from(share.province[0]))
    picked_rows = picked.limit(share.count).with_for_update(skip_locked=True).cte("picked")
    given = session.execute(
        update(Target)
        .where(Target.campaign_id == campaign_id, Target.customer_id == picked_rows.c.customer_id)
        .values(advisor=share.advisor, assigned_at=func.now())
        .returning(Target.customer_id)
    )
    customer_ids = list(given.scalars())
    _give_callbacks(session, campaign_id, customer_ids, share.advisor)
    return customer_ids


def _give_callbacks(
    session: Session, campaign_id: int, customer_ids: list[int], advisor: str
) -> None:
    """Agreed calls go with the person."""
    session.execute(
        update(Callback)
        .where(
            Callback.campaign_id == campaign_id,
            Callback.customer_id.in_(customer_ids),
            Callback.done.is_(False),
        )
        .values(advisor=advisor)
    )


def take_back(session: Session, campaign_id: int, advisor: str, now: datetime) -> list[int]:
    """Free those an advisor has open and is not speaking to at this moment; returns whom.

    Locked by customer, as a merge does.
    """
    theirs = (
        select(Target.customer_id)
        .where(
            Target.campaign_id == campaign_id,
            Target.advisor == advisor,
            Target.state == TargetState.OPEN,
            or_(Target.lease_until.is_(None), Target.lease_until <= now),
        )
        .order_by(Target.customer_id)
        .with_for_update()
        .cte("theirs")
    )
    freed = session.execute(
        update(Target)
        .where(Target.campaign_id == campaign_id, Target.customer_id == theirs.c.customer_id)
        .values(advisor=None, assigned_at=None)
        .returning(Target.customer_id)
    )
    return list(freed.scalars())


def list_assignments(
    session: Session,
    campaign_id: int | None,
    advisors: Collection[str] | None,
    after: str | None,
    limit: int,
) -> Slice[Row[Any]]:
    """By campaign, newest first, then advisor: the columns of `contract.Assignment`."""
    is_open, refresh = Target.state == TargetState.OPEN, aliased(RiskRefresh, name="refresh")
    query = (
        select(
            Target.campaign_id,
            Campaign.name.label("campaign_name"),
            Target.advisor,
            func.count().label("assigned"),
            func.count().filter(is_open).label("open"),
            func.count().filter(~is_open).label("done"),
            refresh,
        )
        .join(Campaign, Campaign.campaign_id == Target.campaign_id)
        .outerjoin(
            refresh,
            and_(
                refresh.campaign_id == Target.campaign_id,
                refresh.advisor == Target.advisor,
            ),
        )
        .where(Target.advisor.is_not(None), *_chosen(campaign_id, advisors))
        .group_by(
            Target.campaign_id,
            Campaign.name,
            Target.advisor,
            refresh.campaign_id,
            refresh.advisor,
        )
    )
    order = [Target.campaign_id.desc(), Target.advisor]
    return keyset.fetch(session, query, order, after, limit)


def _chosen(campaign_id: int | None, advisors: Collection[str] | None) -> list[ColumnElement[bool]]:
    chosen = []
    if campaign_id is not None:
        chosen.append(Target.campaign_id == campaign_id)
    if advisors is not None:
        chosen.append(Target.advisor.in_(advisors))
    return chosen


# --- the people themselves ---


def find_person(session: Session, customer_id: int) -> Target | None:
    """A person on any call list, by the newest campaign."""
    query = (
        select(Target)
        .filter_by(customer_id=customer_id)
        .order_by(Target.campaign_id.desc())
        .limit(1)
    )
    return session.execute(query).scalar_one_or_none()


def list_open_people(
    session: Session, campaign_id: int, advisor: str, after: int, limit: int
) -> list[tuple[int, str]]:
    """Customer and cédula of those an advisor has open, by customer, those after `after`."""
    query = (
        select(Target.customer_id, Target.cedula)
        .where(
            Target.campaign_id == campaign_id,
            Target.advisor == advisor,
            Target.state == TargetState.OPEN,
            Target.customer_id > after,
        )
        .order_by(Target.customer_id)
        .limit(limit)
    )
    return list(session.execute(query))


def end_everywhere(session: Session, customer_id: int, now: datetime) -> None:
    """Whoever asked not to be called any more is called by no campaign, from this moment.

    Also a lease that another advisor has on the person ends; its id stays on the row, so that
    what was spoken can still be told. The rows of the lists come before `held_person`, as when
    somebody takes a person.
    """
    session.execute(
        update(Target)
        .where(Target.customer_id == customer_id)
        .values(
            held=Block.DO_NOT_CONTACT,
            state=TargetState.DONE,
            callback_at=None,
            lease_until=func.least(Target.lease_until, now),
        )
    )
    agreed = update(Callback).filter_by(customer_id=customer_id, done=False)
    session.execute(agreed.values(done=True))
    session.execute(delete(HeldPerson).where(HeldPerson.customer_id == customer_id))


def erase(session: Session, customer_ids: list[int]) -> None:
    """Blank the copies of people who asked to be forgotten; the rows still count."""
    session.execute(
        update(Target)
        .where(Target.customer_id.in_(customer_ids))
        .values(
            cedula=func.concat("borrado-", Target.customer_id),
            first_names="",
            last_names="",
            birth_on=None,
            income=None,
            email=None,
            phone=None,
            note="",
            held=Block.DO_NOT_CONTACT,
            callback_at=None,
        )
    )
