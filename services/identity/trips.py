"""Ways to the company's provider and back, each of one browser, for ten minutes and good once.

Nothing is kept of those who only set out: the browser carries it, sealed. Key of one that came
back: `identity:trip:<hash of state>`.
"""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta

from cryptography.fernet import InvalidToken
from redis import Redis

from services.identity import seals
from shared import clock
from shared.redis import key

LIFETIME = timedelta(minutes=10)
_KEPT = LIFETIME + timedelta(minutes=5)  # clocks differ
_PURPOSE = b"provider trip"
LOG_IN = 0  # no user's id


@dataclass(frozen=True)
class Trip:
    """What ties the answer to the question (RFC 6749, RFC 7636, OpenID Connect Core)."""

    state: str  # … to this browser,
    nonce: str  # what the provider signs to it,
    verifier: str  # and the code to whoever asked for it
    asked_at: int = 0  # seconds since 1970
    proves: int = LOG_IN  # the user who is to sign in there once more; else it is a way in


def begin(proves: int = LOG_IN) -> Trip:
    """A new one; nobody guesses any of it."""
    state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
    return Trip(state, nonce, verifier, int(clock.now().timestamp()), proves)


def seal(trip: Trip) -> str:
    """As the browser keeps it."""
    return seals.box_of(_PURPOSE).encrypt(json.dumps(asdict(trip)).encode()).decode()


def find(kept: str, state: str) -> Trip | None:
    """What the browser kept, if this answer is to it; None of one that is too old or not ours."""
    try:
        opened = seals.box_of(_PURPOSE).decrypt(kept.encode(), int(LIFETIME.total_seconds()))
    except InvalidToken:
        return None
    trip = Trip(**json.loads(opened))
    return trip if secrets.compare_digest(trip.state.encode(), state.encode()) else None


def take(redis: Redis, trip: Trip) -> bool:
    """Use it up; False where it was used."""
    name = key(f"identity:trip:{hashlib.sha256(trip.state.encode()).hexdigest()}")
    return bool(redis.set(name, 1, nx=True, ex=_KEPT))
