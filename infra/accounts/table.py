"""Who has an account: every room, every group of rooms that share a process, and the others."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from shared.contracts import ROOMS, Placement, rooms_of

SERVERS = {
    "amqp": "PREGON_AMQP_URL",
    "database": "PREGON_DATABASE_URL",
    "redis": "PREGON_REDIS_URL",
}
NOWHERE = "none"  # a URL that leads to no server: the process has nothing to look for there
_LONGEST = 26  # PostgreSQL keeps 63 letters, of which a namespace may have 31


@dataclass(frozen=True)
class Account:
    """Whom a process is at the servers: some rooms at once, or one of the single processes."""

    name: str
    rooms: tuple[str, ...] = ()
    servers: tuple[str, ...] = tuple(SERVERS)


@dataclass(frozen=True)
class Login:
    """By which user and password a process is let in as its account."""

    user: str
    password: str


GATEWAY = Account("gateway", servers=("amqp",))
BEAT = Account("beat", servers=("amqp",))
RELAY = Account("relay", servers=("amqp", "database"))
SOAP = Account("soap", rooms=("risk_central",), servers=("redis",))


def of_rooms(process: str, names: Iterable[str], group_of: Callable[[Placement], str]) -> Account:
    """The account of a process that serves these rooms and groups."""
    rooms = tuple(_expand(names, group_of))
    return Account(rooms[0], rooms) if len(rooms) == 1 else Account(_short(process), rooms)


def _expand(names: Iterable[str], group_of: Callable[[Placement], str]) -> list[str]:
    try:
        return rooms_of(names, group_of)
    except KeyError:  # the process itself will say so
        return list(names)


def every(groups: Iterable[Account]) -> Iterator[Account]:
    """One account a room, whether a process of its own has it or not, and those of `groups`."""
    found = {room: Account(room, (room,)) for room in ROOMS}
    found |= {account.name: account for account in groups}
    yield from found.values()


def url_with(url: str, login: Login) -> str:
    """The same server, asked by somebody else."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{quote(login.user)}:{quote(login.password)}@{place}").geturl()


def _short(process: str) -> str:
    if len(process) <= _LONGEST:
        return process
    return f"rooms-{hashlib.sha256(process.encode()).hexdigest()[:12]}"
