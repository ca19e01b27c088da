"""Slower and slower for whoever guesses: counts of failures in Redis, each with its delay.

A try is counted before it is judged, so a thousand at once are no more than a thousand in a row;
`forget` or `give_back` take it off again. Nobody is locked out: a delay doubles with each further
failure up to the bucket's longest, and is forgotten an hour after the last one.

Keys: `<room>:slow:<hash of the bucket's name>` → a hash of `n` (failures) and `until` (when).
"""

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from redis import Redis

from shared.redis import key

MEMORY_SECONDS = 3600  # an hour without a failure: as if nothing had been

# Looks at all buckets first: a try that one of them refuses counts in none.
_TAKE = """
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local wait = 0
for _, name in ipairs(KEYS) do
  local till = tonumber(redis.call('HGET', name, 'until') or '0')
  if till - ms > wait then wait = till - ms end
end
if wait > 0 then return wait end
for number, name in ipairs(KEYS) do
  local free, first, longest = ARGV[number * 3], ARGV[number * 3 + 1], ARGV[number * 3 + 2]
  local n = redis.call('HINCRBY', name, 'n', 1)
  if n >= tonumber(free) then
    local delay = math.min(tonumber(longest), first * 2 ^ math.min(n - free, 30))
    redis.call('HSET', name, 'until', ms + delay)
  end
  redis.call('PEXPIRE', name, ARGV[1] * 1000)
end
return 0
"""
_GIVE_BACK = """
for _, name in ipairs(KEYS) do
  if redis.call('EXISTS', name) == 1 then
    if redis.call('HINCRBY', name, 'n', -1) <= 0 then
      redis.call('DEL', name)
    else
      redis.call('HDEL', name, 'until')
    end
  end
end
return 0
"""


@dataclass(frozen=True)
class Bucket:
    """Tries that count together: `free` of them cost nothing, then a delay that doubles."""

    room: str  # whose door it is
    name: str
    free: int
    first_seconds: float
    longest_seconds: float

    @property
    def key(self) -> str:
        """Names are of people and addresses: only their hash is kept."""
        return key(f"{self.room}:slow:{hashlib.sha256(self.name.encode()).hexdigest()}")


def take(redis: Redis, buckets: Sequence[Bucket]) -> float:
    """Count one try; the seconds to wait, without counting it, when it comes too soon, else 0."""
    limits = [
        number
        for bucket in buckets
        for number in (bucket.free, bucket.first_seconds * 1000, bucket.longest_seconds * 1000)
    ]
    keys = [bucket.key for bucket in buckets]
    waited = redis.eval(_TAKE, len(keys), *keys, MEMORY_SECONDS, 0, *limits)
    return float(waited) / 1000


def give_back(redis: Redis, buckets: Sequence[Bucket]) -> None:
    """The try was no failure: it counts no more, and keeps nobody waiting."""
    if buckets:
        redis.eval(_GIVE_BACK, len(buckets), *(bucket.key for bucket in buckets))


def forget(redis: Redis, *buckets: Bucket) -> None:
    """Begin anew, as after a password that was right."""
    redis.delete(*(bucket.key for bucket in buckets))


@lru_cache(maxsize=4096)
def source(address: str) -> str:
    """Whom an address stands for: a household has one of IPv4 and a /64 of IPv6."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def say(seconds: float) -> str:
    """How long to wait, in Spanish: `20 segundos`, `2 minutos`."""
    if seconds <= 90:
        count = max(1, -int(-seconds // 1))
        return "1 segundo" if count == 1 else f"{count} segundos"
    return f"{-int(-seconds // 60)} minutos"
