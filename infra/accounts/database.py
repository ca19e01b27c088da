"""Roles at PostgreSQL: a room's owner, whom nobody logs in as, and accounts that own nothing.

What they may do in the databases is said where these are migrated (`shared.rights`).
"""

from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any

import psycopg2
from psycopg2 import sql

from infra.accounts.table import Account
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


def make(url: str, namespace: str, accounts: Iterable[Account], passwords: Mapping[str, str]) -> None:
    """Make the roles, or give those that exist these passwords."""
    asked = [account for account in accounts if "database" in account.servers]
    with closing(_connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT rolname FROM pg_roles")
        known = {name for (name,) in cursor.fetchall()}
        for room in ROOMS:
            _ensure(cursor, known, f"{namespace}_{room}_owner", "NOLOGIN")
            _run(cursor, "GRANT {} TO CURRENT_USER", f"{namespace}_{room}_owner")
        for account in asked:
            _ensure(cursor, known, f"{namespace}_{account.name}", "LOGIN", passwords[account.name])
        for account in asked:
            _join(cursor, namespace, account)


def _join(cursor: Any, namespace: str, account: Account) -> None:
    """A process of several rooms has the rights of each, and none of its own."""
    for room in account.rooms:
        if room != account.name:
            _run(cursor, "GRANT {} TO {}", f"{namespace}_{room}", f"{namespace}_{account.name}")


def remove(url: str, namespace: str, accounts: Iterable[Account]) -> None:
    """Drop the roles; their databases are gone already."""
    names = [f"{namespace}_{account.name}" for account in accounts if "database" in account.servers]
    owners = [f"{namespace}_{room}_owner" for room in ROOMS]
    with closing(_connect(url)) as connection, connection, connection.cursor() as cursor:
        for name in [*names, *owners]:
            _run(cursor, "DROP ROLE IF EXISTS {}", name)


def _ensure(cursor: Any, known: set[str], name: str, login: str, password: str = "") -> None:
    verb = "ALTER" if name in known else "CREATE"
    secret = sql.SQL(" PASSWORD {}").format(sql.Literal(password)) if password else sql.SQL("")
    made = sql.SQL(f"{verb} ROLE {{}} {login} {_limits(verb)}").format(sql.Identifier(name))
    cursor.execute(made + secret)


def _limits(verb: str) -> str:
    """New roles have them; to say them again takes a superuser."""
    return _LIMITS if verb == "CREATE" else ""


def _run(cursor: Any, statement: str, *names: str) -> None:
    cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _connect(url: str) -> Any:
    return psycopg2.connect(f"{url.rstrip('/')}/postgres", connect_timeout=5)
