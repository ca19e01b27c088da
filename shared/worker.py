"""The Celery app with the jobs of the rooms that this worker serves.

`PREGON_WORKER_ROOMS="mailer small" celery -A shared.worker worker` consumes the queues of these
rooms; beat loads all rooms, for their schedules (`SCHEDULE` in a room's `jobs.py`).
"""

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from shared import forgetting
from shared.contracts import ROOMS, rooms_of, worker_of
from shared.jobs import app
from shared.outbox import job_queue_name

__all__ = ["app"]


def load(rooms: list[str]) -> None:
    """Import the rooms' jobs, add their schedules and consume their queues."""
    for room in rooms:
        options = {"options": {"queue": job_queue_name(room)}}
        for name, entry in (forgetting.schedule(room) | _own_schedule(room)).items():
            app.conf.beat_schedule[name] = entry | options
    names = [job_queue_name(room, bulk=bulk) for room in rooms for bulk in (False, True)]
    app.amqp.queues.select(names)


def _own_schedule(room: str) -> dict[str, Any]:
    if find_spec(f"services.{room}.jobs") is None:
        return {}
    module = import_module(f"services.{room}.jobs")
    return dict(getattr(module, "SCHEDULE", {}))


_names = os.environ.get("PREGON_WORKER_ROOMS", " ".join(ROOMS)).split()
load(rooms_of(_names, worker_of))
