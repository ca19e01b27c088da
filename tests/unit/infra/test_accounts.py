"""Accounts on servers that were given: made where that is allowed, otherwise one serves all."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from amqp.exceptions import AccessRefused
from kombu import Connection
from psycopg2 import sql
from redis import Redis

from infra.accounts import admin, broker, database, keys, make, table
from infra.accounts.table import RELAY, Account, Login
from infra.native import rabbitmq, servers
from infra.native.run import Run, free_port
from infra.native.supervisor import Supervisor

NAME = f"pregon_t{secrets.token_hex(3)}"
MAILER = Account("mailer", ("mailer",))
LOGINS = {"mailer": Login(f"{NAME}_mailer_1", "one"), "relay": Login(f"{NAME}_relay_1", "two")}


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A broker with its management: the URLs of both."""
    run = Run(tmp_path_factory.mktemp("run"), durable=False)
    run.make()
    supervisor, port = Supervisor(run), free_port()
    supervisor.write([rabbitmq.prepare(run)], [])
    home, own = run.path / "rabbitmq", servers.ALL[0]
    told = json.loads((home / "definitions.json").read_text())
    told["users"][0]["tags"] = "administrator"
    (home / "definitions.json").write_text(json.dumps(told))
    (home / "enabled_plugins").write_text("[rabbitmq_management].\n")
    with (home / "rabbitmq.conf").open("a") as config:
        config.write(f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {port}\n")
    url = own.url(run)
    supervisor.start({}, tied=True)
    try:
        supervisor.run(supervisor.states())
        servers.wait(run, dict(os.environ) | {own.setting: url})
        secret = run.generated.secret("rabbitmq")
        yield url, f"http://pregon:{secret}@127.0.0.1:{port}"
    finally:
        servers.stop(run, supervisor)


def test_a_broker_of_others_is_told_by_its_management(managed: tuple[str, str]) -> None:
    url, address = managed
    assert admin.refusal(address) == ""
    admin.apply(address, broker.definitions(NAME, "pregon", [MAILER, RELAY], LOGINS))
    mine = table.url_with(url, LOGINS["mailer"])
    with Connection(mine) as connection, pytest.raises(AccessRefused):
        connection.channel().queue_declare("mine")
    admin.remove(address, [login.user for login in LOGINS.values()])
    with pytest.raises(AccessRefused):
        rabbitmq.check(mine)


def test_a_management_that_lets_nobody_in_is_named(managed: tuple[str, str]) -> None:
    _, address = managed
    place = address.rpartition("@")[2]
    assert "401" in admin.refusal(f"http://pregon:wrong@{place}")
    assert "does not answer" in admin.refusal("http://127.0.0.1:1")
    assert "PREGON_AMQP_ADMIN_URL" in admin.refusal("")


@pytest.fixture
def modest() -> Iterator[str]:
    """The database server by somebody who may make no roles."""
    server = os.environ["PREGON_DATABASE_URL"]
    name = sql.Identifier(f"{NAME}_modest")
    with closing(psycopg2.connect(f"{server}/postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'm'").format(name))
            yield table.url_with(server, Login(f"{NAME}_modest", "m"))
            cursor.execute(sql.SQL("DROP ROLE {}").format(name))


def test_where_an_account_may_make_none_one_serves_all_and_says_why(
    modest: str, tmp_path: Path
) -> None:
    run = Run(tmp_path / "run")
    run.make()
    environ = {
        **os.environ,
        "PREGON_DATABASE_URL": modest,
        "PREGON_AMQP_ADMIN_URL": "",
        "PREGON_NAMESPACE": NAME,
    }
    make.make(run, environ, [MAILER])
    try:
        assert "neither roles nor databases" in make.shared(run)["database"]
        assert "PREGON_AMQP_ADMIN_URL" in make.shared(run)["amqp"]
        assert set(make.shared(run)) == {"database", "amqp"}
        written = Path(make.file_of(run, "mailer")).read_text()
        assert f"PREGON_DATABASE_URL='{modest}'" in written
        assert f"{NAME}_mailer_1:" in written.partition("PREGON_REDIS_URL")[2]
    finally:
        make.remove_users(environ, "redis", [f"{NAME}_mailer_1"])


def test_a_user_who_may_make_no_users_says_so() -> None:
    server = os.environ["PREGON_REDIS_URL"]
    login = Login(f"{NAME}_modest", "m")
    with Redis.from_url(server) as redis:
        redis.execute_command("ACL", "SETUSER", login.user, "on", ">m", "+@all", "-acl")
        try:
            assert "may not make users" in keys.refusal(table.url_with(server, login))
            assert keys.refusal(server) == ""
        finally:
            redis.execute_command("ACL", "DELUSER", login.user)


def test_accounts_are_made_twice_and_removed() -> None:
    url = os.environ["PREGON_DATABASE_URL"]
    try:
        for _ in range(2):
            database.make(url, NAME, [MAILER, RELAY], LOGINS)
        mine = table.url_with(url, LOGINS["mailer"])
        with closing(psycopg2.connect(f"{mine}/postgres")) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT rolname FROM pg_roles WHERE pg_has_role(oid, 'member')")
            known = {name for (name,) in cursor.fetchall()}
        assert known == {f"{NAME}_mailer_1", f"{NAME}_mailer"}
    finally:
        database.remove(url, [login.user for login in LOGINS.values()])
        database.remove_rights(url, NAME)
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(f"{mine}/postgres")
