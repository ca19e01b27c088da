"""Who may ask the bureau, as the SOAP server's processes know it: one value in Redis.

The room writes it whole from its table (`clients.publish`), so writing it twice or after a kill
does no harm. A process keeps it for two seconds; where it is gone from Redis, what was last read
counts until the room has written it again.

Key: `risk_central:soap:clients` → JSON of the clients who may ask, with hashes of their secrets.
"""

import hashlib
import hmac
import ipaddress
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from threading import Lock
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from shared.redis import key

KEPT_SECONDS = 2.0  # as much later a client who was shut out still comes in
_NETWORKS = tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True)
class Secret:
    """The SHA-256 of one, and until when it is good; None: until it is replaced."""

    digest: bytes
    until: float | None = None

    def matches(self, digest: bytes) -> bool:
        """In a time that does not tell how much of it is right."""
        good = hmac.compare_digest(self.digest, digest)
        return good and (self.until is None or self.until > time.time())


@dataclass(frozen=True)
class Client:
    """Who asks, and how much of it; 0 is no limit."""

    name: str
    secrets: tuple[Secret, ...] = ()
    per_minute: int = 0
    per_day: int = 0  # persons
    at_once: int = 0
    networks: _NETWORKS = field(default=())

    def knows(self, secret: bytes) -> bool:
        """Whether this is a secret of the client's."""
        digest = hashlib.sha256(secret).digest()
        return any(item.matches(digest) for item in self.secrets)

    def comes_from(self, address: str) -> bool:
        """Whether the client may ask from there; without networks from anywhere."""
        if not self.networks:
            return True
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        plain = getattr(found, "ipv4_mapped", None) or found
        return any(plain in network for network in self.networks)


def write(redis: Redis, clients: Iterable[Mapping[str, Any]]) -> None:
    """Let these in and nobody else. Raises RedisError."""
    redis.set(_key(), json.dumps(list(clients)))


class Roster:
    """The clients in this process's memory."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._clients: dict[str, Client] = {}
        self._right: dict[bytes, Client] = {}
        self._due = 0.0
        self._reading = Lock()

    def right(self) -> dict[bytes, Client]:
        """Whose credentials were right since the clients were last read, for who checks them.

        Another one with each reading, so nobody who was shut out is remembered for longer.
        """
        self._refresh()
        return self._right

    def find(self, name: str, secret: bytes) -> Client | None:
        """Whose secret this is; without Redis as last known."""
        self._refresh()
        client = self._clients.get(name)
        return client if client is not None and client.knows(secret) else None

    def _refresh(self) -> None:
        if time.monotonic() >= self._due:
            with self._reading:
                if time.monotonic() >= self._due:
                    self._read()

    def _read(self) -> None:
        """What is not there, or cannot be read now, changes nothing."""
        try:
            found: Any = self._redis.get(_key())
        except RedisError:
            found = None
        if found is not None:
            clients = map(_client, json.loads(found))
            self._clients = {client.name: client for client in clients}
        self._right = {}
        self._due = time.monotonic() + KEPT_SECONDS


def _client(row: Mapping[str, Any]) -> Client:
    secrets = (Secret(bytes.fromhex(digest), until) for digest, until in row["secrets"])
    return Client(
        name=row["name"],
        secrets=tuple(secrets),
        per_minute=row["per_minute"],
        per_day=row["per_day"],
        at_once=row["at_once"],
        networks=tuple(map(ipaddress.ip_network, row["networks"])),
    )


def _key() -> str:
    return key("risk_central:soap:clients")
