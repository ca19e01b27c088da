"""Persons and their risk in Redis.

Layout, weighed by memory at five million persons:

- `risk:r:<first six digits>`: a hash of the cédula's next three digits to a packed report. The
  check digit follows from the rest. Small hashes are stored as one flat list, about 70 bytes a
  person where a hash of fields for each takes 267.
- `risk:n:<word>`: a Roaring bitmap of those whose name has the word, by their first nine digits;
  about two bytes a word and person.
- `risk:words`: all words, sorted, to find those that begin in a certain way.

A full load writes an edition of its own, whose name follows on `risk:` (see `editions`).
In another namespace than the default one its name comes first (`shared.redis.key`).

A load adds to the index, then writes reports, then takes from the index, so whoever is killed in
between leaves at most index entries too many; readers compare with the report anyway.
"""

import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from pyroaring import BitMap
from redis import Redis
from stdnum import luhn

from services.risk_central import editions, rules
from shared import redis as redis_server
from shared.contracts.risk_central import RiskCategory, RiskReport
from shared.ecuador.names import tokens

MAX_CANDIDATES = 2000  # read and ranked per name asked for; homonyms beyond are cut by cédula
TIMEOUT_SECONDS = 1.0
RETRIES = 3  # in a third of a second: whoever asks has a deadline too

