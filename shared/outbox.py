"""Saying what happened, inside the transaction in which it happens; the relay tells the others."""

from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.orm import Session

from shared import open_jobs, trace
from shared.contract import Event
from shared.settings import settings
from shared.tables import Outbox

CHANNEL = "outbox"  # the relay listens on it
_TABLE = cast(Table, Outbox.__table__)  # and not the entity: half the time a row


def add(session: Session, *events: Event, wake: bool = True) -> None:
    """Announce events when this transaction commits, each at least once and in this order.

    What nobody waits for needs not `wake` the relay: it goes with its next look, seconds later.
    """
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
        wake=wake,
    )


def add_job(session: Session, task: str, *arguments: Any, bulk: bool = False) -> None:
    """Hand a job to the room's Celery workers when this transaction commits.

    `task` is its name, `<room>.<verb>…`; `arguments` are JSON values, ids rather than data.
    A `bulk` job waits behind other bulk jobs only. It may run twice: jobs are idempotent.
    """
    room = task.partition(".")[0]
    row = {
        "exchange": "",
        "routing_key": job_queue_name(room, bulk=bulk),
        "task": task,
        "payload": {"arguments": list(arguments)},
    }
    (job_id,) = _insert(session, [row])
    open_jobs.note(session, job_id, task)


def count_jobs(session: Session, task: str) -> int:
    """Jobs of this name that wait for the relay."""
    return session.execute(select(func.count()).where(Outbox.task == task)).scalar_one()


def job_queue_name(room: str, *, bulk: bool = False) -> str:
    """The queue of a room's jobs; bulk jobs have their own, so that they hold nobody up."""
    return settings().amqp_name(f"jobs.{room}.bulk" if bulk else f"jobs.{room}")


def _insert(session: Session, rows: list[dict[str, Any]], *, wake: bool = True) -> list[UUID]:
    if not rows:
        return []
    ids = [uuid4() for _ in rows]
    common = {"headers": trace.to_headers()}
    named = [row | common | {"message_id": key} for row, key in zip(rows, ids, strict=True)]
    session.execute(insert(_TABLE), named)
    if wake:
        session.execute(text(f"NOTIFY {CHANNEL}"))
    return ids
