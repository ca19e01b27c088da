"""The links of the record: what covers a line, what covers a day, and which of them do not hold.

A line's hash is the SHA-256 of the one before, on its day, and its own values, so that anybody who
has the lines can make it again. A day begins with its date; its seal covers its end and the seal of
the day before.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

LINKED = (  # what a line's hash covers, besides the one before
    "id",
    "at",
    "room",
    "action",
    "object_kind",
    "object_id",
    "customer_id",
    "listed",
    "user_id",
    "username",
    "full_name",
    "role_name",
    "purpose",
    "fields",
    "changes",
    "source",
    "trace_id",
)
LINKED_LATER = ("system",)  # and these where they say something: older lines do not have them
_PER_DAY = 10**8


def id_of(day: date, number: int = 0) -> int:
    """The id of the line with this number on a day."""
    return int(f"{day:%Y%m%d}") * _PER_DAY + number


def day_of(entry_id: int) -> date:
    """The day of a line."""
    return datetime.strptime(str(entry_id // _PER_DAY), "%Y%m%d").date()  # noqa: DTZ007  # a day


def number_of(entry_id: int) -> int:
    """The number of a line on its day, from 1 on."""
    return entry_id % _PER_DAY


def beginning(day: date) -> str:
    """What the first line of a day follows."""
    return _hash(day.isoformat())


def link(before: str, line: Mapping[str, Any]) -> str:
    """A line's hash."""
    values = {name: line[name] for name in LINKED}
    values |= {name: line[name] for name in LINKED_LATER if line.get(name)}
    return _hash(f"{before}\n{as_json(values)}")


def as_json(value: Any) -> str:
    """Always the same for the same values."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain)


def seal(before: str, day: date, rows: int, end: str) -> str:
    """A day's seal; `before` is that of the day before, empty at the first."""
    return _hash(f"{before}\n{day.isoformat()}\n{rows}\n{end}")


def check_day(day: date, rows: int, end: str, lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What does not hold on a day whose lines come in the order of their ids, in words."""
    number, before = 0, beginning(day)
    for line in lines:
        found = number_of(line["id"])
        yield from _gap(day, number + 1, found - 1)
        if found > rows or found < 1:
            yield f"{day}: line {found} was inserted, the day has {rows}"
        elif found == number + 1 and link(before, line) != line["hash"]:
            yield f"{day}: line {found} was changed, or the one before it"
        number, before = found, line["hash"]
    yield from _gap(day, number + 1, rows)
    if number == rows and before != end:
        yield f"{day}: the last line is not the one that the day ended with"


def check_seals(days: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Which days, in their order, do not have the seal that follows from the ones before."""
    before = ""
    for day in days:
        if day["seal"] is None:
            continue
        if seal(before, day["day"], day["rows"], day["hash"]) != day["seal"]:
            yield f"{day['day']}: the day was changed, or the one before it, or one is missing"
        before = day["seal"]


def _gap(day: date, first: int, last: int) -> Iterator[str]:
    if first == last:
        yield f"{day}: line {first} was removed"
    elif first < last:
        yield f"{day}: lines {first} to {last} were removed"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)
