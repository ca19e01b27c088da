"""Which jobs a room has handed over and not seen the end of: none may be open for long."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from shared import clock
from shared.db import sessions
from shared.settings import settings
from shared.tables import OpenJob


def note(session: Session, job_id: UUID, task: str) -> None:
    """A job that goes out when this transaction commits."""
    session.execute(insert(OpenJob).values(id=job_id, task=task))


def close(task: str, job_id: str) -> None:
    """The job has come to an end; one that nobody noted (a scheduled one, a chunk) is no error."""
    with sessions(task.partition(".")[0]).begin() as session:
        session.execute(delete(OpenJob).where(OpenJob.id == UUID(job_id)))


def count_overdue(session: Session) -> int:
    """Jobs that have been open for longer than `PREGON_JOB_OVERDUE_SECONDS`."""
    limit = clock.now() - timedelta(seconds=settings().job_overdue_seconds)
    query = select(func.count()).select_from(OpenJob).where(OpenJob.sent_at < limit)
    return session.execute(query).scalar_one()
