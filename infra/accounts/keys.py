"""Users at Redis: keys that begin with a room's name, and commands that look at no others'."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from infra.accounts.table import Account, Login
from shared.neighbours import reach

# Of what is dangerous by Redis' own judgement nothing (KEYS, FLUSHALL, CONFIG, SAVE …)
COMMANDS = (
    *("-@all", "+@read", "+@write", "+@connection", "+@transaction"),
    *("+eval", "+evalsha", "+script|load", "+time", "-@dangerous", "-@admin"),
)


def rules(namespace: str, account: Account) -> list[str]:
    """What the user may do, as Redis writes it."""
    first = "" if namespace == "pregon" else f"{namespace}:"
    patterns = [
        f"~{first}{begin}*" for room in account.rooms for begin in (f"{room}:", *reach(room).keys)
    ]
    return ["resetkeys", "resetchannels", *patterns, *COMMANDS]


def refusal(url: str) -> str:
    """Why no accounts can be made there; empty when they can."""
    with Redis.from_url(url, socket_timeout=5) as redis:
        try:
            _do(redis, "ACL", "LIST")
        except ResponseError as error:
            return f"its account may not make users ({error})"
    return ""


def make(
    url: str, namespace: str, accounts: Iterable[Account], logins: Mapping[str, Login]
) -> None:
    """Make the users, or give those that exist these rights and only these passwords."""
    with Redis.from_url(url, socket_timeout=5) as redis:
        for account in _asked(accounts):
            login = logins[account.name]
            words = ["reset", "on", f">{login.password}", *rules(namespace, account)]
            _do(redis, "ACL", "SETUSER", login.user, *words)
        _keep(redis)


def remove(url: str, users: Iterable[str]) -> None:
    """Remove these users; those who are in are put out."""
    with Redis.from_url(url, socket_timeout=5) as redis:
        for user in users:
            _do(redis, "ACL", "DELUSER", user)
        _keep(redis)


def lines(
    namespace: str, accounts: Iterable[Account], logins: Mapping[str, Login]
) -> Iterator[str]:
    """The users as lines of a file that the server reads at its start."""
    for account in _asked(accounts):
        login = logins[account.name]
        words = ["on", f">{login.password}", *rules(namespace, account)]
        yield f"user {login.user} {' '.join(words)}"


def _asked(accounts: Iterable[Account]) -> list[Account]:
    return [account for account in accounts if "redis" in account.servers]


def _keep(redis: Redis) -> None:
    """Also after a restart: in the file of users, or in the server's own settings."""
    try:
        _do(redis, "ACL", "SAVE")
    except RedisError:
        with suppress(RedisError):
            _do(redis, "CONFIG", "REWRITE")


def _do(redis: Redis, *words: str) -> Any:
    return redis.execute_command(*words)  # type: ignore[no-untyped-call]  # untyped there
