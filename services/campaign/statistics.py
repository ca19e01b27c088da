"""campaign's SQL on figures. Each function is one statement, or one per chart."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    select,
)
from sqlalchemy import Date as DateType
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session, aliased

from services.campaign.models import (
    Audience,
    CallFact,
    Campaign,
    MailFact,
    MailingFact,
    Member,
    Touch,
)
from shared import keyset
from shared.contract import Slice
from shared.contracts import campaign as contract
from shared.contracts.customer_query import Gender
from shared.contracts.mailer import RecipientState, SkipReason
from shared.contracts.telemarketing import CallResult
from shared.ecuador import provinces
from shared.words import UNKNOWN

AGE_GROUPS = ((18, 30, "18 a 29"), (30, 45, "30 a 44"), (45, 60, "45 a 59"), (60, 200, "60 y más"))
OVERLAP_LIMIT = 200
CAMPAIGN_LIMIT = 100


def count_by_result(session: Session, campaign_id: int) -> list[contract.Count]:
    """Calls by result, in the order of the results' keys."""
    query = select(CallFact.result, func.count()).filter_by(campaign_id=campaign_id)
    found = dict(session.execute(query.group_by(CallFact.result)).all())
    return [
        contract.Count(key=result, label=result.word, count=found[result])
        for result in CallResult
        if result in found
    ]


def count_by_day(session: Session, campaign_id: int) -> list[contract.DayCount]:
    """Calls by day (America/Guayaquil) and result."""
    day = cast(func.timezone("America/Guayaquil", CallFact.at), DateType)
    query = (
        select(day, CallFact.result, func.count())
        .where(CallFact.campaign_id == campaign_id)
        .group_by(day, CallFact.result)
        .order_by(day, CallFact.result)
    )
    return [
        contract.DayCount(on=on, result=result, count=count)
        for on, result, count in session.execute(query)
    ]


def count_by_advisor(session: Session, campaign_id: int) -> list[contract.Count]:
    """Calls by advisor, busiest first."""
    query = (
        select(CallFact.advisor, func.count())
        .where(CallFact.campaign_id == campaign_id)
        .group_by(CallFact.advisor)
        .order_by(func.count().desc(), CallFact.advisor)
    )
    return [
        contract.Count(key=advisor, label=advisor, count=count)
        for advisor, count in session.execute(query)
    ]


def count_mails(session: Session, campaign_id: int) -> contract.MailFunnel:
    """All runs of the campaign; what has no outcome yet is pending."""
    target = session.execute(
        select(func.coalesce(func.sum(MailingFact.target), 0)).filter_by(campaign_id=campaign_id)
    ).scalar_one()
    reason = case((MailFact.state == RecipientState.SKIPPED, MailFact.reason)).label("why")
    query = (
        select(MailFact.state, reason, func.count(), func.count().filter(MailFact.unsubscribed))
        .where(MailFact.campaign_id == campaign_id)
        .group_by(MailFact.state, reason)
    )
    states: dict[RecipientState, int] = defaultdict(int)
    skipped: dict[SkipReason, int] = {}
    unsubscribed = 0
    for state, reason, count, left in session.execute(query):
        states[state] += count
        unsubscribed += left
        if state is RecipientState.SKIPPED:
            skipped[SkipReason(reason)] = count
    return contract.MailFunnel(
        target=int(target),
        pending=max(0, int(target) - sum(states.values())),
        sent=states[RecipientState.SENT],
        failed=states[RecipientState.FAILED],
        skipped=skipped,
        doubtful=states[RecipientState.DOUBTFUL],
        cancelled=states[RecipientState.CANCELLED],
        unsubscribed=unsubscribed,
    )


def count_people(session: Session, campaign_id: int) -> tuple[int, int]:
    """Distinct people contacted, and those who accepted."""
    contacted, accepted = session.execute(
        select(func.count().filter(Touch.contacted), func.count().filter(Touch.accepted)).where(
            Touch.campaign_id == campaign_id
        )
    ).one()
    return int(contacted), int(accepted)


# --- audience groups: of one campaign, or over the present editions of all ---


def count_by_province(session: Session, campaign_id: int | None) -> list[contract.ProvinceFigures]:
    """All 24 provinces by code; those without people count zero."""
    found = {
        code: (audience, contacted, accepted)
        for code, audience, contacted, accepted in session.execute(
            _grouped(Member.province, campaign_id)
        )
    }
    return [
        contract.ProvinceFigures(
            province=province.code,
            name=province.name,
            audience=audience,
            contacted=contacted,
            accepted=accepted,
            success_rate=accepted / contacted if contacted else None,
        )
        for province in provinces.provinces()
        for audience, contacted, accepted in [found.get(province.code, (0, 0, 0))]
    ]


def count_by_gender(session: Session, campaign_id: int | None) -> list[contract.GroupFigures]:
    """F, M, X and unknown."""
    rows = session.execute(_grouped(cast(Member.gender, Text), campaign_id))
    return _groups(rows, {gender: gender.plural for gender in Gender} | {None: UNKNOWN})


def count_by_age(session: Session, campaign_id: int | None) -> list[contract.GroupFigures]:
    """By whole years today."""
    age = func.date_part("year", func.age(Member.birth_on))
    group = case(
        *((and_(age >= low, age < high), label) for low, high, label in AGE_GROUPS), else_=UNKNOWN
    )
    labels = {label: label for _, _, label in AGE_GROUPS} | {UNKNOWN: UNKNOWN}
    return _groups(session.execute(_grouped(group, campaign_id)), labels)


