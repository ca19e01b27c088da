"""Log-ins in Redis: sessions that expire by themselves, and the throttle of failures.

Keys: `session:<hash of token>` → user id; `sessions:<user id>` → the user's session keys;
`login:failures:<user or source>` → a count. A token is stored only as its hash. In another
namespace than the default one its name comes first (`shared.redis.key`).
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from redis import Redis

from shared.errors import Denied, FieldError
from shared.redis import key
from shared.settings import settings

MAX_FAILURES = 5
MAX_FAILURES_OF_SOURCE = 50  # an office shares its address
FAILURE_WINDOW = timedelta(minutes=15)


@dataclass(frozen=True)
class Found:
    """A running session."""

    user_id: int
    seconds_left: int


def lifetime() -> timedelta:
    """How long a log-in lasts."""
    return timedelta(hours=settings().session_hours)


def start(redis: Redis, user_id: int) -> str:
    """A new session's token, valid for `PREGON_SESSION_HOURS`."""
    token = secrets.token_urlsafe(32)
    with redis.pipeline() as pipe:
        pipe.set(_key(token), user_id, ex=lifetime())
        pipe.sadd(_keys_of(user_id), _key(token))
        pipe.expire(_keys_of(user_id), lifetime())
        pipe.execute()
    return token


def find(redis: Redis, token: str) -> Found | None:
    """The session of a token, None when it expired or never was."""
    with redis.pipeline(transaction=False) as pipe:
        pipe.get(_key(token))
        pipe.ttl(_key(token))
        user_id, seconds = pipe.execute()
    return Found(int(user_id), int(seconds)) if user_id is not None else None


def end(redis: Redis, token: str) -> None:
    """End one session."""
    redis.delete(_key(token))


def end_all(redis: Redis, user_id: int) -> None:
    """End every session of a user, as when the password or role changes."""
    keys = redis.smembers(_keys_of(user_id))
    redis.delete(_keys_of(user_id), *keys)


def check_throttle(redis: Redis, username: str, source: str) -> None:
    """Raises Denied, with the seconds to wait as field `retry_after`, after too many failures."""
    limits = {username: MAX_FAILURES, source: MAX_FAILURES_OF_SOURCE}
    for who, limit in limits.items():
        with redis.pipeline(transaction=False) as pipe:
            pipe.get(_failures(who))
            pipe.ttl(_failures(who))
            count, seconds = pipe.execute()
        if int(count or 0) >= limit:
            minutes = max(1, -(-int(seconds) // 60))
            raise Denied(
                f"Demasiados intentos fallidos. Espere {minutes} min y vuelva a intentar.",
                [FieldError("retry_after", str(seconds))],
            )


def note_failure(redis: Redis, username: str, source: str) -> None:
    """Count a failed log-in of the user and of the source."""
    with redis.pipeline() as pipe:
        for who in (username, source):
            pipe.incr(_failures(who))
            pipe.expire(_failures(who), FAILURE_WINDOW)
        pipe.execute()


def forget_failures(redis: Redis, username: str) -> None:
    """Start counting anew after a good log-in."""
    redis.delete(_failures(username))


def _key(token: str) -> str:
    return key(f"session:{hashlib.sha256(token.encode()).hexdigest()}")


def _keys_of(user_id: int) -> str:
    return key(f"sessions:{user_id}")


def _failures(who: str) -> str:
    return key(f"login:failures:{hashlib.sha256(who.encode()).hexdigest()}")
