"""How often tokens ask, and wrong ones are tried: counts in Redis, one step there a request.

Keys: `identity:token:<id>` → a hash of `full` (when all its requests are there again) and `noted`
(when its use was last written down); `identity:token:<id>:<refusal>` → was put on record lately.
"""

from dataclasses import dataclass

from redis import Redis

from services.identity.models import ApiToken
from shared import throttle
from shared.contracts.identity import TokenRefusal
from shared.errors import Denied, FieldError
from shared.redis import key
from shared.throttle import Bucket

NOTED_SECONDS = 60  # its use is written down no more often
RECORDED_SECONDS = 3600  # nor is a refusal of one kind put on record
FREE_OF_SOURCE = 50  # wrong ones of an address that cost nothing
FIRST_SECONDS, LONGEST_SECONDS = 1, 60

# Requests come back one by one, `step` milliseconds each, up to those of a minute.
_TAKE = """
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local step = 60000 / ARGV[1]
local known = redis.call('HMGET', KEYS[1], 'full', 'noted')
local full = math.max(tonumber(known[1] or '0'), ms) + step
local over = full - ms - 60000
if over > 0 then return {math.ceil(over), 0, 60, 0} end
local due = 0
if ms - tonumber(known[2] or '0') >= ARGV[2] * 1000 then
  due = 1
  redis.call('HSET', KEYS[1], 'noted', ms)
end
redis.call('HSET', KEYS[1], 'full', string.format('%.3f', full))
redis.call('PEXPIRE', KEYS[1], 120000)
return {0, math.floor(-over / step), math.ceil((full - ms) / 1000), due}
"""


@dataclass(frozen=True)
class Use:
    """A request of a token that is within its measure."""

    remaining: int  # at once
    reset_seconds: int  # until all of them are there again
    due: bool  # to be written down


def take(redis: Redis, token: ApiToken) -> Use:
    """Count a request. Raises Denied, with the seconds to wait, beyond what it has a minute."""
    limit = token.requests_a_minute
    name = key(f"identity:token:{token.id}")
    wait, remaining, reset, due = redis.eval(_TAKE, 1, name, limit, NOTED_SECONDS)
    if wait:
        raise _too_soon(f"Este acceso admite {limit} solicitudes por minuto.", wait / 1000)
    return Use(remaining, reset, bool(due))


def slow_down(redis: Redis, source: str) -> None:
    """Count a wrong token of an address. Raises Denied where too many came from there.

    Asked after a token was found wrong, so whoever shows a good one from there never waits.
    """
    name = f"token {throttle.source(source)}"
    bucket = Bucket("identity", name, FREE_OF_SOURCE, FIRST_SECONDS, LONGEST_SECONDS)
    if seconds := throttle.take(redis, [bucket]):
        raise _too_soon("Demasiados intentos con un acceso que no sirve.", seconds)


def may_record(redis: Redis, token: ApiToken, refusal: TokenRefusal) -> bool:
    """Whether to put a refusal on record: a flood of them is one line."""
    name = key(f"identity:token:{token.id}:{refusal.value}")
    return bool(redis.set(name, 1, nx=True, ex=RECORDED_SECONDS))


def _too_soon(text: str, seconds: float) -> Denied:
    wait = max(1, -int(-seconds // 1))
    told = f"{text} Espere {throttle.say(seconds)} y vuelva a intentar."
    return Denied(told, [FieldError("retry_after", str(wait))])
