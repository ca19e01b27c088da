"""Whose the rooms' databases are: an owner's, who migrates; a room reads and writes rows.

The roles belong to the installation (`infra.accounts` makes them, and members who log in):
`<namespace>_<room>_owner`, `<namespace>_<room>`, and `<namespace>_relay`, who sees outboxes only.
Where they do not exist one account serves all, and nothing here is done.
"""

from typing import Any

import psycopg2
from psycopg2 import sql

from shared.settings import settings

_OWN = """
DO $$
DECLARE thing record;
BEGIN
    FOR thing IN
        SELECT format('%I.%I', n.nspname, c.relname) AS name,
            CASE c.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'S')
            AND c.relowner <> {owner_name}::regrole
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid
                AND d.deptype IN ('e', 'i', 'a'))
    LOOP
        EXECUTE format('ALTER %s %s OWNER TO %I', thing.kind, thing.name, {owner_text});
        IF thing.kind <> 'SEQUENCE' THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I',
                thing.name, {user_text});
        END IF;
    END LOOP;
    FOR thing IN
        SELECT p.oid::regprocedure::text AS name FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.proowner <> {owner_name}::regrole
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('ALTER ROUTINE %s OWNER TO %I', thing.name, {owner_text});
    END LOOP;
END $$
"""
_ADDED_TO = """
DO $$
DECLARE thing record;
BEGIN
    FOR thing IN
        SELECT tgrelid::regclass AS name FROM pg_trigger WHERE tgname = 'refuse_change'
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE ON %s FROM %I', thing.name, {user_text});
    END LOOP;
END $$
"""
_BEFORE = (
    "ALTER DATABASE {database} OWNER TO {owner}",
    "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
    "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {user}",
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE, CREATE ON SCHEMA public TO {owner}",
    "GRANT USAGE ON SCHEMA public TO {user}, {relay}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public"
    " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {user}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public"
    " GRANT USAGE, SELECT ON SEQUENCES TO {user}",
    _OWN,
)
_AFTER = (
    "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {user}",
    _ADDED_TO,  # a record that is only added to
    "GRANT CONNECT ON DATABASE {database} TO {relay}",
    "GRANT SELECT, DELETE, UPDATE (id) ON outbox TO {relay}",  # to lock a row is to update it
)


def owner(room: str) -> str:
    """The role that owns a room's database."""
    return settings().role(f"{room}_owner")


def exist(room: str) -> bool:
    """Whether the installation has made roles for the room."""
    with _connect("postgres") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regrole(%s) IS NOT NULL", (f'"{owner(room)}"',))
        row = cursor.fetchone()
    connection.close()
    return bool(row and row[0])


def secure(room: str) -> None:
    """Before a migration: the database is its owner's, also what an earlier release left there."""
    _execute(room, _BEFORE)


def admit_relay(room: str) -> None:
    """After a migration: the relay empties the outbox and sees nothing else."""
    _execute(room, _AFTER)


def _execute(room: str, statements: tuple[str, ...]) -> None:
    names = {
        "database": settings().database(room),
        "owner": owner(room),
        "user": settings().role(room),
        "relay": settings().role("relay"),
    }
    known: dict[str, Any] = {name: sql.Identifier(value) for name, value in names.items()}
    known["owner_name"] = sql.Literal(f'"{names["owner"]}"')
    known["owner_text"], known["user_text"] = (
        sql.Literal(names["owner"]),
        sql.Literal(names["user"]),
    )
    with _connect(names["database"]) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(sql.SQL(statement).format(**known))
    connection.close()


def _connect(database: str) -> Any:
    return psycopg2.connect(settings().server_url(database), connect_timeout=5)
