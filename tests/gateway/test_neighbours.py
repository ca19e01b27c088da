"""Each process's account tries the neighbours' doors at the servers: broker, database, Redis.

That the rights suffice for what is a process's own, every other test of the whole product shows.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
from amqp import Message
from amqp.exceptions import AccessRefused, NotFound
from dotenv import dotenv_values
from kombu import Connection, Exchange, Queue
from psycopg2 import errors
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from infra.accounts.table import SERVERS
from shared.contracts import ROOMS
from shared.neighbours import REACH
from tests.product import Product

NEIGHBOUR = dict(zip(ROOMS, [*ROOMS[1:], ROOMS[0]], strict=True))
WITHOUT_DATABASE = ("gateway", "beat", "soap")


def urls(product: Product, account: str) -> dict[str, str]:
    """What stands in the file that a process reads."""
    found = dotenv_values(product.run_dir / "accounts" / account / "account.env")
    return {name: str(found[name]) for name in SERVERS.values()}


@pytest.mark.parametrize("account", [*ROOMS, "room-small", "relay", "gateway", "beat", "soap"])
def test_every_account_has_passwords_of_its_own(product: Product, account: str) -> None:
    mine = set(urls(product, account).values()) - {"none"}
    others = {
        url for other in NEIGHBOUR if other != account for url in urls(product, other).values()
    }
    assert mine
    assert not mine & others
    assert not mine & set(product.settings.values())


# --- PostgreSQL ---


@contextmanager
def database(product: Product, account: str, room: str) -> Iterator[Any]:
    server, namespace = urls(product, account)["PREGON_DATABASE_URL"], _namespace(product)
    connection = psycopg2.connect(f"{server}/{namespace}_{room}", connect_timeout=5)
    connection.autocommit = True
    with closing(connection), connection.cursor() as cursor:
        yield cursor


def _namespace(product: Product) -> str:
    return product.settings["PREGON_NAMESPACE"]


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_enters_the_database_of_another(product: Product, room: str) -> None:
    for other in set(ROOMS) - {room}:
        with (
            pytest.raises(psycopg2.OperationalError, match="permission denied for database"),
            database(product, room, other),
        ):
            pass


DEFINITIONS = [
    "CREATE TABLE mine (id int)",
    "DROP TABLE outbox",
    "ALTER TABLE outbox ADD COLUMN more int",
    "CREATE INDEX ON outbox (task)",
    "TRUNCATE outbox",
    "CREATE SCHEMA mine",
    "CREATE EXTENSION pg_trgm",
    "UPDATE alembic_version SET version_num = '0000'",
    "CREATE ROLE mine",
    "CREATE DATABASE mine",
    "COPY outbox TO PROGRAM 'cat'",
    "SELECT pg_read_file('/etc/passwd')",
    "SET ROLE {namespace}_{room}_owner",
    "SET ROLE {namespace}_{neighbour}",
    "SELECT rolpassword FROM pg_authid",
]


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("statement", DEFINITIONS)
def test_no_room_defines_anything_in_its_own(product: Product, room: str, statement: str) -> None:
    names = {"namespace": _namespace(product), "room": room, "neighbour": NEIGHBOUR[room]}
    with (
        database(product, room, room) as cursor,
        pytest.raises((errors.InsufficientPrivilege, errors.UndefinedFile)),
    ):
        cursor.execute(statement.format(**names))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_reads_and_writes_rows_copies_and_takes_temporary_tables(
    product: Product, room: str
) -> None:
    with database(product, room, room) as cursor:
        cursor.execute("SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchall() == [(False, False)]
        cursor.execute("CREATE TEMP TABLE staged (LIKE inbox); DROP TABLE staged")
        cursor.execute("INSERT INTO inbox VALUES (%s, 'test') RETURNING event_id", (str(uuid4()),))
        cursor.execute("UPDATE inbox SET handler = 'tests' WHERE handler = 'test'")
        cursor.execute("DELETE FROM inbox WHERE handler = 'tests'")
        assert cursor.rowcount >= 1


@pytest.mark.parametrize("room", ["mailer", "telemarketing"])
def test_a_room_takes_statistics_of_tables_that_it_does_not_own(
    product: Product, room: str
) -> None:
    with database(product, room, room) as cursor:
        cursor.execute("SELECT take_statistics('outbox')")
        cursor.execute("SELECT last_analyze FROM pg_stat_user_tables WHERE relname = 'outbox'")
        assert cursor.fetchone() != (None,)


@pytest.mark.parametrize("room", ROOMS)
def test_the_relay_sees_outboxes_and_nothing_else(product: Product, room: str) -> None:
    with database(product, "relay", room) as cursor:
        cursor.execute("SELECT id FROM outbox LIMIT 1 FOR UPDATE SKIP LOCKED")
        for statement in (
            "SELECT 1 FROM inbox",
            "INSERT INTO outbox DEFAULT VALUES",
            "UPDATE outbox SET payload = '{}'",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                cursor.execute(statement)


@pytest.mark.parametrize("account", WITHOUT_DATABASE)
def test_who_needs_no_database_knows_none(product: Product, account: str) -> None:
    assert urls(product, account)["PREGON_DATABASE_URL"] == "none"


# --- RabbitMQ ---


@contextmanager
def broker(product: Product, account: str) -> Iterator[Any]:
    options = {"confirm_publish": True}
    url = urls(product, account)["PREGON_AMQP_URL"]
    with Connection(url, transport_options=options, connect_timeout=5) as connection:
        try:
            yield connection.channel()
        finally:
            with suppress(AccessRefused, OSError):
                connection.release()


def name(product: Product, plain: str) -> str:
    return f"{_namespace(product)}.{plain}"


def publish(channel: Any, exchange: str, key: str) -> None:
    """Wait for the broker's word: a refusal comes as one."""
    channel.basic_publish(Message("{}"), exchange, key)


