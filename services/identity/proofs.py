"""That it is the user who asks, and not the open browser: shown by the company's provider.

It stands for the password where one's own ways in are changed: for one session, for minutes, and
once. Key: `identity:proof:<hash of the session's token>` → whose.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from redis import Redis

from shared import clock
from shared.redis import key

LIFETIME = timedelta(minutes=10)  # for reading a QR code with a telephone that has no program yet


def keep(redis: Redis, token: str, user_id: int) -> None:
    """The user has just signed in anew."""
    redis.set(_key(token), user_id, ex=LIFETIME)


def find(redis: Redis, token: str, user_id: int) -> datetime | None:
    """Until when it counts for this session; None when there is none."""
    whose: Any = redis.get(_key(token))
    seconds: Any = redis.ttl(_key(token))
    if whose is None or int(whose) != user_id or seconds <= 0:
        return None
    return clock.now() + timedelta(seconds=seconds)


def use_up(redis: Redis, token: str) -> None:
    """What it was for is done."""
    redis.delete(_key(token))


def _key(token: str) -> str:
    return key(f"identity:proof:{hashlib.sha256(token.encode()).hexdigest()}")
