"""Saying what happened, inside the transaction in which it happens; the relay tells the others."""

from typing import Any
from uuid import uuid4

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from shared import trace
from shared.contract import Event
from shared.settings import settings
from shared.tables import Outbox

CHANNEL = "outbox"  # the relay listens on it


def add(session: Session, *events: Event) -> None:
    """Announce events when this transaction commits, each at least once and in this order."""
    _insert(
        session,
        [
            {
                "exchange": settings().amqp_name(f"{event.service}.events"),
                "routing_key": event.kind,
                "task": None,
                "payload": event.model_dump(mode="json"),
            }
            for event in events
        ],
    )


def add_job(session: Session, task: str, *arguments: Any, bulk: bool = False) -> None:
    """Hand a job to the room's Celery workers when this transaction commits.

    `task` is its name, `<room>.<verb>…`; `arguments` are JSON values, ids rather than data.
    A `bulk` job waits behind other bulk jobs only. It may run twice: jobs are idempotent.
    """
    room = task.partition(".")[0]
    _insert(
        session,
        [
            {
                "exchange": "",
                "routing_key": job_queue_name(room, bulk=bulk),
                "task": task,
                "payload": {"arguments": list(arguments)},
            }
        ],
    )


def job_queue_name(room: str, *, bulk: bool = False) -> str:
    """The queue of a room's jobs; bulk jobs have their own, so that they hold nobody up."""
    return settings().amqp_name(f"jobs.{room}.bulk" if bulk else f"jobs.{room}")


def _insert(session: Session, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    common = {"headers": trace.to_headers()}
    session.execute(insert(Outbox), [row | common | {"message_id": uuid4()} for row in rows])
    session.execute(text(f"NOTIFY {CHANNEL}"))