def _grouped(group: Any, campaign_id: int | None) -> Select[Any]:
    """Audience, contacted and accepted by a property of the people, in one pass."""
    key = group.label("key")
    query = (
        select(
            key,
            func.count(),
            func.count().filter(Touch.contacted),
            func.count().filter(Touch.accepted),
        )
        .select_from(Campaign)
        .join(Member, Member.audience_id == Campaign.audience_id)
        .outerjoin(Touch, _same_touch())
        .group_by(key)
    )
    if campaign_id is not None:
        return query.where(Campaign.id == campaign_id)
    return query.where(Campaign.phase != contract.Phase.CANCELLED)


def _same_touch() -> ColumnElement[bool]:
    return and_(Touch.campaign_id == Campaign.id, Touch.customer_id == Member.customer_id)


def _groups(
    rows: Iterable[tuple[str | None, int, int, int]], labels: Mapping[Any, str]
) -> list[contract.GroupFigures]:
    found = {key: figures for key, *figures in rows}
    return [
        contract.GroupFigures(
            key=key or "",
            label=label,
            audience=figures[0],
            contacted=figures[1],
            accepted=figures[2],
        )
        for key, label in labels.items()
        if (figures := found.get(key)) is not None
    ]


# --- campaigns beside each other ---


def list_by_budget(session: Session) -> list[contract.CampaignFigures]:
    """The newest campaigns, largest budget first."""
    newest = select(Campaign).order_by(Campaign.id.desc()).limit(CAMPAIGN_LIMIT).subquery()
    row = aliased(Campaign, newest)
    touches = (
        select(
            Touch.campaign_id,
            func.count().filter(Touch.contacted).label("contacted"),
            func.count().filter(Touch.accepted).label("accepted"),
        )
        .where(Touch.campaign_id.in_(select(newest.c.id)))
        .group_by(Touch.campaign_id)
        .subquery()
    )
    query = (
        select(
            row,
            func.coalesce(Audience.rows, 0),
            func.coalesce(touches.c.contacted, 0),
            func.coalesce(touches.c.accepted, 0),
        )
        .outerjoin(Audience, Audience.id == row.audience_id)
        .outerjoin(touches, touches.c.campaign_id == row.id)
        .order_by(row.budget.desc(), row.id.desc())
    )
    return [
        contract.CampaignFigures(
            campaign_id=campaign.id,
            name=campaign.name,
            phase=campaign.phase,
            budget=campaign.budget,
            expected_revenue=campaign.expected_revenue,
            audience=audience,
            contacted=contacted,
            accepted=accepted,
        )
        for campaign, audience, contacted, accepted in session.execute(query)
    ]


def repeated_customers(
    session: Session, after: str | None, limit: int
) -> contract.RepeatedCustomers:
    """People in more than one present audience, and how many each two campaigns share."""
    found = _list_repeated(session, after, limit)
    return contract.RepeatedCustomers(
        total=_count_repeated(session),
        campaigns=_names(session),
        matrix=_overlaps(session),
        customers=[contract.RepeatedCustomer.model_validate(row) for row in found.rows],
        next=found.next,
        previous=found.previous,
    )


def _present() -> Select[int, int, str, str, str]:
    return (
        select(
            Campaign.id.label("campaign_id"),
            Member.customer_id,
            Member.cedula,
            Member.first_names,
            Member.last_names,
        )
        .join(Member, Member.audience_id == Campaign.audience_id)
        .where(Campaign.phase != contract.Phase.CANCELLED)
    )


def _list_repeated(session: Session, after: str | None, limit: int) -> Slice[Row[Any]]:
    present = _present().subquery()
    columns = present.c
    query = (
        select(
            columns.customer_id,
            func.min(columns.cedula).label("cedula"),
            func.min(columns.first_names + " " + columns.last_names).label("full_name"),
            func.array_agg(aggregate_order_by(columns.campaign_id, columns.campaign_id)).label(
                "campaigns"
            ),
        )
        .group_by(columns.customer_id)
        .having(func.count() > 1)
    )
    return keyset.fetch(session, query, [columns.customer_id], after, limit)


def _count_repeated(session: Session) -> int:
    present = _present().subquery()
    repeated = (
        select(present.c.customer_id).group_by(present.c.customer_id).having(func.count() > 1)
    ).subquery()
    return session.execute(select(func.count()).select_from(repeated)).scalar_one()


def _overlaps(session: Session) -> list[contract.Overlap]:
    first, second = _present().subquery(), _present().subquery()
    query = (
        select(first.c.campaign_id, second.c.campaign_id, func.count())
        .join(
            second,
            and_(
                first.c.customer_id == second.c.customer_id,
                first.c.campaign_id < second.c.campaign_id,
            ),
        )
        .group_by(first.c.campaign_id, second.c.campaign_id)
        .order_by(func.count().desc())
        .limit(OVERLAP_LIMIT)
    )
    return [
        contract.Overlap(first=one, second=other, customers=count)
        for one, other, count in session.execute(query)
    ]


def _names(session: Session) -> dict[int, str]:
    query = (
        select(Campaign.id, Campaign.name)
        .where(Campaign.audience_id.is_not(None), Campaign.phase != contract.Phase.CANCELLED)
        .order_by(Campaign.id.desc())
        .limit(CAMPAIGN_LIMIT)
    )
    return dict(session.execute(query).all())
