"""risk_central's jobs: loading the bureau's file, and keeping its door and its record in step."""

from contextlib import closing

from celery.schedules import crontab

from services.risk_central import clients, questions
from services.risk_central.load import RISKS
from shared import clock, jobs, log
from shared.db import sessions
from shared.loads import work
from shared.redis import connect
from shared.settings import settings

ROOM = "risk_central"
SCHEDULE = {
    name: {"task": name, "schedule": when}
    for name, when in (
        (clients.TELL, crontab(minute="*")),
        ("risk_central.take_questions", crontab(minute="*")),
        ("risk_central.keep_questions", crontab(hour="3", minute="40")),
    )
}
logger = log.get(__name__)


@jobs.job(RISKS.task, failed=RISKS.fail)
def load_file(load_id: int) -> None:
    """Load a risk file; run again, it goes on where it was.

    Redis being down, or another load at work, makes it wait and try again.
    """
    work.run(RISKS, load_id)


@jobs.job(clients.TELL)
def tell_clients() -> None:
    """Write who may ask, whole, where the door looks; with each change, and each minute anyway."""
    with closing(connect()) as redis, sessions(ROOM).begin() as session:
        clients.tell(session, redis)


@jobs.job("risk_central.take_questions")
def take_questions() -> None:
    """Take in what was asked; run again, it goes on where it was."""
    with closing(connect()) as redis:
        place: str | None = ""
        while place is not None:
            with sessions(ROOM).begin() as session:
                place = questions.take_in(session, redis)
            if place:
                questions.forget(redis, place)
    with sessions(ROOM)() as session:
        taken = questions.get_taken(session)
        if taken and taken.lost:
            logger.warning("questions lost", lost=taken.lost)


@jobs.job("risk_central.keep_questions")
def keep_questions() -> None:
    """Make the months to come, remove those of long ago."""
    today = clock.today()
    with sessions(ROOM).begin() as session:
        questions.make_months(session, today)
        questions.remove_months(session, today, settings().audit_months)
