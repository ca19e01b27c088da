"""The plans of what a piece of code asks its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session


@contextmanager
def explained(session: Session) -> Iterator[list[Any]]:
    """The plans of what is executed in the block."""
    plans: list[Any] = []
    connection = session.connection()

    def explain(_connection: Any, cursor: Any, statement: str, values: Any, *_: Any) -> None:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", values)
        plans.append(cursor.fetchone()[0][0]["Plan"])

    event.listen(connection, "before_cursor_execute", explain)
    try:
        yield plans
    finally:
        event.remove(connection, "before_cursor_execute", explain)


def nodes(plan: Any) -> Iterator[dict[str, Any]]:
    """A plan's steps, from the last one on."""
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)
