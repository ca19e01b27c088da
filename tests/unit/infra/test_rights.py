"""What accounts may do, as the servers read it: the broker looks for expressions in names."""

import re
from typing import Any

import pytest

from infra.accounts import broker, keys
from infra.accounts.table import Account, Login
from infra.native import programs
from shared.contracts import ROOMS

ACCOUNTS = {account.name: account for account in programs.accounts({})}
LOGINS = {name: Login(name, "secret") for name in ACCOUNTS}
NAMESPACES = ("pregon", "pregon_b")


def told(namespace: str) -> dict[str, Any]:
    return broker.definitions(namespace, "v", ACCOUNTS.values(), LOGINS)


def may(namespace: str, account: str, verb: str, name: str) -> bool:
    [found] = [one for one in told(namespace)["permissions"] if one["user"] == account]
    return bool(re.search(found[verb], name))


def may_say(namespace: str, account: str, exchange: str, key: str) -> bool:
    """To an exchange of type topic: without a line for it every key is permitted."""
    lines = [
        one
        for one in told(namespace)["topic_permissions"]
        if (one["user"], one["exchange"]) == (account, exchange)
    ]
    return may(namespace, account, "write", exchange) and all(
        re.search(one["write"], key) for one in lines
    )


def in_namespace(namespace: str, name: str) -> str:
    return name if namespace == "pregon" else f"{namespace}.{name}"


BROKERS = sorted(name for name, account in ACCOUNTS.items() if "amqp" in account.servers)


@pytest.mark.parametrize("account", BROKERS)
@pytest.mark.parametrize("namespace", NAMESPACES)
def test_the_default_exchange_is_nobodys(namespace: str, account: str) -> None:
    for verb in ("configure", "write", "read"):
        for name in ("amq.default", "amq.topic", "amq.direct", "celery", "celeryev"):
            assert not may(namespace, account, verb, name)


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_room_takes_from_its_own_queues_alone(namespace: str, room: str) -> None:
    for other in ROOMS:
        for plain in (f"rpc-{other}", f"jobs.{other}", f"jobs.{other}.bulk"):
            name = in_namespace(namespace, plain)
            assert may(namespace, room, "read", name) is (room == other)
        for begin in ("x", f"{namespace}x.", f"dead.{namespace}."):
            assert not may(namespace, room, "read", f"{begin}rpc-{room}")


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("namespace", NAMESPACES)
def test_what_a_room_has_wait_comes_back_to_itself(namespace: str, room: str) -> None:
    for seconds in (5, 60, 600):
        exchange = in_namespace(namespace, f"later.{seconds}s")
        for other in ROOMS:
            for plain in (f"jobs.{other}", f"evt-campaign-x--{other}.on_x"):
                key = in_namespace(namespace, plain)
                assert may_say(namespace, room, exchange, key) is (room == other)
            assert not may_say(namespace, room, exchange, in_namespace(namespace, f"rpc-{other}"))
        assert not may_say(namespace, room, exchange, "#")


@pytest.mark.parametrize("account", set(BROKERS) - {"relay"})
def test_only_the_relay_says_what_happened(account: str) -> None:
    for room in ROOMS:
        assert may_say("pregon", "relay", f"{room}.events", "x")
        assert not may_say("pregon", account, f"{room}.events", "x")


@pytest.mark.parametrize("account", BROKERS)
def test_nobody_makes_or_removes_what_all_share(account: str) -> None:
    for name in ("nameko-rpc", "jobs", "parked", "later.5s", "identity.events", "dead.jobs"):
        assert not may("pregon", account, "configure", name)


def test_a_process_of_several_rooms_has_the_rights_of_each_and_no_more() -> None:
    small = ACCOUNTS["room-small"]
    assert set(small.rooms) == {"identity", "risk_central"}
    for room in ROOMS:
        assert may("pregon", "room-small", "read", f"rpc-{room}") is (room in small.rooms)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_keys_begin_with_their_room(namespace: str) -> None:
    first = "" if namespace == "pregon" else f"{namespace}:"
    for account in (one for one in ACCOUNTS.values() if "redis" in one.servers):
        patterns = [word for word in keys.rules(namespace, account) if word.startswith("~")]
        assert all(pattern.startswith(f"~{first}") for pattern in patterns)
        assert {f"~{first}{room}:*" for room in account.rooms} <= set(patterns)
        assert "~*" not in patterns
        assert "allkeys" not in keys.rules(namespace, account)


def test_what_redis_calls_dangerous_is_taken_away_last() -> None:
    rules = keys.rules("pregon", Account("mailer", ("mailer",)))
    assert rules.index("-@dangerous") > max(
        number for number, word in enumerate(rules) if word.startswith("+@")
    )
