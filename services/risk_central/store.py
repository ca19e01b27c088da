"""Persons and their risk in Redis.

Layout, weighed by memory at five million persons:

- `risk:r:<first six digits>`: a hash of the cédula's next three digits to a packed report. The
  check digit follows from the rest. Small hashes are stored as one flat list, about 70 bytes a
  person where a hash of fields for each takes 267. A value of more than 64 bytes would turn the
  list of all into a table of twice the size: the rest of such a one is in `risk:l:<six digits>`.
- `risk:n:<word>`: a Roaring bitmap of those whose name has the word, by their first nine digits;
  about two bytes a word and person.
- `risk:n:<word>#2`: those who have it twice; `risk:n:cañas`: a word with its ñ (see `names`).
- `risk:words`: all words, sorted, to find those that begin in a certain way.

A full load writes an edition of its own, whose name follows on `risk:` (see `editions`).
In another namespace than the default one its name comes first (`shared.redis.key`).

A load adds to the index, then writes reports, then takes from the index, so whoever is killed in
between leaves at most index entries too many; readers compare with the report anyway.
"""

import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from redis import Redis
from stdnum import luhn

from services.risk_central import editions, name_index, names, rules
from shared import redis as redis_server
from shared.contracts.risk_central import RiskCategory, RiskReport

MAX_CANDIDATES = 2000  # read and ranked per name asked for; homonyms beyond are cut by cédula
TIMEOUT_SECONDS = 1.0
RETRIES = 3  # in a third of a second: whoever asks has a deadline too

_CATEGORIES = tuple(RiskCategory)
_CATEGORY_NUMBERS = {category: number for number, category in enumerate(_CATEGORIES)}
_EPOCH = date(1970, 1, 1)
# category, score, days overdue, debt in cents, days since 1970, bytes of the source's name
_HEAD = struct.Struct("<BHHqHB")

# Of one edition, the current one unless told: no answer is a mix of two.
_GET_MANY = """
local edition = ARGV[2]
if edition == '*' then edition = redis.call('GET', KEYS[1]) or '' end
local begins, found = ARGV[1] .. edition .. 'r:', {}
local more = ARGV[1] .. edition .. 'l:'
for i = 3, #ARGV, 2 do
  local value = redis.call('HGET', begins .. ARGV[i], ARGV[i + 1])
  if value and #value == 64 then
    value = value .. (redis.call('HGET', more .. ARGV[i], ARGV[i + 1]) or '')
  end
  found[#found + 1] = value
end
return found
"""
# The two parts of long ones at once, so that nobody reads the new one's beginning and the old rest
_PUT_LONG = """
for i = 1, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], string.sub(ARGV[i + 1], 1, 64))
  redis.call('HSET', KEYS[2], ARGV[i], string.sub(ARGV[i + 1], 65))
end
"""
_SHORT = 64  # bytes: Redis' hash-max-listpack-value, and in the scripts
NOW = "*"  # the current edition, whichever that is


Buckets = dict[str, dict[str, bytes]]
Read = Callable[[Redis, Sequence[str]], list[bytes | None]]


class Change(NamedTuple):
    """A report that is new or differs, as it was stored and as it will be."""

    report: RiskReport
    old: bytes | None
    new: bytes


class Changes(NamedTuple):
    """What a number of reports would change; the others are as they were."""

    changes: list[Change]
    unchanged: int

    @property
    def created(self) -> int:
        """Persons that were not known."""
        return sum(change.old is None for change in self.changes)

    @property
    def updated(self) -> int:
        """Persons whose report was another."""
        return len(self.changes) - self.created

    def list_new_categories(self) -> list[RiskReport]:
        """Those whose category was another, or not known."""
        return [
            change.report
            for change in self.changes
            if change.old is None or change.old[0] != change.new[0]
        ]


