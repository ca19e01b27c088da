"""The rooms' databases for tests: made by the real migrations, emptied before each test."""

from functools import cache
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from shared import migrate
from shared.db import make_engine
from shared.tables import Kit


@cache
def sessions_of(room: str) -> sessionmaker[Session]:
    """The room's sessions, its database migrated; once a test run."""
    migrate.make_database(room)
    migrate.migrate(room)
    return sessionmaker(make_engine(room))


def emptied(room: str) -> sessionmaker[Session]:
    """The room's sessions on empty tables, whose ids start at 1."""
    sessions = sessions_of(room)
    models = __import__(f"services.{room}.models", fromlist=["Base"])
    tables = [*Kit.metadata.sorted_tables, *models.Base.metadata.sorted_tables]
    names = ", ".join(f'"{table.name}"' for table in tables)
    with sessions.begin() as session:
        session.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
    return sessions


def outbox_of(sessions: sessionmaker[Session]) -> list[tuple[str, dict[str, Any]]]:
    """What the room has announced or handed over: (event kind or job name, payload), in order."""
    with sessions() as session:
        rows = session.execute(
            text("SELECT coalesce(task, routing_key), payload FROM outbox ORDER BY id")
        )
        return [(name, payload) for name, payload in rows]
