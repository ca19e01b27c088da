"""Who asks the bureau, by user and password (HTTP Basic), and how fast one may guess them.

The house's own user stands in the settings and has no measure; other systems stand in the roster.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from http import HTTPStatus

from redis import Redis
from redis.exceptions import RedisError

from services.risk_central.refusals import TurnedAwayError
from services.risk_central.roster import Client, Roster
from shared import throttle
from shared.throttle import Bucket

FREE, FIRST_SECONDS, LONGEST_SECONDS = 10, 1, 60
KNOWN_SECONDS = 24 * 3600  # whose credentials were right is not slowed down for so long …
KNOWN_MOST = 10_000  # … of so many

WRONG = "Usuario o contraseña incorrectos, o una dirección desde la que no se admiten."
_CHALLENGE = ("WWW-Authenticate", 'Basic realm="risk-central", charset="UTF-8"')


class FromElsewhereError(TurnedAwayError):
    """Right credentials from an address of which the client does not ask; told like wrong ones."""

    def __init__(self, client: Client) -> None:
        self.client = client
        super().__init__(HTTPStatus.UNAUTHORIZED, WRONG, _CHALLENGE)


class Credentials:
    """Checks them. Whoever was right from an address is never slowed down by a neighbour of it.

    An address that was only wrong so far is slowed down by its failures, also when its next try
    would be right: else a guess would cost nothing. A good client never costs Redis a question.
    """

    def __init__(self, redis: Redis, user: str, password: str) -> None:
        self._redis = redis
        self._house = Client(user)
        self._good = f"{user}:{password}".encode()
        self._roster = Roster(redis)
        self._salt = secrets.token_bytes(32)
        self._ours = self._mark(f"Basic {base64.b64encode(self._good).decode()}")
        self._known, self._suspects = Remembered(), Remembered()

    def check(self, header: str, address: str) -> Client:
        """Who that is. Raises TurnedAwayError: 401, or 429 with Retry-After after many failures."""
        source = throttle.source(address)
        client = self._find(header)
        good = client is not None and client.comes_from(address)
        if client and good and (source in self._known or source not in self._suspects):
            self._known.add(source)
            return client
        if header:
            self._slow_down(source)
        if client is None:
            raise TurnedAwayError(HTTPStatus.UNAUTHORIZED, WRONG, _CHALLENGE)
        if not good:
            raise FromElsewhereError(client)
        self._known.add(source)
        return client

    def _slow_down(self, source: str) -> None:
        """Counted in Redis, for all processes; without it nobody is slowed down."""
        self._suspects.add(source)
        bucket = Bucket("risk_central", f"soap {source}", FREE, FIRST_SECONDS, LONGEST_SECONDS)
        try:
            seconds = throttle.take(self._redis, [bucket])
        except RedisError:
            return
        if seconds:
            raise _too_many(seconds)

    def _find(self, header: str) -> Client | None:
        """Whose credentials these are; right ones are known again by their hash alone."""
        mark = self._mark(header)
        if mark == self._ours:
            return self._house
        right = self._roster.right()
        client = right.get(mark) or self._read(header)
        if client is not None:
            right[mark] = client
        return client

    def _mark(self, header: str) -> bytes:
        given = header.encode(errors="replace")
        return hashlib.blake2b(given, key=self._salt, digest_size=16).digest()

    def _read(self, header: str) -> Client | None:
        scheme, _, given = header.partition(" ")
        if scheme.lower() != "basic":
            return None
        shown = _decoded(given)
        if hmac.compare_digest(shown, self._good):
            return self._house
        name, _, secret = shown.partition(b":")
        return self._roster.find(name.decode(errors="replace"), secret)


class Remembered:
    """The last so many addresses of a day, in this process."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()

    def __contains__(self, source: str) -> bool:
        return self._until.get(source, 0) > time.monotonic()

    def add(self, source: str) -> None:
        """Remember it from now on."""
        self._until[source] = time.monotonic() + KNOWN_SECONDS
        self._until.move_to_end(source)
        if len(self._until) > KNOWN_MOST:
            self._until.popitem(last=False)


def _too_many(seconds: float) -> TurnedAwayError:
    return TurnedAwayError(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"Demasiados intentos fallidos. Espere {throttle.say(seconds)} y vuelva a intentar.",
        ("Retry-After", str(max(1, -int(-seconds // 1)))),
    )


def _decoded(credentials: str) -> bytes:
    try:
        return base64.b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""