def connect(url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> Redis:
    """A client that fails within the timeout when Redis is down; it connects at first use."""
    return redis_server.connect(url, timeout_seconds, RETRIES)


def read(redis: Redis, cedulas: Sequence[str], edition: str = NOW) -> list[bytes | None]:
    """Reports on checked cédulas as they are stored, None for who is not known."""
    found: list[bytes | None] = []
    for start in range(0, len(cedulas), rules.MAX_CEDULAS):  # Lua's stack ends at 8,000
        part = cedulas[start : start + rules.MAX_CEDULAS]
        where = (editions.pointer(), editions.head(), edition)
        found += _ask(redis, "EVAL", _GET_MANY, 1, *where, *places(part))
    return found


def places(cedulas: Sequence[str]) -> list[str]:
    """Where they are stored: six digits and three, one after the other."""
    return [digits for cedula in cedulas for digits in (cedula[:6], cedula[6:9])]


def find_risk(redis: Redis, cedula: str, reading: Read = read) -> RiskReport | None:
    """The report on a checked cédula, or None. Raises RedisError."""
    [packed] = reading(redis, [cedula])
    return None if packed is None else unpack(cedula, packed)


def list_risks(
    redis: Redis, cedulas: Sequence[str], edition: str = NOW, reading: Read | None = None
) -> list[RiskReport]:
    """The reports on those known of checked cédulas, in their order, in one round trip."""
    found = reading(redis, cedulas) if reading else read(redis, cedulas, edition)
    return [
        unpack(cedula, packed)
        for cedula, packed in zip(cedulas, found, strict=True)
        if packed is not None
    ]


def find_by_name(redis: Redis, asked: str, limit: int) -> list[RiskReport]:
    """Those whose name has all the words, or begins a word with them; best match first."""
    edition = editions.current(redis)
    numbers = name_index.candidates(redis, asked, edition, MAX_CANDIDATES)
    bodies = [f"{number:09}" for number in numbers]  # check digits of the best only: they cost most
    readings = names.readings(asked)
    people = [
        (body, packed, name)
        for body, packed in zip(bodies, read(redis, bodies, edition), strict=True)
        if packed is not None and (name := names.Name(_full_name(packed))).matches(readings)
    ]
    best = names.rank(asked, [name for _, _, name in people], limit)
    return [unpack(cedula_of(people[place][0]), people[place][1]) for place in best]


def compare(redis: Redis, reports: Sequence[RiskReport]) -> Changes:
    """What writing these reports would change; no cédula may come twice."""
    before = read(redis, [report.cedula for report in reports])
    changes = [
        Change(report, old, new)
        for report, old in zip(reports, before, strict=True)
        if old != (new := pack(report))
    ]
    return Changes(changes, len(reports) - len(changes))


def write(redis: Redis, changes: Changes) -> None:
    """Write what was compared into the current edition, and keep the name index right.

    The caller holds the load's lock: the index is read, changed and written back.
    """
    edition = editions.current(redis)
    added, removed = name_index.changes(
        (item.report.cedula, _full_name(item.old), item.report.full_name)
        for item in changes.changes
    )
    name_index.add(redis, edition, added)
    _write_packed(redis, edition, ((item.report.cedula, item.new) for item in changes.changes))
    name_index.remove(redis, edition, removed)


def write_whole(redis: Redis, edition: str, reports: Sequence[RiskReport]) -> None:
    """Write persons into an edition that has none of them yet, or has them so."""
    added, _ = name_index.changes((report.cedula, "", report.full_name) for report in reports)
    name_index.add(redis, edition, added)
    _write_packed(redis, edition, ((report.cedula, pack(report)) for report in reports))


def _ask(redis: Redis, *command: str | int | bytes) -> Any:
    return redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis gives no types


def pack(report: RiskReport) -> bytes:
    """A report as it is stored: everything but the cédula, which is its address."""
    source = report.source.encode()
    head = _HEAD.pack(
        _CATEGORY_NUMBERS[report.category],
        report.score,
        report.days_overdue,
        int(report.total_debt.scaleb(2)),
        (report.reported_on - _EPOCH).days,
        len(source),
    )
    return head + source + report.full_name.encode()


def unpack(cedula: str, packed: bytes) -> RiskReport:
    """A stored report; not checked again, which would take half of an answer's time."""
    category, score, days_overdue, cents, day, length = _HEAD.unpack_from(packed)
    name_at = _HEAD.size + length
    return RiskReport.model_construct(
        cedula=cedula,
        full_name=packed[name_at:].decode(),
        category=_CATEGORIES[category],
        score=score,
        total_debt=Decimal(cents).scaleb(-2),
        days_overdue=days_overdue,
        reported_on=_EPOCH + timedelta(days=day),
        source=packed[_HEAD.size : name_at].decode(),
    )


def category_of(packed: bytes) -> RiskCategory:
    """Of a stored report, also of its beginning."""
    return _CATEGORIES[packed[0]]


def _full_name(packed: bytes | None) -> str:
    if packed is None:
        return ""
    return packed[_HEAD.size + packed[_HEAD.size - 1] :].decode()


def _write_packed(redis: Redis, edition: str, entries: Iterable[tuple[str, bytes]]) -> None:
    short: Buckets = defaultdict(dict)
    long: Buckets = defaultdict(dict)
    for cedula, packed in entries:
        (short if len(packed) < _SHORT else long)[cedula[:6]][cedula[6:9]] = packed
    begins = f"{editions.head()}{edition}"
    with redis.pipeline(transaction=False) as pipeline:
        for six, fields in short.items():
            _ask(pipeline, "HSET", f"{begins}r:{six}", *_flat(fields))
        for six, fields in long.items():
            keys = f"{begins}r:{six}", f"{begins}l:{six}"
            _ask(pipeline, "EVAL", _PUT_LONG, 2, *keys, *_flat(fields))
        pipeline.execute()


def _flat(fields: dict[str, bytes]) -> Iterator[str | bytes]:
    return (part for item in fields.items() for part in item)


def lock_key() -> str:
    """What a load holds while it works."""
    return redis_server.key("risk:load")


def cedula_of(body: str) -> str:
    """The cédula of nine digits."""
    return body + luhn.calc_check_digit(body)
