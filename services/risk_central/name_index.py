"""Who has which word in the name, as bitmaps in Redis (layout: `store.py`)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from pyroaring import BitMap
from redis import Redis

from services.risk_central import editions, names
from services.risk_central.names import Words

_MAX_WORDS_PER_BEGINNING = 500

Index = dict[str, BitMap]


def changes(people: Iterable[tuple[str, str, str]]) -> tuple[Index, Index]:
    """What is to be added and removed for cédulas with their names before and from now on."""
    added: Index = defaultdict(BitMap)
    removed: Index = defaultdict(BitMap)
    for cedula, old_name, name in people:
        number = int(cedula[:9])
        words, old_words = names.index_words(name), names.index_words(old_name)
        for word in words - old_words:
            added[word].add(number)
        for word in old_words - words:
            removed[word].add(number)
    return added, removed


def add(redis: Redis, edition: str, added: Index) -> None:
    """The caller holds the load's lock: what is stored is read, changed and written back."""
    stored = _bitmaps(redis, edition, list(added))
    beginnings = [word for word in added if names.is_beginning(word)]
    with redis.pipeline(transaction=True) as pipeline:
        for word, numbers in added.items():
            pipeline.set(_key(edition, word), (stored[word] | numbers).serialize())
        if beginnings:
            pipeline.zadd(_words_key(edition), dict.fromkeys(beginnings, 0))
        pipeline.execute()


def remove(redis: Redis, edition: str, removed: Index) -> None:
    """As `add`; a word that nobody has any more is forgotten."""
    stored = _bitmaps(redis, edition, list(removed))
    with redis.pipeline(transaction=True) as pipeline:
        for word, numbers in removed.items():
            left = stored[word] - numbers
            if left:
                pipeline.set(_key(edition, word), left.serialize())
            else:
                pipeline.delete(_key(edition, word))
                pipeline.zrem(_words_key(edition), word)
        pipeline.execute()


def candidates(redis: Redis, asked: str, edition: str, most: int) -> list[int]:
    """The first nine digits of those who have all words: with their ñ, whole, then as beginnings.

    Of each group the lowest, `most` in all; they may have words no more, for a moment.
    """
    found: list[BitMap] = []
    marks = names.with_enye(asked)
    for reading in names.readings(asked):
        found += _groups(redis, reading, marks, edition)
    chosen: dict[int, None] = {}
    for place in range(3):
        for group in found[place::3]:
            chosen.update(dict.fromkeys(group[: most - len(chosen)]))
    return list(chosen)


def _groups(redis: Redis, words: Words, marks: list[str], edition: str) -> tuple[BitMap, ...]:
    """Those who have all words with their ñ, then whole, then as beginnings; none again."""
    times = {word: _times(word, words) for word in words}
    beginnings = dict(zip(times, words_beginning(redis, list(times), edition), strict=True))
    bitmaps = _bitmaps(redis, edition, _wanted(words, times, beginnings, marks))
    whole = BitMap.intersection(*(bitmaps[word] for word in _exactly(words)))
    partly = BitMap.intersection(
        *(_at_least(times[word], beginnings[word], bitmaps) for word in times)
    )
    marked = BitMap.intersection(whole, *(bitmaps[mark] for mark in marks)) if marks else BitMap()
    return marked, whole - marked, partly - whole


def _times(word: str, words: Words) -> int:
    """How many words of a name must begin with it: each that is asked for needs one of its own."""
    return sum(other.startswith(word) for other in words)


def _exactly(words: Words) -> list[str]:
    return [names.repeated(word, count) for word, count in Counter(words).items()]


def _wanted(
    words: Words, times: dict[str, int], beginnings: dict[str, list[str]], marks: list[str]
) -> list[str]:
    several = (
        names.repeated(found, number)
        for word, known in beginnings.items()
        for found in known
        for number in range(1, times[word] + 1)
    )
    return list({*several, *_exactly(words), *marks})


def _at_least(times: int, known: Sequence[str], bitmaps: Index) -> BitMap:
    """Those whose name has so many words of these."""
    levels = [BitMap() for _ in range(times)]
    for found in known:
        for number in range(1, times + 1):
            _count(levels, bitmaps[names.repeated(found, number)])
    return levels[-1]


def _count(levels: list[BitMap], more: BitMap) -> None:
    """Who is in it goes up a level."""
    for level in range(len(levels) - 1, 0, -1):
        levels[level] |= levels[level - 1] & more
    levels[0] |= more


def words_beginning(redis: Redis, words: list[str], edition: str = "") -> list[list[str]]:
    """For each word those known that begin with it, itself first."""
    with redis.pipeline(transaction=False) as pipeline:
        for word in words:
            first, last = f"[{word}", f"[{word}\x7f"
            pipeline.zrangebylex(_words_key(edition), first, last, 0, _MAX_WORDS_PER_BEGINNING)
        return [[found.decode() for found in known] for known in pipeline.execute()]


def _bitmaps(redis: Redis, edition: str, words: list[str]) -> Index:
    if not words:
        return {}
    stored: list[Any] = redis.mget([_key(edition, word) for word in words])
    return {
        word: BitMap() if found is None else BitMap.deserialize(found)
        for word, found in zip(words, stored, strict=True)
    }


def _key(edition: str, word: str) -> str:
    return f"{editions.head()}{edition}n:{word}"


def _words_key(edition: str) -> str:
    return f"{editions.head()}{edition}words"
