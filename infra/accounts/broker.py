"""What an account may do at the broker, as regular expressions and topics.

`configure` makes and removes, `write` publishes to an exchange and binds a queue, `read` consumes
and binds to an exchange. The default exchange, by which a message reaches any queue, is nobody's:
what is published goes through exchanges of type topic, whose keys are permitted one by one.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from infra.accounts.table import BEAT, GATEWAY, RELAY, Account, Login
from shared import waiting
from shared.contracts import ROOMS
from shared.neighbours import reach

NOTHING = "^$"
_REPLY = r"[0-9a-f-]{32,36}"  # whoever asks waits under a name that nobody can guess
_ANY = "|".join(ROOMS)


class Names:
    """Names at the broker as expressions, in a namespace (`settings().amqp_name`)."""

    def __init__(self, namespace: str) -> None:
        self._first = "" if namespace == "pregon" else f"{re.escape(namespace)}\\."

    def of(self, name: str) -> str:
        """A name that is ours, or an expression of such names."""
        return f"{self._first}{name}"

    def exchange(self, name: str) -> str:
        """The name itself, for topic permissions."""
        return self.of(name).replace("\\", "")

    def heard(self, rooms: Iterable[str]) -> str:
        """Queues on which rooms hear events."""
        return self.of(rf"evt-[a-z_]+-[a-z_]+--({'|'.join(rooms)})\.[a-z_]+")

    def jobs(self, rooms: Iterable[str]) -> str:
        """Queues of rooms' jobs."""
        return self.of(rf"jobs\.({'|'.join(rooms)})(\.bulk)?")

    def dead(self, rooms: Iterable[str]) -> str:
        """Where the failed deliveries of rooms are parked."""
        return "|".join([rf"dead\.{self.heard(rooms)}", self.of(r"dead\.jobs")])


def definitions(
    namespace: str, vhost: str, accounts: Iterable[Account], logins: Mapping[str, Login]
) -> dict[str, Any]:
    """Users, permissions and topic permissions, in the broker's own form of import."""
    names = Names(namespace)
    asked = [account for account in accounts if "amqp" in account.servers]
    whose = {account: {"user": logins[account.name].user, "vhost": vhost} for account in asked}
    return {
        "users": [user(logins[account.name]) for account in asked],
        "permissions": [whose[account] | _permissions(names, account) for account in asked],
        "topic_permissions": [
            {**whose[account], "exchange": place, **keys}
            for account in asked
            for place, keys in _topics(names, account).items()
        ],
    }


def user(login: Login) -> dict[str, str]:
    """A user as the broker stores it: of the password only the hash."""
    salt = secrets.token_bytes(4)
    digest = hashlib.sha256(salt + login.password.encode()).digest()
    return {
        "name": login.user,
        "password_hash": base64.b64encode(salt + digest).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": "",
    }


def _permissions(names: Names, account: Account) -> dict[str, str]:
    if account == RELAY:
        return _allow(write=[names.of(rf"({_ANY})\.events"), names.of("jobs")])
    if account == BEAT:
        return _allow(write=[names.of("jobs")])
    if account == GATEWAY:
        own = [r"rpc\.reply-gateway-.*", "live-.*"]
        asked, told = names.of("nameko-rpc"), names.of(rf"({_ANY})\.events")
        return _allow(configure=own, write=[*own, asked], read=[*own, asked, told])
    return _permissions_of_rooms(names, account.rooms)


def _permissions_of_rooms(names: Names, rooms: tuple[str, ...]) -> dict[str, str]:
    which = "|".join(rooms)
    own = [names.of(f"rpc-({which})"), rf"rpc\.reply-({which})-.*", names.heard(rooms)]
    rpc, hears = names.of("nameko-rpc"), sorted({one for r in rooms for one in reach(r).hears})
    places = [names.of(place) for place in (r"later\.\d+s", "jobs", "parked")]
    cleans = [names.dead(ROOMS)] if any(reach(room).cleans for room in rooms) else []
    told = names.of(rf"({'|'.join(hears)})\.events")
    return _allow(
        configure=own,
        write=[*own, rpc, *places],
        read=[*own, rpc, told, names.jobs(rooms), *cleans],
    )


def _topics(names: Names, account: Account) -> dict[str, dict[str, str]]:
    rpc, jobs = names.exchange("nameko-rpc"), names.exchange("jobs")
    if account == RELAY:
        return {jobs: _keys(write=[names.jobs(ROOMS)])}
    if account == BEAT:
        return {jobs: _keys(write=[names.jobs(ROOMS)])}
    if account == GATEWAY:
        return {rpc: _keys(write=[rf"({_ANY})\.[a-z_]+"], read=[_REPLY])}
    return _topics_of_rooms(names, account.rooms)


def _topics_of_rooms(names: Names, rooms: tuple[str, ...]) -> dict[str, dict[str, str]]:
    asks = [re.escape(one) for room in rooms for one in reach(room).asks]
    bulk = [names.of(rf"jobs\.{one}\.bulk") for room in rooms for one in reach(room).sends]
    own = [names.heard(rooms), names.jobs(rooms)]
    cleans = [names.dead(ROOMS)] if any(reach(room).cleans for room in rooms) else []
    rpc_read = [rf"({'|'.join(rooms)})\.\*", _REPLY]
    return {
        names.exchange("nameko-rpc"): _keys(write=[*asks, _REPLY], read=rpc_read),
        names.exchange("jobs"): _keys(write=[names.jobs(rooms), *bulk]),
        names.exchange("parked"): _keys(write=[names.dead(rooms), *cleans]),
        **{names.exchange(f"later.{seconds}s"): _keys(write=own) for seconds in waiting.SECONDS},
    }


def _allow(
    *, configure: Iterable[str] = (), write: Iterable[str] = (), read: Iterable[str] = ()
) -> dict[str, str]:
    return {"configure": _whole(configure), **_keys(write=write, read=read)}


def _keys(*, write: Iterable[str] = (), read: Iterable[str] = ()) -> dict[str, str]:
    return {"write": _whole(write), "read": _whole(read)}


def _whole(expressions: Iterable[str]) -> str:
    """One expression that fits a whole name: the broker looks for it anywhere in one."""
    joined = "|".join(expressions)
    return f"^({joined})$" if joined else NOTHING
