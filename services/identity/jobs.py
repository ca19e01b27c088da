"""identity's jobs."""

from celery.schedules import crontab

from services.identity import notices
from shared import jobs
from shared.db import sessions

ROOM = "identity"
SCHEDULE = {
    "identity.forget_notices": {
        "task": "identity.forget_notices",
        "schedule": crontab(hour="2", minute="30"),
    }
}


@jobs.job("identity.forget_notices")
def forget_notices() -> None:
    """Drop old notices."""
    with sessions(ROOM).begin() as session:
        notices.forget_old(session)
