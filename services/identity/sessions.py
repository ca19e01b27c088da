"""Log-ins in Redis: sessions that expire by themselves.

Keys: `session:<hash of token>` → whose it is, since when, from where; `sessions:<user id>` → the
user's session keys. A token is stored only as its hash. A session ends when it was not used for
`PREGON_SESSION_HOURS`, and `PREGON_SESSION_HOURS_AT_MOST` after its log-in in any case. In another
namespace than the default one its name comes first (`shared.redis.key`).
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from redis import Redis

from shared import clock
from shared.redis import key
from shared.settings import settings

_RENEWED_SECONDS = 300  # a session used again within this lasts no longer by it
_NAME_LENGTH = 16  # of its hash; tells sessions of a user apart and opens none


@dataclass(frozen=True)
class Found:
    """A running session; `started_at` is None of one from before this was kept."""

    name: str
    user_id: int
    seconds_left: int
    started_at: datetime | None = None
    source: str = ""
    agent: str = ""


def lifetime() -> timedelta:
    """How long a log-in lasts that is not used."""
    return timedelta(hours=settings().session_hours)


def longest() -> timedelta:
    """How long a log-in lasts that is used all the time."""
    return timedelta(hours=max(settings().session_hours, settings().session_hours_at_most))


def start(redis: Redis, user_id: int, source: str = "", agent: str = "") -> str:
    """A new session's token."""
    token = secrets.token_urlsafe(32)
    about = {"user_id": user_id, "at": clock.now().timestamp(), "source": source, "agent": agent}
    _forget_ended(redis, user_id)
    with redis.pipeline() as pipe:
        pipe.set(_key(token), json.dumps(about), ex=lifetime())
        pipe.sadd(_keys_of(user_id), _key(token))
        pipe.expire(_keys_of(user_id), longest())
        pipe.execute()
    return token


def find(redis: Redis, token: str) -> Found | None:
    """The session of a token, which lasts longer by being used; None when it ended."""
    found = _read(_key(token), *_ask(redis, [_key(token)]))
    if found is None:
        return None
    seconds = _renewed(found)
    if seconds - found.seconds_left < _RENEWED_SECONDS:
        return found
    redis.expire(_key(token), seconds)
    return Found(**vars(found) | {"seconds_left": seconds})


def list_open(redis: Redis, user_id: int) -> list[Found]:
    """A user's sessions, the newest first."""
    keys = sorted(_keys(redis, user_id))
    answers = _ask(redis, keys)
    each = zip(keys, answers[::2], answers[1::2], strict=True)
    found = [session for session in (_read(*one) for one in each) if session is not None]
    return sorted(found, key=lambda one: one.started_at or _LONG_AGO, reverse=True)


def name_of(token: str) -> str:
    """What the session is called among its user's."""
    return _short(_key(token))


def end(redis: Redis, token: str) -> None:
    """End one session."""
    redis.delete(_key(token))


def end_named(redis: Redis, user_id: int, name: str) -> bool:
    """End one of a user's sessions; False when there is none of that name."""
    named = [item for item in _keys(redis, user_id) if _short(item) == name]
    return bool(named and redis.delete(*named))


def end_all(redis: Redis, user_id: int, *, but: str | None = None) -> None:
    """End every session of a user but that of a token, as when the password or role changes."""
    keys = _keys(redis, user_id) - {_key(but) if but else ""}
    if keys:
        redis.delete(*keys)
        redis.srem(_keys_of(user_id), *keys)


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def _forget_ended(redis: Redis, user_id: int) -> None:
    """The list of whoever logs in each day holds no more than a day's."""
    keys = sorted(_keys(redis, user_id))
    values = redis.mget(keys) if keys else []
    ended = [one for one, value in zip(keys, values, strict=True) if value is None]
    if ended:
        redis.srem(_keys_of(user_id), *ended)


def _ask(redis: Redis, keys: list[str]) -> list[Any]:
    """Value and seconds left of each, one after the other."""
    with redis.pipeline(transaction=False) as pipe:
        for one in keys:
            pipe.get(one)
            pipe.ttl(one)
        return list(pipe.execute())


def _read(name: str, value: bytes | None, seconds: int) -> Found | None:
    if value is None:
        return None
    about = json.loads(value)
    if isinstance(about, int):  # of an earlier version: whose it is and nothing else
        return Found(_short(name), about, seconds)
    at = datetime.fromtimestamp(about["at"], UTC)
    return Found(_short(name), about["user_id"], seconds, at, about["source"], about["agent"])


def _renewed(found: Found) -> int:
    """The seconds that a session has left when it is used now."""
    if found.started_at is None:
        return found.seconds_left
    end = found.started_at + longest()
    return int(min(lifetime(), end - clock.now()).total_seconds())


def _key(token: str) -> str:
    return key(f"session:{hashlib.sha256(token.encode()).hexdigest()}")


def _keys(redis: Redis, user_id: int) -> set[str]:
    found = redis.smembers(_keys_of(user_id))
    return {item.decode() if isinstance(item, bytes) else item for item in found}


def _short(name: str) -> str:
    return name.rpartition(":")[2][:_NAME_LENGTH]


def _keys_of(user_id: int) -> str:
    return key(f"sessions:{user_id}")
