"""Jobs delivered as a worker does it, with the waits cut short: what a job makes of a failure.

The broker's own part (waiting queues, the return, the dead queue) is tested with real workers in
`tests/jobs/kit`; here every kind of job is put through the same steps on a real database.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
from celery.app.task import Context
from celery.exceptions import Retry
from kombu import Queue

from shared import trace
from shared.job import DEAD, Job
from shared.outbox import job_queue_name
from shared.settings import settings


def deliver(task: Job, *args: Any) -> list[str]:
    """Deliver a job until it ends; where it went after each try: waiting queues, dead queue."""
    went: list[str] = []
    waiting: deque[dict[str, Any]] = deque([{"id": str(uuid4())}])
    own = job_queue_name(task.name.partition(".")[0])

    def send_again(
        _self: Job, queue: Queue | str, again: Any = None, kwargs: Any = None, **headers: Any
    ) -> None:
        name = queue if isinstance(queue, str) else queue.name
        went.append(name.removeprefix(settings().amqp_name("")))
        if went[-1] != DEAD:
            waiting.append({"retries": len(went), **headers})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Job, "send_again", send_again)
        while waiting:
            headers = {"id": str(uuid4()), "trace": trace.to_headers()} | waiting.popleft()
            context = Context(headers, args=args, delivery_info={"routing_key": own})
            _try(task, context, args)
    return went


def _try(task: Job, context: Context, args: tuple[Any, ...]) -> None:
    context.called_directly = False
    task.request_stack.push(context)
    try:
        task(*args)
    except Retry:
        pass
    except Exception as error:
        task.on_failure(error, context.id, args, {}, None)
    finally:
        task.request_stack.pop()


@contextmanager
def failing(target: Any, name: str, times: int, error: Exception | None = None) -> Iterator[None]:
    """`target.name` raises so many times, as it does when its server is away, then works."""
    works: Callable[..., Any] = getattr(target, name)
    left = [times]

    def call(*args: Any, **kwargs: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise error or psycopg2.OperationalError("server closed the connection")
        return works(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, name, call)
        yield