def refused(product: Product, account: str, act: Any) -> None:
    with broker(product, account) as channel, pytest.raises(AccessRefused):
        act(channel)


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_takes_what_is_anothers(product: Product, room: str) -> None:
    other = NEIGHBOUR[room]
    for queue in (f"rpc-{other}", f"jobs.{other}", f"jobs.{other}.bulk"):
        whose = name(product, queue)
        refused(product, room, lambda channel, q=whose: channel.basic_consume(q))
        refused(product, room, lambda channel, q=whose: channel.basic_get(q))
        refused(product, room, lambda channel, q=whose: channel.queue_purge(q))
        refused(product, room, lambda channel, q=whose: channel.queue_delete(q))


@pytest.mark.parametrize("room", ROOMS)
def test_nobody_but_the_relay_says_what_happened(product: Product, room: str) -> None:
    """Not even in a room's own name: events are rows of its outbox."""
    for service in ROOMS:
        place = name(product, f"{service}.events")
        for account in (room, "gateway", "beat"):
            refused(product, account, lambda channel, p=place: publish(channel, p, "forged"))
    with broker(product, "relay") as channel:
        publish(channel, name(product, f"{room}.events"), "nobody_hears_this")


@pytest.mark.parametrize("account", [*ROOMS, "relay", "gateway", "beat"])
def test_nobody_reaches_any_queue_by_the_default_exchange(product: Product, account: str) -> None:
    for queue in ("rpc-identity", "jobs.mailer", "wait.5s"):
        refused(product, account, lambda channel, q=queue: publish(channel, "", name(product, q)))


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("place", ["later.5s", "parked", "jobs"])
def test_no_detour_leads_to_anothers_queue(product: Product, room: str, place: str) -> None:
    """What waits comes back by its key, so a key of another's queue is refused before it waits."""
    other = NEIGHBOUR[room]
    hears = next(iter(REACH[other].hears))
    heard = name(product, f"evt-{hears}-campaign_changed--{other}.on_campaign_changed")
    for key in (
        name(product, f"rpc-{other}"),
        heard,
        f"dead.{heard}",
        name(product, f"jobs.{other}"),
    ):
        if not (REACH[room].cleans and key.startswith("dead.")):
            refused(product, room, lambda channel, k=key: publish(channel, name(product, place), k))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_asks_what_it_needs_and_nothing_else(product: Product, room: str) -> None:
    rpc, allowed = name(product, "nameko-rpc"), REACH[room].asks
    for procedure in ("identity.update_user", "campaign.change_phase", "customer_query.erase"):
        assert procedure not in allowed
        refused(product, room, lambda channel, p=procedure: publish(channel, rpc, p))
    for account in ("relay", "beat"):
        refused(product, account, lambda channel: publish(channel, rpc, "identity.log_in"))


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_listens_to_questions_or_replies_of_others(product: Product, room: str) -> None:
    rpc, own = name(product, "nameko-rpc"), f"rpc.reply-{room}-{uuid4()}"
    for key in ("#", f"{NEIGHBOUR[room]}.*", f"{NEIGHBOUR[room]}.log_in"):

        def bind(channel: Any, key: str = key) -> None:
            queue = Queue(own, Exchange(rpc, type="topic", no_declare=True), exclusive=True)
            queue(channel).queue_declare()
            queue(channel).bind_to(rpc, key)

        refused(product, room, bind)


