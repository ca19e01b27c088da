"""Bulk and scheduled work: the Celery app that all rooms' workers share.

A job is a small idempotent task, acknowledged after it is done, so a killed worker's job runs
again. Rooms hand jobs over through the outbox (`outbox.add_job`), never before they commit. What
happens to one that fails stands in `shared.job`.
"""

import os
import resource
from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_process_init
from kombu import Exchange, Queue

from shared import db, log, trace
from shared.job import DEAD, DELIVERY_LIMIT, TRANSIENT, WAITS, Job, dead_queue
from shared.outbox import job_queue_name
from shared.room import ROOMS
from shared.settings import settings
from shared.waiting import QUORUM, SURELY

__all__ = ["TRANSIENT", "app", "job", "job_queue", "send_bulk"]

GRACE_SECONDS = 60  # between the time limit a job can feel and the one that kills it


def job_queue(name: str) -> Queue:
    """A durable quorum queue; what is delivered again and again goes to the dead queue."""
    limit = {
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": settings().amqp_name(DEAD),
    }
    made_before = not settings().may_declare
    return Queue(
        name,
        Exchange(settings().amqp_name("jobs"), type="topic", no_declare=made_before),
        routing_key=name,
        durable=True,
        no_declare=made_before,
        queue_arguments=QUORUM | SURELY | limit,
    )


app = Celery("pregon", broker=settings().amqp_url, task_cls=Job)
app.conf.update(
    accept_content=["json", "msgpack"],
    broker_connection_retry_on_startup=True,
    broker_transport_options={"confirm_publish": True},
    enable_utc=True,
    event_queue_exclusive=True,
    task_acks_late=True,
    task_create_missing_queues=False,
    task_default_queue=settings().amqp_name(DEAD),  # a job sent nowhere is found there
    task_default_queue_type="quorum",
    task_ignore_result=True,
    task_publish_retry_policy={"max_retries": 20, "interval_step": 0.5, "interval_max": 2},
    task_queues=[
        *(
            job_queue(name)
            for room in ROOMS
            for name in (job_queue_name(room), job_queue_name(room, bulk=True))
        ),
        dead_queue(),
    ],
    task_reject_on_worker_lost=True,
    timezone="America/Guayaquil",
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_consumer="shared.consumer:Consumer",
    worker_detect_quorum_queues=True,
    worker_enable_remote_control=False,  # whoever reaches it may end everybody's workers
    worker_prefetch_multiplier=1,
    worker_redirect_stdouts=False,
)


def job(
    name: str,
    *,
    failed: Callable[..., None] | None = None,
    seconds: int | None = None,
    waits: tuple[int, ...] = WAITS,
) -> Callable[[Callable[..., None]], Any]:
    """Register a function of a room's `jobs.py` as the job `<room>.<verb>…`.

    `failed(reason, *args)` ends what the job was for when it has failed for good: `reason` is
    Spanish, for the person who waits. `seconds` is the time it may take (`PREGON_JOB_SECONDS`),
    `waits` the seconds between attempts, of `waiting.SECONDS`.
    """
    limit = seconds or settings().job_seconds
    registered: Callable[[Callable[..., None]], Any] = app.task(
        name=name,
        failed=failed and staticmethod(failed),
        waits=waits,
        soft_time_limit=limit,
        time_limit=limit + GRACE_SECONDS,
    )
    return registered


def send_bulk(name: str, *args: Any) -> None:
    """Publish a job with binary arguments straight to its room's bulk queue, confirmed.

    For transfer chunks: they need no outbox, because the exporting job starts over when it dies.
    """
    room = name.partition(".")[0]
    app.send_task(
        name,
        args=args,
        queue=job_queue_name(room, bulk=True),
        serializer="msgpack",
        headers={"trace": trace.to_headers()},
    )


def _set_up_logs(**_: Any) -> None:
    """Connected to Celery's own signal, so that it leaves logging alone in worker and beat."""
    log.set_up(f"worker {os.environ.get('PREGON_WORKER_ROOMS', '')}".strip())


def _set_up_process(**_: Any) -> None:
    """Bound a worker process's memory; connections of the parent are not the child's."""
    limit = settings().job_memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    db.forget_inherited()


setup_logging.connect(_set_up_logs)
worker_process_init.connect(_set_up_process)
