"""Bulk and scheduled work: the Celery app that all rooms' workers share.

A job is a small idempotent task, acknowledged after it is done, so a killed worker's job runs
again. Rooms hand jobs over through the outbox (`outbox.add_job`), never before they commit.
"""

from collections.abc import Callable
from typing import Any

from celery import Celery, Task
from celery.signals import setup_logging
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError as BrokerError
from sqlalchemy.exc import OperationalError as DatabaseError

from shared import log, trace
from shared.outbox import job_queue_name
from shared.room import ROOMS
from shared.settings import settings

QUORUM = {"x-queue-type": "quorum"}
RETRIES = 8  # with exponential waits: about a quarter of an hour
DEAD = "dead.jobs"


class Job(Task):  # type: ignore[misc]  # Celery has no types
    """A task that continues the trace of whoever asked for it and is parked when it fails."""

    autoretry_for = (DatabaseError, BrokerError, ConnectionError)
    max_retries = RETRIES
    retry_backoff = 2
    retry_backoff_max = 300

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run in the context that came with the message."""
        with trace.from_headers(self.request.get("trace") or {}):
            return super().__call__(*args, **kwargs)

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Park the job, whole, in the dead queue."""
        logger.error("job failed", job=self.name, task_id=task_id, error=repr(exc))
        with self.app.connection_for_write() as connection:
            queue = Queue(settings().amqp_name(DEAD), durable=True, queue_arguments=QUORUM)
            connection.Producer().publish(
                {
                    "task": self.name,
                    "id": task_id,
                    "args": args,
                    "kwargs": kwargs,
                    "error": str(einfo),
                },
                serializer="json",
                exchange="",
                routing_key=queue.name,
                declare=[queue],
                delivery_mode=2,
            )


def job_queue(name: str) -> Queue:
    """A durable quorum queue; its exchange is a topic so that retries can wait in the broker."""
    return Queue(
        name,
        Exchange(settings().amqp_name("jobs"), type="topic"),
        routing_key=name,
        durable=True,
        queue_arguments=QUORUM,
    )


logger = log.get(__name__)
app = Celery("pregon", broker=settings().amqp_url, task_cls=Job)
app.conf.update(
    accept_content=["json", "msgpack"],
    broker_connection_retry_on_startup=True,
    broker_native_delayed_delivery_queue_type="classic",
    broker_transport_options={"confirm_publish": True},
    enable_utc=True,
    event_queue_exclusive=True,
    task_acks_late=True,
    task_create_missing_queues=False,
    task_default_queue=job_queue_name("identity"),
    task_default_queue_type="quorum",
    task_ignore_result=True,
    task_queues=[
        job_queue(name)
        for room in ROOMS
        for name in (job_queue_name(room), job_queue_name(room, bulk=True))
    ],
    task_reject_on_worker_lost=True,
    timezone="America/Guayaquil",
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_detect_quorum_queues=True,
    worker_prefetch_multiplier=1,
    worker_redirect_stdouts=False,
)


def job(name: str) -> Callable[[Callable[..., None]], Any]:
    """Register a function of a room's `jobs.py` as the job `<room>.<verb>…`."""
    registered: Callable[[Callable[..., None]], Any] = app.task(name=name)
    return registered


def send_bulk(name: str, *args: Any) -> None:
    """Publish a job with binary arguments straight to its room's bulk queue, confirmed.

    For transfer chunks: they need no outbox, because the exporting job starts over when it dies.
    """
    room = name.partition(".")[0]
    app.send_task(name, args=args, queue=job_queue_name(room, bulk=True), serializer="msgpack")


def _set_up_logs(**_: Any) -> None:
    """Connected to Celery's own signal, so that it leaves logging alone in worker and beat."""
    log.set_up("jobs")


setup_logging.connect(_set_up_logs)
