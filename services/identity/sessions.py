"""Log-ins in Redis: sessions that expire by themselves.

Keys: `session:<hash of token>` → user id; `sessions:<user id>` → the user's session keys. A token
is stored only as its hash. In another namespace than the default one its name comes first
(`shared.redis.key`).
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from redis import Redis

from shared.redis import key
from shared.settings import settings


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


def _key(token: str) -> str:
    return key(f"session:{hashlib.sha256(token.encode()).hexdigest()}")


def _keys_of(user_id: int) -> str:
    return key(f"sessions:{user_id}")
