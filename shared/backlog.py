"""Work that waits and that nobody takes: what a room's health tells besides that it answers."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from amqp.exceptions import NotFound
from kombu import Connection
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from shared import clock, open_jobs
from shared.settings import settings
from shared.tables import Outbox

CONNECT_SECONDS = 2
RELAY_DELAY = timedelta(minutes=5)  # the relay publishes within a second


def describe(session: Session) -> Iterator[str]:
    """What a room's database shows to be stuck; nothing when all moves."""
    if overdue := open_jobs.count_overdue(session):
        yield f"{overdue} jobs are open for over {settings().job_overdue_seconds} s"
    limit = clock.now() - RELAY_DELAY
    waiting = select(func.count()).select_from(Outbox).where(Outbox.created_at < limit)
    if unpublished := session.execute(waiting).scalar_one():
        yield f"{unpublished} messages wait for the relay for over {RELAY_DELAY}"


def count_waiting(name: str) -> int:
    """Messages of a queue that nobody has taken yet; 0 for one that is not there."""
    with Connection(settings().amqp_url, connect_timeout=CONNECT_SECONDS) as connection:
        try:
            return int(connection.channel().queue_declare(name, passive=True).message_count)
        except NotFound:
            return 0


def count_consumers(name: str) -> int:
    """Who takes from a queue; nobody from one that is not there."""
    with Connection(settings().amqp_url, connect_timeout=CONNECT_SECONDS) as connection:
        try:
            return int(connection.channel().queue_declare(name, passive=True).consumer_count)
        except NotFound:
            return 0


def describe_queues(names: Iterable[str]) -> Iterator[str]:
    """Queues that are missing, or that hold messages and have no consumer.

    By a connection of its own: a pooled one is dead after a restart of the broker.
    """
    with Connection(settings().amqp_url, connect_timeout=CONNECT_SECONDS) as connection:
        for name in names:
            channel = connection.channel()
            try:
                found = channel.queue_declare(name, passive=True)
            except NotFound:
                yield f"{name} does not exist"
                continue
            channel.close()
            if found.message_count and not found.consumer_count:
                yield f"{name} holds {found.message_count} messages and has no consumer"
