"""The rooms' databases for tests: made by the real migrations, emptied before each test.

Servers may be given by URL and in use by others: nothing outside of the tests' namespace is
touched.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import Any

from redis import Redis
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from shared import migrate
from shared import redis as redis_server
from shared.contracts.audit import Audited
from shared.db import make_engine
from shared.settings import settings
from shared.tables import Kit


@cache
def sessions_of(room: str) -> sessionmaker[Session]:
    """The room's sessions, its database migrated; once a test run."""
    migrate.make_database(room)
    migrate.migrate(room)
    return sessionmaker(make_engine(room))


def emptied(room: str) -> sessionmaker[Session]:
    """The room's sessions on tables as of a fresh product, whose ids start at 1."""
    sessions = sessions_of(room)
    models = __import__(f"services.{room}.models", fromlist=["Base"])
    tables = [*Kit.metadata.sorted_tables, *models.Base.metadata.sorted_tables]
    names = ", ".join(f'"{table.name}"' for table in tables)
    with sessions.begin() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))  # no guard of ours
        session.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
        if migrate.has_defaults(room):
            migrate.settle(room, session)
    return sessions


def outbox_of(sessions: sessionmaker[Session]) -> list[tuple[str, dict[str, Any]]]:
    """What the room has announced or handed over: (event kind or job name, payload), in order.

    Without what it put on record, which `audited_of` gives.
    """
    return [row for row in _outbox_of(sessions) if row[0] != Audited.kind]


def audited_of(sessions: sessionmaker[Session]) -> list[dict[str, Any]]:
    """What the room has put on record (`shared.audit`), in order."""
    return [payload for name, payload in _outbox_of(sessions) if name == Audited.kind]


def _outbox_of(sessions: sessionmaker[Session]) -> list[tuple[str, dict[str, Any]]]:
    with sessions() as session:
        rows = session.execute(
            text("SELECT coalesce(task, routing_key), payload FROM outbox ORDER BY id")
        )
        return [(name, payload) for name, payload in rows]


@contextmanager
def emptied_redis() -> Iterator[Redis]:
    """A client of the test run's Redis, without keys of ours."""
    client = redis_server.connect()
    forget_keys(client)
    yield client
    client.close()


def forget_keys(redis: Redis) -> None:
    """Delete the tests' keys, and no others, from a Redis server."""
    if settings().namespace == "pregon":
        raise RuntimeError("This is the namespace of a product that is in use.")
    while keys := list(islice(redis.scan_iter(redis_server.key("*"), count=1000), 1000)):
        redis.delete(*keys)
