"""Segments as SQL: who matches, who may be contacted, and the rows of an export."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, assert_never
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
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
from shared import clock
from shared.contracts import customer_query as contract
from shared.contracts.campaign import Phase
from shared.contracts.customer_query import Block, Gender
from shared.contracts.segments import (
    AllOf,
    AnyOf,
    Between,
    In,
    Is,
    Not,
    Tree,
    ends_of,
    values_of,
)
from shared.ecuador import provinces
from shared.ecuador.dates import years_before
from shared.settings import settings
from shared.words import UNKNOWN

SAMPLE = 20
LIVE_PHASES = (Phase.PLANNED, Phase.EXECUTING, Phase.PAUSED)
AGE_BANDS = ((0, 20), (20, 30), (30, 40), (40, 50), (50, 60), (60, 71), (71, 200))

_GENDERS = {gender.value: gender.plural for gender in Gender} | {"": UNKNOWN}

NEVER_DAYS = 36_500  # days since contact of a person who was never contacted

Condition = ColumnElement[bool]
Leaf = Callable[[Any], Condition]  # of an `In`, `Between` or `Is` of the key


def condition(definition: Tree) -> Condition:
    """The definition as a condition on `customer`; erased people match nothing."""
    return and_(Customer.erased_at.is_(None), _condition(definition))


def _condition(node: Tree) -> Condition:
    match node:
        case AllOf(parts=parts):
            return and_(true(), *(_condition(part) for part in parts))
        case AnyOf(parts=parts):
            return or_(false(), *(_condition(part) for part in parts))
        case Not(part=part):
            return not_(func.coalesce(_condition(part), false()))
        case In() | Between() | Is():
            return CONDITIONS[node.field](node)
        case _:
            assert_never(node)


# --- a criterion's SQL ---


def _one_of(column: Any) -> Leaf:
    """The column is one of the values."""
    return lambda leaf: column.in_(values_of(leaf))


def _between(column: Any) -> Leaf:
    """The column lies between the ends."""
    return lambda leaf: column.between(*ends_of(leaf))


def _flag(holds: Callable[[], Condition]) -> Leaf:
    """It is so, or it is not, as the leaf asks."""
    return lambda leaf: holds() if leaf.value else not_(holds())


def _years_since(column: Any) -> Leaf:
    """Whole years between, as a range of dates so that an index on the column serves."""

    def compare(leaf: Any) -> Condition:
        low, high = ends_of(leaf)
        today = clock.today()
        return and_(
            column <= years_before(today, int(low)), column > years_before(today, int(high) + 1)
        )

    return compare


def _holds_service(leaf: Any) -> Condition:
    return exists().where(
        HeldService.customer_id == Customer.id,
        HeldService.service.in_(values_of(leaf)),
        HeldService.to_on.is_(None),
    )


def _was_exported_to(leaf: Any) -> Condition:
    return exists().where(
        CampaignMember.customer_id == Customer.id,
        CampaignMember.campaign_id.in_(values_of(leaf)),
    )


def _days_since_contact() -> ColumnElement[Any]:
    days = func.date_part("day", func.now() - Customer.last_contact_at)
    return func.coalesce(days, NEVER_DAYS)


def _in_live_campaign() -> Condition:
    return exists().where(
        CampaignMember.customer_id == Customer.id,
        CampaignMember.campaign_id == Campaign.campaign_id,
        Campaign.phase.in_(LIVE_PHASES),
    )


# A line for each key of `shared.contracts.criteria`.
CONDITIONS: dict[str, Leaf] = {
    "gender": _one_of(Customer.gender),
    "age": _years_since(Customer.birth_on),
    "income": _between(Customer.income),
    "province": _one_of(Customer.province),
    "canton": _one_of(Customer.canton),
    "category": _one_of(Customer.category),
    "tenure_years": _years_since(Customer.joined_on),
    "service": _holds_service,
    "risk_category": _one_of(Customer.risk_category),
    "consent_mail": _flag(lambda: Customer.consent_mail.is_(True)),
    "consent_phone": _flag(lambda: Customer.consent_phone.is_(True)),
    "do_not_mail": _flag(lambda: Customer.do_not_mail.is_(True)),
    "do_not_call": _flag(lambda: Customer.do_not_call.is_(True)),
    "days_since_contact": _between(_days_since_contact()),
    "in_campaign": _was_exported_to,
    "in_other_campaign": _flag(_in_live_campaign),
}


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


# --- counting ---


def count(session: Session, definition: Tree) -> contract.SegmentCount:
    """Exact figures in two statements: one pass for counts and charts, one for the sample."""
    band = _age_band()
    gender = func.coalesce(cast(Customer.gender, Text), "")
    rows = session.execute(
        select(
            func.grouping(band, gender, Customer.province).label("level"),
            band.label("band"),
            gender.label("gender"),
            Customer.province,
            *_figures(),
        )
        .where(condition(definition))
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
        sample=_sample(session, definition),
        by_age=_slices({r.band: r.matching for r in rows if r.level == 0b011}, _age_labels()),
        by_gender=_slices({r.gender: r.matching for r in rows if r.level == 0b101}, _GENDERS),
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


def _sample(session: Session, definition: Tree) -> list[contract.CustomerRow]:
    """The first by id: cheap at any size, and the same when the count is asked again."""
    query = select(Customer).where(condition(definition)).order_by(Customer.id).limit(SAMPLE)
    return [contract.CustomerRow.model_validate(one) for one in session.execute(query).scalars()]


# --- export ---


def select_audience(transfer_id: UUID, definition: Tree) -> Select[Any]:
    """The rows of `contract.AUDIENCE_COLUMNS`."""
    columns = [getattr(Customer, name) for name in contract.AUDIENCE_COLUMNS[2:-3]]
    return select(
        cast(literal(str(transfer_id)), UuidType),
        Customer.id,
        *columns,
        mail_refusal(),
        phone_refusal(),
        Customer.contact_version,
    ).where(condition(definition))
