"""First factors that were right and wait for the second, in Redis.

Keys: `identity:ticket:<hash of ticket>` → whose, and the user's version as of then;
`identity:secret:<user id>` → the sealed secret that the user's telephone is to learn. A ticket is
stored only as its hash, and is worth nothing without a code.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from redis import Redis

from services.identity import seals
from shared.redis import key

LIFETIME = timedelta(minutes=5)
PREPARED = timedelta(minutes=15)


@dataclass(frozen=True)
class Found:
    """Whose first factor was right, and which version of the user that was."""

    user_id: int
    version: int
    way: str = ""  # in which it was proved, where that was not by the password


def issue(redis: Redis, user_id: int, version: int, way: str = "") -> str:
    """A new ticket."""
    ticket = secrets.token_urlsafe(32)
    about = {"user_id": user_id, "version": version, "way": way}
    redis.set(_key(ticket), json.dumps(about), ex=LIFETIME)
    return ticket


def find(redis: Redis, ticket: str) -> Found | None:
    """Whose it is; None of one that is used or too old."""
    about = redis.get(_key(ticket))
    return Found(**json.loads(about)) if about else None


def take(redis: Redis, ticket: str) -> bool:
    """Use it up; False where another was quicker."""
    return bool(redis.delete(_key(ticket)))


def _key(ticket: str) -> str:
    return key(f"identity:ticket:{hashlib.sha256(ticket.encode()).hexdigest()}")


# --- secrets on their way to a telephone ---


def prepare(redis: Redis, user_id: int, secret: str) -> str:
    """Keep the secret for the user, or give the one that is kept: a page loaded anew shows it."""
    name = _prepared_key(user_id)
    redis.set(name, seals.seal(user_id, secret), ex=PREPARED, nx=True)
    return find_prepared(redis, user_id) or secret


def find_prepared(redis: Redis, user_id: int) -> str | None:
    """The secret that was prepared for the user; None when that was too long ago."""
    sealed: Any = redis.get(_prepared_key(user_id))
    return seals.unseal(user_id, sealed.decode()) if sealed else None


def forget_prepared(redis: Redis, user_id: int) -> None:
    """It is the user's now."""
    redis.delete(_prepared_key(user_id))


def _prepared_key(user_id: int) -> str:
    return key(f"identity:secret:{user_id}")
