"""What a room drops by itself: records of what cannot come any more, and what it told of people.

Each room gets the job `<room>.forget_kept` (`shared.worker` adds it to its schedule) and hears
`CustomersErased` (`shared.room.Room`).
"""

from celery.schedules import crontab

from shared import idempotency, inbox, jobs, transfer
from shared.contracts import ROOMS
from shared.db import sessions

KEPT = (inbox, idempotency, transfer)  # each has its own age


def schedule(room: str) -> dict[str, dict[str, object]]:
    """The room's line of the schedule: every hour, each room at a minute of its own."""
    name = f"{room}.forget_kept"
    minute = 7 * ROOMS.index(room) % 60
    return {name: {"task": name, "schedule": crontab(minute=str(minute))}}


def forget_kept(room: str) -> None:
    """Drop deliveries, replies and transfers that nothing refers to any more."""
    for kept in KEPT:
        with sessions(room).begin() as session:
            kept.forget_old(session)


def _register(room: str) -> None:
    @jobs.job(f"{room}.forget_kept")
    def forget() -> None:
        forget_kept(room)


for _room in ROOMS:
    _register(_room)
