"""identity's SQL on the record of who did and saw what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, cast

from sqlalchemy import (
    ColumnClause,
    Select,
    Table,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from services.identity import chain
from services.identity.models import AuditDay, AuditEntry, Role
from shared import clock, keyset
from shared.contract import Slice
from shared.contracts.audit import AuditAction, Audited, AuditWho

AHEAD = 3  # months whose partitions are there before they come
_LINES = cast(Table, AuditEntry.__table__)  # and not the entity: half the time a line
_DAYS = cast(Table, AuditDay.__table__)
_ADRIFT = timedelta(days=1)  # of one machine's clock from another's


_NOBODY: ColumnClause[str] = literal_column(
    "''"
)  # no parameter: the indexes are of what is known to differ
_OF = {
    AuditWho.PERSON: (AuditEntry.system == _NOBODY) & (AuditEntry.username != _NOBODY),
    AuditWho.SYSTEM: AuditEntry.system != _NOBODY,
    AuditWho.PRODUCT: AuditEntry.username == _NOBODY,
}


@dataclass(frozen=True)
class Filters:
    """What a search of the record asks for; None is anything."""

    username: str | None = None
    customer_id: int | None = None
    listed: bool = False  # the lists in which the customer stood
    action: AuditAction | None = None
    from_on: date | None = None
    to_on: date | None = None
    who: AuditWho | None = None
    system: str | None = None  # by name, in capitals or not


def append(session: Session, event: Audited) -> int:
    """The next line of today; returns its id.

    The day's row is locked until this transaction ends: lines follow each other, one at a time.
    """
    today = clock.today()
    number, before = _next(session, today)
    line = event.model_dump() | {"id": chain.id_of(today, number)}
    line["role_name"] = _role_name(session, line.pop("role"))
    line["hash"] = chain.link(before, line)
    session.execute(insert(_LINES), [line])
    session.execute(update(_DAYS).where(_DAYS.c.day == today).values(hash=line["hash"]))
    return int(line["id"])


def _role_name(session: Session, code: str) -> str:
    """As the role is called now: it may be called otherwise, or be gone, when this is read."""
    if not code:
        return ""
    return session.execute(select(Role.name).where(Role.code == code)).scalar() or code


def _next(session: Session, today: date) -> tuple[int, str]:
    """The number of the next line, and the hash that it follows."""
    first = {"day": today, "rows": 1, "hash": chain.beginning(today)}
    row = upsert(_DAYS).values(first)
    counted = row.on_conflict_do_update(index_elements=["day"], set_={"rows": _DAYS.c.rows + 1})
    number, before = session.execute(counted.returning(_DAYS.c.rows, _DAYS.c.hash)).one()
    return number, before


def list_entries(
    session: Session, filters: Filters, after: str | None, limit: int
) -> Slice[AuditEntry]:
    """Newest first; by an index of whatever is asked for, in the months that are."""
    order: keyset.Order = [AuditEntry.at.desc(), AuditEntry.id.desc()]
    if filters.customer_id is not None and filters.listed:
        # few lists: found by the index of whom they show, then sorted. In the order of an index
        # PostgreSQL would walk through the months for them
        order = [(AuditEntry.id + 0).desc()]
    return keyset.fetch(session, select_entries(filters), order, after, limit)


def select_entries(filters: Filters) -> Select[AuditEntry]:
    """Lines that the filters find, in no order."""
    query = select(AuditEntry)
    if filters.username is not None:
        query = query.where(AuditEntry.username == filters.username)
    if filters.customer_id is not None and filters.listed:
        query = query.where(AuditEntry.listed.contains([filters.customer_id]))
    elif filters.customer_id is not None:
        query = query.where(AuditEntry.customer_id == filters.customer_id)
    if filters.action is not None:
        query = query.where(AuditEntry.action == filters.action)
    if filters.who is not None:
        query = query.where(_OF[filters.who])
    if filters.system is not None:
        named = func.lower(AuditEntry.system) == func.lower(filters.system)
        query = query.where(named, _OF[AuditWho.SYSTEM])  # as the index is of those alone
    return _between(query, filters.from_on, filters.to_on)


def _between(
    query: Select[AuditEntry], from_on: date | None, to_on: date | None
) -> Select[AuditEntry]:
    """What happened on these days; it may be recorded later, and never before."""
    if from_on is not None:
        recorded = chain.id_of(from_on - _ADRIFT)
        query = query.where(AuditEntry.at >= _midnight(from_on), AuditEntry.id >= recorded)
    if to_on is not None:
        query = query.where(AuditEntry.at < _midnight(to_on + timedelta(days=1)))
    return query


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.GUAYAQUIL)


# --- days ---


def list_days(session: Session, after: str | None, limit: int) -> Slice[AuditDay]:
    """Newest first."""
    return keyset.fetch(session, select(AuditDay), [AuditDay.day.desc()], after, limit)


def all_days(session: Session) -> list[Mapping[str, Any]]:
    """In their order."""
    rows = session.execute(select(*AuditDay.__table__.columns).order_by(AuditDay.day))
    return [row._asdict() for row in rows]


def lines_of(session: Session, day: date) -> Iterator[Mapping[str, Any]]:
    """Of a day in their order, a few at a time."""
    query = (
        select(*AuditEntry.__table__.columns)
        .where(AuditEntry.id >= chain.id_of(day), AuditEntry.id < chain.id_of(day) + 10**8)
        .order_by(AuditEntry.id)
        .execution_options(yield_per=5000)
    )
    for row in session.execute(query):
        yield row._asdict()


def recorded_days(session: Session) -> list[date]:
    """Days that have lines, whatever the days' own table says; one step of an index each."""
    found: list[date] = []
    after = 0
    while (next_id := _first_after(session, after)) is not None:
        found.append(chain.day_of(next_id))
        after = chain.id_of(found[-1]) + 10**8 - 1
    return found


def _first_after(session: Session, entry_id: int) -> int | None:
    return session.execute(select(func.min(AuditEntry.id)).where(AuditEntry.id > entry_id)).scalar()


def seal_days(session: Session, today: date) -> list[date]:
    """Seal those that are over, in their order; returns them."""
    last = select(AuditDay.seal).where(AuditDay.seal.is_not(None)).order_by(AuditDay.day.desc())
    before = session.execute(last.limit(1)).scalar() or ""
    query = select(AuditDay).where(AuditDay.seal.is_(None), AuditDay.day < today)
    days = session.execute(query.order_by(AuditDay.day).with_for_update()).scalars().all()
    for day in days:
        before = day.seal = chain.seal(before, day.day, day.rows, day.hash)
        day.sealed_at = clock.now()  # noqa: V101  # a column
    return [day.day for day in days]


# --- months ---


def make_months(session: Session, today: date) -> None:
    """The partitions of this month and of those to come soon."""
    for ahead in range(AHEAD + 1):
        session.execute(_MAKE, {"day": _months_on(today, ahead)})


def remove_months(session: Session, today: date, kept: int) -> list[date]:
    """Remove the lines of months before the `kept` last ones, all sealed; their days stay."""
    limit = _months_on(today, -kept)
    query = select(func.date_trunc("month", AuditDay.day)).where(
        AuditDay.day < limit, AuditDay.removed_at.is_(None)
    )
    months = sorted({moment.date() for moment in session.execute(query).scalars()})
    for month in months:
        session.execute(_REMOVE, {"day": month})
    return months


_MAKE = text("SELECT audit_make_month(:day)")
_REMOVE = text("SELECT audit_remove_month(:day)")


def _months_on(day: date, months: int) -> date:
    """The first of the month so many after the day's."""
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)
