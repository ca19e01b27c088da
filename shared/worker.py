"""The Celery app with the jobs of the rooms that this worker serves.

`PREGON_WORKER_ROOMS="mailer campaign" celery -A shared.worker worker -Q jobs.mailer,…`; beat
loads all rooms, for their schedules (`SCHEDULE` in a room's `jobs.py`).
"""

import os
from importlib import import_module
from importlib.util import find_spec

from shared.jobs import app
from shared.room import ROOMS

__all__ = ["app"]


def load(rooms: list[str]) -> None:
    """Import the rooms' jobs and add their schedules."""
    for room in rooms:
        if find_spec(f"services.{room}.jobs") is not None:
            module = import_module(f"services.{room}.jobs")
            app.conf.beat_schedule |= getattr(module, "SCHEDULE", {})


load(os.environ.get("PREGON_WORKER_ROOMS", " ".join(ROOMS)).split())
