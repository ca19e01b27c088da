"""What was asked of the bureau: from the door's stream into the room's table, each line once.

A batch of lines, and up to where the stream is taken in, are written in one transaction; only then
the lines leave the stream. Who is killed in between takes none twice and loses none. The door keeps
the last `meter.MOST_LINES` lines: what fell out before it was taken in shows as a gap in the
numbers of the lines, and is counted.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

from redis import Redis
from sqlalchemy import Select, Table, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.risk_central import lines
from services.risk_central.lines import Line
from services.risk_central.models import SoapQuestion, SoapTaken
from shared import audit, clock, keyset
from shared.contract import Slice
from shared.contracts.soap_clients import SoapOutcome
from shared.redis import key
from shared.settings import settings

BATCH = 1000  # entries; more than a question can have
AHEAD = 3  # months whose partitions are there before they come
_TABLE = cast(Table, SoapQuestion.__table__)  # and not the entity: half the time a row
_PER_SECOND = 1_000_000  # ids


def take_in(session: Session, redis: Redis) -> str | None:
    """A batch of lines; its last place in the stream, None when there is none. One at a time."""
    taken = lock(session)
    entries: Any = redis.xrange(_stream(), f"({taken.place}", "+", BATCH)
    taken.at = clock.now()
    if not entries:
        return None
    found = lines.read(entries)
    if len(found) > 1 and not found[-1].is_whole:  # the rest of it comes with the next batch
        found.pop()
    _insert(session, taken, [line for line in found if line.is_whole])
    taken.place = found[-1].last if found else entries[-1][0].decode()
    session.flush()
    return taken.place


def _insert(session: Session, taken: SoapTaken, found: list[Line]) -> None:
    """Write these down, and count those that are missing before and between them."""
    if found:
        adding = insert(_TABLE).on_conflict_do_nothing().returning(_TABLE.c.id)
        added = session.execute(adding, [_row(line) for line in found]).all()
        numbers = [line.number for line in found]
        taken.lost += _gaps(taken.number, numbers) + len(found) - len(added)
        taken.number = numbers[-1]


def lock(session: Session) -> SoapTaken:
    """The room's one row on the door's affairs, locked: who writes or takes in there, is alone."""
    session.execute(insert(SoapTaken).values(one=1).on_conflict_do_nothing())
    return session.execute(select(SoapTaken).with_for_update()).scalar_one()


def forget(redis: Redis, place: str) -> None:
    """Let the lines go that are taken in."""
    milliseconds, _, number = place.partition("-")
    redis.xtrim(_stream(), minid=f"{milliseconds}-{int(number) + 1}", approximate=False)


def _gaps(before: int, numbers: Iterable[int]) -> int:
    """Numbers that no line had; where counting began anew, from its beginning on."""
    lost = 0
    for number in numbers:
        lost += number - (before if number > before else 0) - 1
        before = number
    return lost


def _row(line: Line) -> dict[str, Any]:
    milliseconds, _, number = line.place.partition("-")
    return {
        "id": int(milliseconds) * 1000 + int(number),
        "at": datetime.fromtimestamp(int(milliseconds) / 1000, UTC),
        "client": line.client,
        "operation": line.operation,
        "persons": line.persons,
        "known": line.known,
        "outcome": SoapOutcome(line.outcome),
        "address": line.address,
        "milliseconds": line.milliseconds,
        "people": lines.unpack(line.people),
    }


def _stream() -> str:
    return key("risk_central:soap:lines")


# --- to be read ---


def list_questions(
    session: Session,
    client: str | None,
    day: date | None,
    outcome: SoapOutcome | None,
    after: str | None,
    limit: int,
) -> Slice[SoapQuestion]:
    """Newest first; in the month's partition where there is a day."""
    query = select(SoapQuestion)
    if client is not None:
        query = query.where(SoapQuestion.client == client)
    if outcome is not None:
        query = query.where(SoapQuestion.outcome == outcome)
    return _fetch(session, query if day is None else _on(query, day), after, limit)


def list_askers(
    session: Session, cedula: str, after: str | None, limit: int
) -> Slice[SoapQuestion]:
    """Newest first; also what was written down with a former key."""
    known = {
        fingerprint
        for secret_key in settings().secret_keys
        for fingerprint in audit.fingerprints([cedula], secret_key)
    }
    query = select(SoapQuestion).where(SoapQuestion.people.overlap(sorted(known)))
    return _fetch(session, query, after, limit, by_people=True)


def _fetch(
    session: Session,
    query: Select[SoapQuestion],
    after: str | None,
    limit: int,
    *,
    by_people: bool = False,
) -> Slice[SoapQuestion]:
    """Those about a person are few: found by the index of people, and sorted then."""
    order: keyset.Order = [(SoapQuestion.id + 0).desc() if by_people else SoapQuestion.id.desc()]
    return keyset.fetch(session, query, order, after, limit)


def _on(query: Select[SoapQuestion], day: date) -> Select[SoapQuestion]:
    return query.where(
        SoapQuestion.id >= _first_id(day), SoapQuestion.id < _first_id(day + timedelta(days=1))
    )


def _first_id(day: date) -> int:
    midnight = datetime.combine(day, time(), clock.GUAYAQUIL)
    return int(midnight.timestamp()) * _PER_SECOND


def get_taken(session: Session) -> SoapTaken | None:
    """Up to where the door's lines are taken in; None when none ever was."""
    return session.execute(select(SoapTaken)).scalar_one_or_none()


# --- months ---


def make_months(session: Session, today: date) -> None:
    """The partitions of this month and of those to come soon."""
    for ahead in range(AHEAD + 1):
        session.execute(_MAKE, {"day": _months_on(today, ahead)})


def remove_months(session: Session, today: date, kept: int) -> list[date]:
    """Remove the months before the `kept` last ones."""
    limit = _months_on(today, -kept)
    months = [month for month in _months(session) if month < limit]
    for month in months:
        session.execute(_REMOVE, {"day": month})
    return months


def _months(session: Session) -> list[date]:
    named = (str(name)[-6:] for name in session.execute(_PARTITIONS).scalars())
    return sorted(date(int(digits[:4]), int(digits[4:]), 1) for digits in named)


_MAKE = text("SELECT soap_make_month(:day)")
_REMOVE = text("SELECT soap_remove_month(:day)")
_PARTITIONS = text(
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = 'soap_question'::regclass"
)


def _months_on(day: date, months: int) -> date:
    """The first of the month so many after the day's."""
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)