def test_no_room_hears_what_it_has_nothing_to_do_with(product: Product) -> None:
    for room in ROOMS:
        for service in set(ROOMS) - set(REACH[room].hears):
            place = name(product, f"{service}.events")

            def hear(channel: Any, room: str = room, place: str = place) -> None:
                queue = Queue(f"rpc.reply-{room}-{uuid4()}", exclusive=True)
                queue(channel).queue_declare()
                queue(channel).bind_to(place, "#")

            refused(product, room, hear)


@pytest.mark.parametrize("account", [*ROOMS, "gateway", "relay", "beat"])
def test_nobody_makes_or_removes_what_all_share(product: Product, account: str) -> None:
    for shared in ("nameko-rpc", "jobs", "parked", "later.5s", "identity.events"):
        place = name(product, shared)
        refused(product, account, lambda channel, p=place: channel.exchange_delete(p))
    refused(product, account, lambda channel: channel.exchange_declare("mine", "topic"))
    refused(product, account, lambda channel: channel.queue_declare("mine"))


def test_soap_server_and_strangers_are_not_let_in_at_the_broker(product: Product) -> None:
    assert urls(product, "soap")["PREGON_AMQP_URL"] == "none"
    url = urls(product, "campaign")["PREGON_AMQP_URL"]
    wrong = url.replace("_1:", "_1:x")
    with pytest.raises((AccessRefused, NotFound)), Connection(wrong) as connection:
        connection.connect()


# --- Redis ---


def redis(product: Product, account: str) -> Redis:
    return Redis.from_url(urls(product, account)["PREGON_REDIS_URL"], socket_timeout=5)


def key(product: Product, plain: str) -> str:
    return f"{_namespace(product)}:{plain}"


KEYS = {"identity": "session:1", "risk_central": "risk:edition", "campaign": "campaign:1"}


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_touches_the_keys_of_another(product: Product, room: str) -> None:
    with redis(product, room) as client:
        for owner, plain in KEYS.items():
            if owner != room:
                for act in (client.get, client.delete, client.ttl, client.type):
                    with pytest.raises(NoPermissionError):
                        act(key(product, plain))
                with pytest.raises(NoPermissionError):
                    client.eval("return redis.call('GET', KEYS[1])", 1, key(product, plain))
        assert client.set(key(product, f"{room}:mine"), "1", ex=5)
        assert client.get(key(product, f"{room}:mine")) == b"1"


@pytest.mark.parametrize("account", [*ROOMS, "soap"])
@pytest.mark.parametrize(
    "command",
    ["FLUSHALL", "FLUSHDB", "CONFIG GET *", "KEYS *", "ACL LIST", "REPLICAOF NO ONE", "MONITOR",
     "SHUTDOWN", "SUBSCRIBE all", "CLIENT LIST", "SAVE"],
)  # fmt: skip
def test_no_room_rules_the_server(product: Product, account: str, command: str) -> None:
    with redis(product, account) as client, pytest.raises(NoPermissionError):
        client.execute_command(*command.split())


def test_the_soap_server_reads_risks_and_no_sessions(product: Product) -> None:
    with redis(product, "soap") as client:
        client.get(key(product, "risk:edition"))
        with pytest.raises(NoPermissionError):
            client.get(key(product, "session:1"))


def test_a_stranger_is_not_let_in_at_redis(product: Product) -> None:
    url = urls(product, "campaign")["PREGON_REDIS_URL"].replace("_1:", "_1:x")
    with Redis.from_url(url) as client, pytest.raises(AuthenticationError):
        client.ping()
