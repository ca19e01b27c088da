"""A database of an earlier release, which belongs to who installed it, gets an owner of its own."""

import secrets
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from psycopg2 import errors, sql

from infra.accounts import database
from infra.accounts.table import RELAY, Account, Login, url_with
from shared import migrate, rights
from shared.settings import settings

ROOM = "mailer"  # it has triggers, functions and sequences
MAILER = Account(ROOM, (ROOM,))


@pytest.fixture
def namespace(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = f"pregon_t{secrets.token_hex(3)}"
    monkeypatch.setattr(settings(), "namespace", name)
    yield name
    with closing(psycopg2.connect(settings().server_url("postgres"))) as connection:
        connection.autocommit = True
        gone = sql.Identifier(settings().database(ROOM))
        connection.cursor().execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(gone))
    database.remove(settings().server_url("postgres"), [f"{name}_mailer_1", f"{name}_relay_1"])
    database.remove_rights(settings().server_url("postgres"), name)


def make_roles(namespace: str) -> dict[str, Login]:
    logins = {one: Login(f"{namespace}_{one}_1", "word") for one in ("mailer", "relay")}
    database.make(settings().database_url, namespace, [MAILER, RELAY], logins)
    return logins


def test_what_an_earlier_release_left_is_taken_over(namespace: str) -> None:
    migrate.make_database(ROOM)
    assert not rights.exist(ROOM)
    migrate.migrate(ROOM)
    logins = make_roles(namespace)
    for _ in range(2):
        migrate.migrate(ROOM)
    with closing(psycopg2.connect(settings().server_url(settings().database(ROOM)))) as mighty:
        cursor = mighty.cursor()
        cursor.execute(
            "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class "
            "WHERE relnamespace = 'public'::regnamespace"
        )
        assert cursor.fetchall() == [(rights.owner(ROOM),)]
        cursor.execute(
            "SELECT DISTINCT pg_get_userbyid(proowner) FROM pg_proc p "
            "WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS "
            "(SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')"
        )
        assert cursor.fetchall() == [(rights.owner(ROOM),)]
    mine = url_with(settings().server_url(settings().database(ROOM)), logins["mailer"])
    with closing(psycopg2.connect(mine)) as connection:
        cursor = connection.cursor()
        cursor.execute("INSERT INTO outbox (message_id, exchange, routing_key, payload, headers) "
                       "VALUES (gen_random_uuid(), '', '', '{}', '{}')")  # fmt: skip
        with pytest.raises(errors.InsufficientPrivilege):
            cursor.execute("DROP TABLE outbox")


def test_who_may_only_make_roles_and_databases_installs_it_too(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No superuser: as on a server that somebody else looks after."""
    name, server = f"{namespace}_installer", settings().database_url
    with closing(psycopg2.connect(settings().server_url("postgres"))) as connection:
        connection.autocommit = True
        make = sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD 'i'")
        connection.cursor().execute(make.format(sql.Identifier(name)))
        try:
            monkeypatch.setattr(settings(), "database_url", url_with(server, Login(name, "i")))
            assert database.refusal(settings().database_url) == ""
            make_roles(namespace)
            migrate.make_database(ROOM)
            migrate.migrate(ROOM)
        finally:
            monkeypatch.setattr(settings(), "database_url", server)
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.cursor().execute(drop.format(sql.Identifier(settings().database(ROOM))))
            connection.cursor().execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