_MAX_WORDS_PER_BEGINNING = 500
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
for i = 3, #ARGV, 2 do found[#found + 1] = redis.call('HGET', begins .. ARGV[i], ARGV[i + 1]) end
return found
"""
_NOW = "*"  # the current edition, whichever that is


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


def find_risk(redis: Redis, cedula: str) -> RiskReport | None:
    """The report on a checked cédula, or None. Raises RedisError."""
    [packed] = _packed(redis, [cedula])
    return None if packed is None else unpack(cedula, packed)


def list_risks(redis: Redis, cedulas: Sequence[str], edition: str = _NOW) -> list[RiskReport]:
    """The reports on those known of checked cédulas, in their order, in one round trip."""
    return [
        unpack(cedula, packed)
        for cedula, packed in zip(cedulas, _packed(redis, cedulas, edition), strict=True)
        if packed is not None
    ]


def find_by_name(redis: Redis, words: list[str], limit: int) -> list[RiskReport]:
    """Those whose name has all the folded words, or begins a word with them; best match first."""
    edition = editions.current(redis)
    ids = _candidates(redis, words, edition)
    if not ids:
        return []
    cedulas = [_cedula(number) for number in ids[:MAX_CANDIDATES]]
    reports = list_risks(redis, cedulas, edition)
    return rules.rank(words, (found for found in reports if rules.matches(words, found)), limit)


def compare(redis: Redis, reports: Sequence[RiskReport]) -> Changes:
    """What writing these reports would change; no cédula may come twice."""
    before = _packed(redis, [report.cedula for report in reports])
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
    added, removed = _index_changes(changes.changes)
    _add_to_index(redis, edition, added)
    _write_packed(redis, edition, ((item.report.cedula, item.new) for item in changes.changes))
    _remove_from_index(redis, edition, removed)


def write_whole(redis: Redis, edition: str, reports: Sequence[RiskReport]) -> None:
    """Write persons into an edition that has none of them yet, or has them so."""
    added, _ = _index_changes(Change(report, None, b"") for report in reports)
    _add_to_index(redis, edition, added)
    _write_packed(redis, edition, ((report.cedula, pack(report)) for report in reports))


def _ask(redis: Redis, *command: str | int | bytes) -> Any:
    return redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis gives no types


def _packed(redis: Redis, cedulas: Sequence[str], edition: str = _NOW) -> list[bytes | None]:
    found: list[bytes | None] = []
    for start in range(0, len(cedulas), rules.MAX_CEDULAS):  # Lua's stack ends at 8,000
        part = cedulas[start : start + rules.MAX_CEDULAS]
        places = [digits for cedula in part for digits in (cedula[:6], cedula[6:9])]
        where = (editions.pointer(), editions.head(), edition)
        found += _ask(redis, "EVAL", _GET_MANY, 1, *where, *places)
    return found


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


def _full_name(packed: bytes | None) -> str:
    if packed is None:
        return ""
    return packed[_HEAD.size + packed[_HEAD.size - 1] :].decode()


def _write_packed(redis: Redis, edition: str, entries: Iterable[tuple[str, bytes]]) -> None:
    buckets: dict[str, dict[str, bytes]] = defaultdict(dict)
    for cedula, packed in entries:
        buckets[f"{editions.head()}{edition}r:{cedula[:6]}"][cedula[6:9]] = packed
    with redis.pipeline(transaction=False) as pipeline:
        for bucket, fields in buckets.items():
            _ask(pipeline, "HSET", bucket, *(part for item in fields.items() for part in item))
        pipeline.execute()


Index = dict[str, BitMap]


def _index_changes(changes: Iterable[Change]) -> tuple[Index, Index]:
    added: Index = defaultdict(BitMap)
    removed: Index = defaultdict(BitMap)
    for report, old, _ in changes:
        number = int(report.cedula[:9])
        words, old_words = set(tokens(report.full_name)), set(tokens(_full_name(old)))
        for word in words - old_words:
            added[word].add(number)
        for word in old_words - words:
            removed[word].add(number)
    return added, removed


def _add_to_index(redis: Redis, edition: str, added: Index) -> None:
    stored = _bitmaps(redis, edition, list(added))
    with redis.pipeline(transaction=True) as pipeline:
        for word, numbers in added.items():
            pipeline.set(_name_key(edition, word), (stored[word] | numbers).serialize())
        if added:
            pipeline.zadd(_words_key(edition), dict.fromkeys(added, 0))
        pipeline.execute()


def _remove_from_index(redis: Redis, edition: str, removed: Index) -> None:
    stored = _bitmaps(redis, edition, list(removed))
    with redis.pipeline(transaction=True) as pipeline:
        for word, numbers in removed.items():
            left = stored[word] - numbers
            if left:
                pipeline.set(_name_key(edition, word), left.serialize())
            else:
                pipeline.delete(_name_key(edition, word))
                pipeline.zrem(_words_key(edition), word)
        pipeline.execute()


def _bitmaps(redis: Redis, edition: str, words: list[str]) -> Index:
    if not words:
        return {}
    stored = _ask(redis, "MGET", *(_name_key(edition, word) for word in words))
    return {
        word: BitMap() if found is None else BitMap.deserialize(found)
        for word, found in zip(words, stored, strict=True)
    }


def _name_key(edition: str, word: str) -> str:
    return f"{editions.head()}{edition}n:{word}"


def _words_key(edition: str) -> str:
    return f"{editions.head()}{edition}words"


def lock_key() -> str:
    """What a load holds while it works."""
    return redis_server.key("risk:load")


def _candidates(redis: Redis, words: list[str], edition: str) -> list[int]:
    """Numbers of those who have all words whole, then of those who have them as beginnings."""
    beginnings = _words_beginning(redis, words, edition)
    bitmaps = _bitmaps(redis, edition, list({word for found in beginnings for word in found}))
    empty = BitMap()
    whole = BitMap.intersection(*(bitmaps.get(word, empty) for word in words))
    if len(whole) >= MAX_CANDIDATES:
        return list(whole[:MAX_CANDIDATES])
    partly = BitMap.intersection(
        *(BitMap.union(empty, *(bitmaps[word] for word in found)) for found in beginnings)
    )
    return [*whole, *(partly - whole)[:MAX_CANDIDATES]]


def _words_beginning(redis: Redis, words: list[str], edition: str = "") -> list[list[str]]:
    """For each word those known that begin with it, itself first."""
    with redis.pipeline(transaction=False) as pipeline:
        for word in words:
            first, last = f"[{word}", f"[{word}\x7f"
            pipeline.zrangebylex(_words_key(edition), first, last, 0, _MAX_WORDS_PER_BEGINNING)
        return [[found.decode() for found in known] for known in pipeline.execute()]


def _cedula(number: int) -> str:
    return cedula_of(f"{number:09}")


def cedula_of(body: str) -> str:
    """The cédula of nine digits."""
    return body + luhn.calc_check_digit(body)
