"""telemarketing's SQL on calls that were made and callbacks that were agreed."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.orm import Session

from services.telemarketing.models import Call, Callback, Campaign, Target
from services.telemarketing.rules import MEANINGS
from shared import keyset
from shared.contract import Slice
from shared.contracts import telemarketing as contract

_MAX_CALLBACKS = 1000
_CONTACTED = [result for result, meaning in MEANINGS.items() if meaning.contacted]
_SUCCESS = [result for result, meaning in MEANINGS.items() if meaning.success]


def insert_call(session: Session, values: dict[str, Any]) -> Call:
    """A call; its lease comes once."""
    return session.execute(insert(Call).values(values).returning(Call)).scalar_one()


def find_of_lease(session: Session, lease_id: UUID) -> Call | None:
    """The call that ended a lease."""
    return session.execute(select(Call).filter_by(lease_id=lease_id)).scalar_one_or_none()


def list_calls(
    session: Session,
    campaign_id: int | None,
    customer_id: int | None,
    advisors: Collection[str] | None,
    after: str | None,
    limit: int,
) -> Slice[Row[Any]]:
    """Newest first, the columns of `contract.Call`."""
    query = select(*keyset.columns(Call, contract.Call), Campaign.name.label("campaign_name")).join(
        Campaign, Campaign.campaign_id == Call.campaign_id
    )
    if advisors is not None:
        query = query.where(Call.advisor.in_(advisors))
    chosen = {Call.campaign_id: campaign_id, Call.customer_id: customer_id}
    for column, value in chosen.items():
        if value is not None:
            query = query.where(column == value)
    return keyset.fetch(session, query, [Call.id.desc()], after, limit)


def to_contract(call: Call, campaign_name: str) -> contract.Call:
    """The call as others may see it."""
    shown = contract.Call.model_fields.keys() - {"campaign_name"}
    return contract.Call(
        **{name: getattr(call, name) for name in shown}, campaign_name=campaign_name
    )


def count_day(session: Session, advisor: str, begins_at: datetime) -> tuple[int, int, int]:
    """Calls, people spoken to and acceptances of an advisor since a moment."""
    query = select(
        func.count(),
        func.count().filter(Call.result.in_(_CONTACTED)),
        func.count().filter(Call.result.in_(_SUCCESS)),
    ).where(Call.advisor == advisor, Call.at >= begins_at)
    calls, contacted, accepted = session.execute(query).one()
    return calls, contacted, accepted


# --- callbacks ---


def insert_callback(session: Session, call: Call) -> None:
    """The agreed call that a call ended with."""
    session.execute(
        insert(Callback).values(
            call_id=call.id,
            campaign_id=call.campaign_id,
            customer_id=call.customer_id,
            advisor=call.advisor,
            at=call.callback_at,
            note=call.note,
        )
    )


def set_callbacks_done(session: Session, campaign_id: int, customer_id: int) -> None:
    """The person was called again."""
    session.execute(
        update(Callback)
        .filter_by(campaign_id=campaign_id, customer_id=customer_id, done=False)
        .values(done=True)
    )


def list_callbacks(
    session: Session, from_at: datetime, to_at: datetime, advisors: Collection[str] | None
) -> Sequence[Row[*tuple[Any, ...]]]:
    """By time, `to_at` not included: the columns of `contract.Callback`."""
    query = (
        select(
            *keyset.columns(Callback, contract.Callback),
            func.concat_ws(" ", Target.first_names, Target.last_names).label("customer_name"),
            func.coalesce(Target.phone, "").label("phone"),
            Campaign.name.label("campaign_name"),
        )
        .join(
            Target,
            (Target.campaign_id == Callback.campaign_id)
            & (Target.customer_id == Callback.customer_id),
        )
        .join(Campaign, Campaign.campaign_id == Callback.campaign_id)
        .where(Callback.at >= from_at, Callback.at < to_at)
        .order_by(Callback.at, Callback.id)
        .limit(_MAX_CALLBACKS)
    )
    if advisors is not None:
        query = query.where(Callback.advisor.in_(advisors))
    return session.execute(query).all()


def count_callbacks(session: Session, advisor: str, begins_at: datetime) -> int:
    """Agreed calls of one day that are still to be made."""
    ends_at = begins_at + timedelta(days=1)
    query = (
        select(func.count())
        .select_from(Callback)
        .where(Callback.at >= begins_at, Callback.at < ends_at)
        .where(Callback.advisor == advisor, Callback.done.is_(False))
    )
    return session.execute(query).scalar_one()


def erase(session: Session, customer_ids: list[int]) -> None:
    """Blank what calls say of people who asked to be forgotten; the calls still count."""
    erased = {"note": ""}
    gone = Call.customer_id.in_(customer_ids)
    session.execute(update(Call).where(gone).values(customer_name="", **erased))
    agreed = Callback.customer_id.in_(customer_ids)
    session.execute(update(Callback).where(agreed).values(done=True, **erased))
