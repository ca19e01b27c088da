"""Editions of all persons: readers ask the current one, a full load writes the next and switches.

An edition's name stands in the keys behind `risk:`; the first one's is empty. What is no longer
current stays for a minute, for those who are reading in it.
"""

from collections.abc import Iterator
from typing import Any

from redis import Redis

from shared import redis as redis_server

GRACE_SECONDS = 60
_AT_ONCE = 500  # keys a round trip

Bucket = tuple[str, dict[bytes, bytes], dict[bytes, bytes]]


def pointer() -> str:
    """The key that names the current edition."""
    return redis_server.key("risk:edition")


def head() -> str:
    """What all keys of persons begin with."""
    return redis_server.key("risk:")


def name_of(load_id: int) -> str:
    """The edition that a full load writes."""
    return f"{load_id}:"


def current(redis: Redis) -> str:
    """The edition that is asked now."""
    found: Any = redis.get(pointer())
    return found.decode() if found else ""


def note_before(redis: Redis, edition: str) -> str:
    """The one that was current before this one, also when it is current already."""
    now = current(redis)
    if now != edition:
        redis.set(_before(edition), now)
        return now
    found: Any = redis.get(_before(edition))
    return found.decode() if found else ""


def _before(edition: str) -> str:
    return f"{head()}{edition}before"


def switch(redis: Redis, edition: str) -> None:
    """From now on everybody asks this one."""
    redis.set(pointer(), edition)


def count(redis: Redis, edition: str) -> int:
    """How many persons it has."""
    total = 0
    for keys in _chunks(_buckets(redis, edition)):
        with redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hlen(key)
            total += sum(pipeline.execute())
    return total


def beside(redis: Redis, edition: str, other: str) -> Iterator[Bucket]:
    """Each bucket of an edition: six digits, what it has, and what the other one has there."""
    begins, there = f"{head()}{edition}r:", f"{head()}{other}r:"
    for keys in _chunks(_buckets(redis, edition)):
        digits = [key.decode().removeprefix(begins) for key in keys]
        with redis.pipeline(transaction=False) as pipeline:
            for key, six in zip(keys, digits, strict=True):
                pipeline.hgetall(key)
                pipeline.hgetall(there + six)
            found = pipeline.execute()
        yield from zip(digits, found[::2], found[1::2], strict=True)


def retire(redis: Redis, edition: str) -> None:
    """Let an edition go when nobody can be reading in it any more."""
    for keys in _chunks(_keys(redis, edition)):
        with redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.expire(key, GRACE_SECONDS)
            pipeline.execute()


def drop(redis: Redis, edition: str) -> None:
    """An edition that nobody has asked, such as that of a load which was cancelled."""
    for keys in _chunks(_keys(redis, edition)):
        redis.unlink(*keys)


def drop_unfinished(redis: Redis, keep: str) -> None:
    """What loads that failed have left, but for one that goes on."""
    kept = {current(redis), keep, ""}
    length = len(head())
    left = {
        f"{name}:"
        for key in redis.scan_iter(f"{head()}*:words")
        if (name := key.decode()[length:].partition(":")[0]).isdecimal()
    }
    for edition in left - kept:
        if redis.ttl(f"{head()}{edition}words") < 0:  # it is not on its way out
            drop(redis, edition)


def _buckets(redis: Redis, edition: str) -> Iterator[bytes]:
    return redis.scan_iter(f"{head()}{edition}r:*", count=_AT_ONCE)


def _keys(redis: Redis, edition: str) -> Iterator[bytes]:
    yield from _buckets(redis, edition)
    yield from redis.scan_iter(f"{head()}{edition}l:*", count=_AT_ONCE)
    yield from redis.scan_iter(f"{head()}{edition}n:*", count=_AT_ONCE)
    yield f"{head()}{edition}words".encode()
    yield _before(edition).encode()


def _chunks(keys: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Each key once: a scan may tell some twice, and its neighbours then, too."""
    seen: set[bytes] = set()
    chunk: list[bytes] = []
    for key in keys:
        if key in seen:
            continue
        seen.add(key)
        chunk.append(key)
        if len(chunk) == _AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
