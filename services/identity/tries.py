"""How fast one may try to log in; see docs/decisions for why nobody is locked out.

Counted are the tries of a user from an address, and those of an address whoever they are for. Who
comes with a device that this user logged in from before is counted by that device and by nothing
else, whatever strangers, or neighbours behind the same address, do meanwhile.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache

from itsdangerous import BadSignature, URLSafeTimedSerializer
from redis import Redis

from shared import throttle
from shared.errors import Denied, FieldError
from shared.settings import settings
from shared.throttle import Bucket

FREE = 5  # wrong passwords of a user that cost nothing …
FREE_OF_SOURCE = 50  # … and of an address: an office shares one
FREE_CODES = 20  # wrong codes of a user from wherever: a million is soon tried from a thousand
FIRST_SECONDS, LONGEST_SECONDS = 10, 15 * 60
FIRST_OF_SOURCE_SECONDS, LONGEST_OF_SOURCE_SECONDS = 1, 60
FREE_LETTERS, LETTERS_SECONDS = 3, 3600  # three, then one an hour
FREE_LETTERS_OF_SOURCE = 20
FAILED = "Demasiados intentos fallidos."
ASKED = "Ya lo pidió varias veces."
DEVICE_LIFETIME = timedelta(days=365)


def begin(redis: Redis, username: str, address: str, device: str) -> list[Bucket]:
    """Count a try before its password is looked at.

    Raises Denied, with the seconds to wait as field `retry_after`, for one that comes too soon.
    """
    return _begin(redis, _buckets(username, address, device))


def begin_code(redis: Redis, username: str, address: str, device: str) -> list[Bucket]:
    """The same of a code after a right password; a right password is no reason to forget these.

    Who guesses knows the password, so all addresses of a user count together as well.
    """
    return _begin(redis, _code_buckets(username, address, device))


def begin_provider(redis: Redis, address: str) -> list[Bucket]:
    """The same of a sign-in by the company's provider, of which no user is known yet."""
    return _begin(redis, [_of_source(throttle.source(address))])


def _begin(redis: Redis, buckets: list[Bucket], why: str = FAILED) -> list[Bucket]:
    if seconds := throttle.take(redis, buckets):
        text = f"{why} Espere {throttle.say(seconds)} y vuelva a intentar."
        raise Denied(text, [FieldError("retry_after", str(max(1, -int(-seconds // 1))))])
    return buckets


def begin_link(redis: Redis, address: str) -> list[Bucket]:
    """Count a try of a link that may be none of ours."""
    return _begin(redis, [_links_of(address)])


def count_letter(redis: Redis, who: str, address: str) -> None:
    """Count what has a letter sent, by what was typed: whether there is such a user is not known.

    By address too, so a stranger who asks for somebody keeps nobody else from asking.
    """
    own = f"letter {who} {throttle.source(address)}"
    one = Bucket("identity", own, FREE_LETTERS, LETTERS_SECONDS, LETTERS_SECONDS)
    _begin(redis, [one, _letters_of(address)], ASKED)


def succeed(redis: Redis, buckets: Sequence[Bucket]) -> None:
    """The user's own count begins anew; that of the address stays as it was before."""
    throttle.forget(redis, buckets[0])
    throttle.give_back(redis, buckets[1:])


def undo(redis: Redis, buckets: Sequence[Bucket]) -> None:
    """Nobody looked at the password."""
    throttle.give_back(redis, buckets)


def _buckets(username: str, address: str, device: str) -> list[Bucket]:
    known = find_device(device, username)
    if known is not None:
        return [Bucket("identity", f"device {known}", FREE, FIRST_SECONDS, LONGEST_SECONDS)]
    source = throttle.source(address)
    return [
        Bucket("identity", f"user {username} {source}", FREE, FIRST_SECONDS, LONGEST_SECONDS),
        _of_source(source),
    ]


def _of_source(source: str) -> Bucket:
    limits = (FREE_OF_SOURCE, FIRST_OF_SOURCE_SECONDS, LONGEST_OF_SOURCE_SECONDS)
    return Bucket("identity", f"source {source}", *limits)


def _code_buckets(username: str, address: str, device: str) -> list[Bucket]:
    known = find_device(device, username)
    who = f"device {known}" if known else f"user {username} {throttle.source(address)}"
    own = Bucket("identity", f"code {who}", FREE, FIRST_SECONDS, LONGEST_SECONDS)
    if known is not None:
        return [own]
    name = f"code user {username}"
    return [own, Bucket("identity", name, FREE_CODES, FIRST_SECONDS, LONGEST_SECONDS)]


def _links_of(address: str) -> Bucket:
    name = f"links {throttle.source(address)}"
    limits = (FREE_OF_SOURCE, FIRST_OF_SOURCE_SECONDS, LONGEST_OF_SOURCE_SECONDS)
    return Bucket("identity", name, *limits)


def _letters_of(address: str) -> Bucket:
    name = f"letters {throttle.source(address)}"
    return Bucket("identity", name, FREE_LETTERS_OF_SOURCE, FIRST_SECONDS, LONGEST_SECONDS)


# --- devices ---


def remember_device(device: str, username: str) -> str:
    """The signed word a browser keeps after a good log-in; a known device stays the same one."""
    number = find_device(device, username) or secrets.token_urlsafe(12)
    return str(_signer().dumps([number, _mark(username)]))


def find_device(device: str, username: str) -> str | None:
    """The device that this user logged in from within a year; None for others' and for none."""
    try:
        number, mark = _signer().loads(device, max_age=int(DEVICE_LIFETIME.total_seconds()))
    except (BadSignature, ValueError, TypeError):
        return None
    return str(number) if mark == _mark(username) else None


def _mark(username: str) -> str:
    """Who reads the cookie learns no name by it."""
    return hashlib.sha256(username.encode()).hexdigest()[:16]


@lru_cache
def _signer() -> URLSafeTimedSerializer:
    """The last key is the one it signs with: devices of former keys are known all the same."""
    return URLSafeTimedSerializer([*reversed(settings().secret_keys)], salt="device")
