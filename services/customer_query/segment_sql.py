"""Segments as SQL: who matches, who may be contacted, and the rows of an export."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    text,
    true,
)
from sqlalchemy import Uuid as UuidType
from sqlalchemy.orm import Session

from services.customer_query.models import (
    Campaign,
    CampaignMember,
    Contact,
    Customer,
    HeldService,
)
from services.customer_query.segments import (
    NEVER_DAYS,
    AllOf,
    AnyOf,
    Between,
    Criterion,
    In,
    Is,
    Not,
)
from shared import clock
from shared.contracts import customer_query as contract
from shared.contracts.campaign import Phase
from shared.contracts.customer_query import Block
from shared.ecuador import provinces
from shared.settings import settings

SAMPLE = 20
LIVE_PHASES = (Phase.PLANNED, Phase.EXECUTING, Phase.PAUSED)
AGE_BANDS = ((0, 20), (20, 30), (30, 40), (40, 50), (50, 60), (60, 71), (71, 200))
GENDERS = {"F": "Mujeres", "M": "Hombres", "X": "Otro", "": "Sin dato"}
UNKNOWN = "Sin dato"

Condition = ColumnElement[bool]


def condition(criterion: Criterion) -> Condition:
    """The criteria as a condition on `customer`; erased people match nothing."""
    return and_(Customer.erased_at.is_(None), _condition(criterion))


def _condition(criterion: Criterion) -> Condition:
    match criterion:
        case AllOf(parts):
            return and_(true(), *(_condition(part) for part in parts))
        case AnyOf(parts):
            return or_(false(), *(_condition(part) for part in parts))
        case Not(part):
            return not_(func.coalesce(_condition(part), false()))
        case Is(field, value):
            flag: ColumnElement[bool] = getattr(Customer, field)
            return flag.is_(value)
        case In(field, values):
            return _in(field, values)
        case Between(field, low, high):
            return _between(field, low, high)


def _in(field: str, values: tuple[Any, ...]) -> Condition:
    if field == "service":
        return exists().where(
            HeldService.customer_id == Customer.id,
            HeldService.service.in_(values),
            HeldService.to_on.is_(None),
        )
    if field == "in_campaign":
        return exists().where(
            CampaignMember.customer_id == Customer.id, CampaignMember.campaign_id.in_(values)
        )
    column: ColumnElement[Any] = getattr(Customer, field)
    return column.in_(values)


def _between(field: str, low: Decimal, high: Decimal) -> Condition:
    today = clock.today()
    match field:
        case "age":
            return _years_since(Customer.birth_on, low, high, today)
        case "tenure_years":
            return _years_since(Customer.joined_on, low, high, today)
        case "days_since_contact":
            days = func.coalesce(
                func.date_part("day", func.now() - Customer.last_contact_at), NEVER_DAYS
            )
            return days.between(low, high)
        case _:
            column: ColumnElement[Any] = getattr(Customer, field)
            return column.between(low, high)


def _years_since(column: Any, low: Decimal, high: Decimal, today: date) -> Condition:
    """Whole years between, as a range of dates so that an index on the column serves."""
    return and_(
        column <= years_before(today, int(low)), column > years_before(today, int(high) + 1)
    )


def years_before(day: date, years: int) -> date:
    """The last day on which a date is `years` whole years ago; 29 February counts as 28."""
    year = day.year - years
    if year < 1:
        return date.min
    if year > date.max.year:
        return date.max
    try:
        return day.replace(year=year)
    except ValueError:  # 29 February
        return day.replace(year=year, day=28)


# --- who may be contacted ---


def over_cap() -> Condition:
    """Contacted as often as the cap allows; only people contacted lately are counted."""
    since = func.now() - timedelta(days=settings().contact_cap_days)
    touches = (
        select(func.count())
        .where(Contact.customer_id == Customer.id, Contact.at > since)
        .scalar_subquery()
    )
    return and_(
        func.coalesce(Customer.last_contact_at > since, false()),
        touches >= settings().contact_cap,
    )


def mail_block() -> ColumnElement[str | None]:
    """Why the person may not be mailed now, or null."""
    return func.coalesce(mail_refusal(), _capped())


def phone_block() -> ColumnElement[str | None]:
    """Why the person may not be called now, or null."""
    return func.coalesce(phone_refusal(), _capped())


def _capped() -> ColumnElement[str | None]:
    return case((over_cap(), Block.OVER_CAP.value))


def mail_refusal() -> ColumnElement[str | None]:
    """Why the person may not be mailed whenever it be, or null: wishes and address.

    This is what other rooms are told. The cap is not: it is judged at each touch.
    """
    return case(
        (Customer.do_not_mail, Block.DO_NOT_CONTACT.value),
        (not_(Customer.consent_mail), Block.NO_CONSENT.value),
        (Customer.email.is_(None), Block.NO_ADDRESS.value),
        (Customer.mail_bounced, Block.BOUNCED.value),
    )


def phone_refusal() -> ColumnElement[str | None]:
    """The same of calls."""
    return case(
        (Customer.do_not_call, Block.DO_NOT_CONTACT.value),
        (not_(Customer.consent_phone), Block.NO_CONSENT.value),
        (Customer.phone.is_(None), Block.NO_ADDRESS.value),
    )


def _in_live_campaign() -> Condition:
    return exists().where(
        CampaignMember.customer_id == Customer.id,
        CampaignMember.campaign_id == Campaign.campaign_id,
        Campaign.phase.in_(LIVE_PHASES),
    )


# --- counting ---


def count(session: Session, criterion: Criterion) -> contract.SegmentCount:
    """Exact figures in two statements: one pass for counts and charts, one for the sample."""
    band = _age_band()
    gender = func.coalesce(Customer.gender, "")
    rows = session.execute(
        select(
            func.grouping(band, gender, Customer.province).label("level"),
            band.label("band"),
            gender.label("gender"),
            Customer.province,
            *_figures(),
        )
        .where(condition(criterion))
        .group_by(func.grouping_sets(band, gender, Customer.province, text("()")))
    ).all()
    total = next(row for row in rows if row.level == 0b111)
    return contract.SegmentCount(
        matching=total.matching,
        reachable=contract.Reachable(mail=total.mail, phone=total.phone),
        excluded=contract.Excluded(
            no_consent=total.no_consent,
            do_not_contact=total.do_not_contact,
            bounced=total.bounced,
            over_cap=total.over_cap,
            in_other_campaign=total.in_other_campaign,
        ),
        sample=_sample(session, criterion),
        by_age=_slices({r.band: r.matching for r in rows if r.level == 0b011}, _age_labels()),
        by_gender=_slices({r.gender: r.matching for r in rows if r.level == 0b101}, GENDERS),
        by_province=_slices(
            {r.province or "": r.matching for r in rows if r.level == 0b110},
            {item.code: item.name for item in provinces.provinces()} | {"": UNKNOWN},
        ),
    )


def _figures() -> list[ColumnElement[Any]]:
    return [
        func.count().label("matching"),
        func.count().filter(mail_block().is_(None)).label("mail"),
        func.count().filter(phone_block().is_(None)).label("phone"),
        func.count()
        .filter(not_(Customer.consent_mail), not_(Customer.consent_phone))
        .label("no_consent"),
        func.count().filter(Customer.do_not_mail, Customer.do_not_call).label("do_not_contact"),
        func.count().filter(Customer.mail_bounced).label("bounced"),
        func.count().filter(over_cap()).label("over_cap"),
        func.count().filter(_in_live_campaign()).label("in_other_campaign"),
    ]


def _age_band() -> ColumnElement[Any]:
    """The number of the band; 0 to 6, or -1 for an unknown birth date."""
    today = clock.today()
    return case(
        *(
            (Customer.birth_on > years_before(today, high), index)
            for index, (_, high) in enumerate(AGE_BANDS)
        ),
        else_=-1,
    )


def _age_labels() -> dict[Any, str]:
    last = len(AGE_BANDS) - 1
    labels: dict[Any, str] = {
        index: f"{low} a {high - 1}" if index != last else f"{low} y más"
        for index, (low, high) in enumerate(AGE_BANDS)
    }
    return labels | {0: "Menos de 20", -1: UNKNOWN}


def _slices(counts: dict[Any, int], labels: dict[Any, str]) -> list[contract.Slice]:
    return [
        contract.Slice(label=label, count=counts[key])
        for key, label in labels.items()
        if key in counts
    ]


def _sample(session: Session, criterion: Criterion) -> list[contract.CustomerRow]:
    """The first by id: cheap at any size, and the same when the count is asked again."""
    query = select(Customer).where(condition(criterion)).order_by(Customer.id).limit(SAMPLE)
    return [contract.CustomerRow.model_validate(one) for one in session.execute(query).scalars()]


# --- export ---


def select_audience(transfer_id: UUID, criterion: Criterion) -> Select[Any]:
    """The rows of `contract.AUDIENCE_COLUMNS`."""
    columns = [getattr(Customer, name) for name in contract.AUDIENCE_COLUMNS[2:-3]]
    return select(
        cast(literal(str(transfer_id)), UuidType),
        Customer.id,
        *columns,
        mail_refusal(),
        phone_refusal(),
        Customer.contact_version,
    ).where(condition(criterion))
