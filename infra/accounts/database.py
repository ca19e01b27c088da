"""Roles at PostgreSQL: a room's owner and a room's rights, and those who log in and have them.

`<namespace>_<room>_owner` owns the database and migrates, `<namespace>_<room>` reads and writes
rows; as neither can anybody log in. What they may do is said where databases are migrated
(`shared.rights`). Who logs in is a member of the rooms that the process serves.
"""

from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any

import psycopg2
from psycopg2 import sql

from infra.accounts.table import RELAY, Account, Login
from shared import tls
from shared.contracts import ROOMS

_MAY = """
SELECT rolsuper OR (rolcreaterole AND rolcreatedb) FROM pg_roles WHERE rolname = current_user
"""
_LIMITS = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def refusal(url: str) -> str:
    """Why no accounts can be made there; empty when they can."""
    with closing(_connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(_MAY)
        row = cursor.fetchone()
    return "" if row and row[0] else "its account may create neither roles nor databases"


def make(
    url: str, namespace: str, accounts: Iterable[Account], logins: Mapping[str, Login]
) -> None:
    """Make the roles, or give those that exist these passwords."""
    with closing(_connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles")
        known = {name for (name,) in cursor.fetchall()}
        for name in _rights(namespace):
            _ensure(cursor, known, name)
        for room in ROOMS:  # who migrates becomes the owner
            _run(cursor, "GRANT {} TO CURRENT_USER", f"{namespace}_{room}_owner")
        for account in accounts:
            if "database" in account.servers:
                _ensure(cursor, known, logins[account.name].user, logins[account.name].password)
                for of in _rights_of(account):
                    _run(cursor, "GRANT {} TO {}", f"{namespace}_{of}", logins[account.name].user)


def remove(url: str, users: Iterable[str]) -> None:
    """Drop these roles, whose owned databases are gone."""
    with closing(_connect(url)) as connection, connection, connection.cursor() as cursor:
        for name in users:
            _run(cursor, "DROP ROLE IF EXISTS {}", name)


def remove_rights(url: str, namespace: str) -> None:
    """Drop what the members were members of."""
    remove(url, _rights(namespace))


def _rights(namespace: str) -> list[str]:
    names = [name for room in ROOMS for name in (room, f"{room}_owner")]
    return [f"{namespace}_{name}" for name in [*names, RELAY.name]]


def _rights_of(account: Account) -> tuple[str, ...]:
    return account.rooms or (account.name,)


def _ensure(cursor: Any, known: set[str], name: str, password: str = "") -> None:
    """A role that can do nothing by itself; with a password it is one to log in."""
    if name not in known:
        _run(cursor, f"CREATE ROLE {{}} NOLOGIN {_LIMITS}", name)
    if password:
        said = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
        cursor.execute(said.format(sql.Identifier(name), sql.Literal(password)))


def _run(cursor: Any, statement: str, *names: str) -> None:
    cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _connect(url: str) -> Any:
    return psycopg2.connect(tls.database_url(url, "postgres", ""), connect_timeout=5)
