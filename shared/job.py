"""What becomes of a job that cannot be done now, or at all.

A failure that may pass (a server away) puts the job into a waiting queue of the broker, from which
it comes back to its own queue. Anything else, the last of those waits, a limit of time or memory,
and a job that killed its worker too often end it for good: the message is parked whole in
`dead.jobs`, and once more sent to its own queue with the reason, so that a worker ends what the
job was for (`failed=` of `jobs.job`), however long the database may be away.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import psycopg2
from billiard.einfo import ExceptionWithTraceback
from celery import Task
from celery.exceptions import Retry, SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError
from celery.worker.request import Request
from kombu import Queue
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError

from shared import faults, log, open_jobs, trace, waiting
from shared.errors import PregonError
from shared.settings import settings

DEAD = "dead.jobs"
TRANSIENT = (
    OperationalError,
    InterfaceError,
    psycopg2.OperationalError,  # of a raw COPY
    psycopg2.InterfaceError,
    BrokerError,
    RedisError,
    ConnectionError,
    TimeoutError,
)
WAITS: tuple[int, ...] = (
    5,
    5,
    60,
    60,
    600,
)  # of waiting.SECONDS; about a quarter of an hour in all
MAX_LOSSES = 5  # worker processes that a job may take with it
MAX_DELIVERIES = 15  # without an end; the broker itself parks a job after DELIVERY_LIMIT
DELIVERY_LIMIT = 20
MOST_TOLD = 8000  # characters of an error, whose end says most, beside a parked job
END_WAIT = 60  # seconds between attempts to end what a failed job was for
logger = log.get(__name__)


class DeadlyError(Exception):
    """The job took its worker process with it, again and again."""


class TooLargeError(Exception):
    """The job needed more memory than a worker has."""


def dead_queue() -> Queue:
    """Where jobs are parked that failed for good, whole, with the error in their headers."""
    return waiting.dead_queue(settings().amqp_name(DEAD))


class Job(Task):  # type: ignore[misc]  # Celery has no types
    """A task that continues the trace of whoever asked for it and always comes to an end."""

    Request = "shared.job:JobRequest"
    max_retries = None  # ours are counted in `_try_later`
    waits: tuple[int, ...] = WAITS
    failed: Callable[..., None] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        """Do the work, or end what it was for if it has failed already."""
        if self.request.called_directly:
            super().__call__(*args, **kwargs)
            return
        headers = self.request.get("trace") or {}
        trace.check_word(headers)
        with trace.from_headers(headers):
            started = time.monotonic()
            if reason := self.request.get("failing"):
                self._end(reason, args)
            else:
                self._work(args, kwargs)
            said = "job ended as failed" if reason else "job done"
            seconds = round(time.monotonic() - started, 3)
            logger.info(said, job=self.name, task_id=self.request.id, seconds=seconds)

    def _work(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._count("losses") >= MAX_LOSSES or self._deliveries() >= MAX_DELIVERIES:
            raise DeadlyError
        try:
            super().__call__(*args, **kwargs)
            open_jobs.close(self.name, self.request.id)
        except TRANSIENT as error:
            self._try_later(error)
        except MemoryError:  # Celery ends the whole worker over one
            raise TooLargeError from None

    def _end(self, reason: str, args: tuple[Any, ...]) -> None:
        try:
            if self.failed is not None:
                self.failed(reason, *args)
            open_jobs.close(self.name, self.request.id)
        except TRANSIENT as error:
            self._come_back(END_WAIT, error, failing=reason)

    def _try_later(self, error: Exception) -> NoReturn:
        tried = self._count("retries")
        if tried >= len(self.waits):
            raise error
        self._come_back(self.waits[tried], error, losses=self._count("losses"))

    def _come_back(self, seconds: int, error: Exception, **headers: Any) -> NoReturn:
        logger.warning("job waits", job=self.name, seconds=seconds, error=faults.brief(error))
        self.send_again(waiting.queue(seconds, self._own_queue()), **headers)
        raise Retry(exc=error, when=seconds)

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, _einfo: Any) -> None:
        """Park the job and have its end written down; called by Celery, in child or parent.

        One for whom nobody vouches is parked and ends nothing.
        """
        error = exc.exc if isinstance(exc, ExceptionWithTraceback) else exc
        headers = self.request.get("trace") or {}
        known = trace.is_vouched_for(headers)
        with trace.from_headers(headers if known else {}):
            told = {"job": self.name, "task_id": task_id}
            logger.error("job failed", **told, exc_info=_exc_info(error))
            reason = explain(error)
            if known and not self.request.get("failing"):
                self.send_again(self._own_queue(), args, kwargs, failing=reason)
            parked = {"error": faults.whole(error)[-MOST_TOLD:], "of": self._own_queue()}
            self.send_again(dead_queue(), args, kwargs, **parked)

    def send_again(
        self, queue: Queue | str, args: Any = None, kwargs: Any = None, **headers: Any
    ) -> None:
        """Publish the present message anew, confirmed, with other headers."""
        request = self.request
        self.app.send_task(
            self.name,
            args=request.args if args is None else args,
            kwargs=request.kwargs if kwargs is None else kwargs,
            task_id=request.id,
            retries=self._count("retries") + 1,
            queue=queue,
            serializer="msgpack",
            headers={"trace": request.get("trace") or {}, **headers},
        )

    def _own_queue(self) -> str:
        return str(self.request.delivery_info["routing_key"])

    def _count(self, header: str) -> int:
        return int(self.request.get(header) or 0)

    def _deliveries(self) -> int:
        return int((self.request.get("headers") or {}).get("x-delivery-count") or 0)


class JobRequest(Request):  # type: ignore[misc]  # Celery has no types
    """A delivery as the worker's main process sees it, who is there when a child is not."""

    def on_timeout(self, soft: bool, timeout: float) -> None:  # noqa: FBT001  # Celery's signature
        """A child that did not end in time was killed."""
        with self._present():
            super().on_timeout(soft, timeout)

    def on_failure(self, exc_info: Any, *args: Any, **kwargs: Any) -> None:
        """A child that died sends its job round once more, with one more loss to its name."""
        if not self._is_loss(exc_info.exception):
            super().on_failure(exc_info, *args, **kwargs)
            return
        logger.error("job lost its process", job=self.name, task_id=self.id)
        with self._present():
            losses = int(self.task.request.get("losses") or 0) + 1
            again = waiting.queue(WAITS[0], self.delivery_info["routing_key"])
            self.task.send_again(again, self.args, self.kwargs, losses=losses)
        self.acknowledge()

    def _is_loss(self, error: Any) -> bool:
        if isinstance(error, ExceptionWithTraceback):
            error = error.exc
        if isinstance(error, SystemExit | KeyboardInterrupt):
            return not (self._already_cancelled or self._already_revoked)
        return isinstance(error, WorkerLostError)

    @contextmanager
    def _present(self) -> Iterator[None]:
        self.task.request_stack.push(self._context)
        try:
            yield
        finally:
            self.task.request_stack.pop()


def explain(error: BaseException) -> str:
    """Why a job failed for good, for the person who waits for it."""
    if isinstance(error, PregonError):
        return str(error)
    for kinds, text in _REASONS:
        if isinstance(error, kinds):
            return text
    return (
        "Ocurrió un error interno y el trabajo no se terminó. "
        f"Avise a sistemas con esta referencia: {trace.trace_id()}."
    )


_REASONS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    (
        (SoftTimeLimitExceeded, TimeLimitExceeded),
        "El trabajo pasó del tiempo permitido y se detuvo.",
    ),
    (
        (TooLargeError,),
        "El trabajo necesitó más memoria de la permitida: divida el archivo en partes.",
    ),
    (
        (DeadlyError,),
        "El trabajo hizo caer a su proceso varias veces y se detuvo: revise el archivo.",
    ),
    (TRANSIENT, "Un servidor no respondió después de varios intentos. Empiece de nuevo más tarde."),
)


def _exc_info(error: BaseException) -> faults.ExcInfo:
    return type(error), error, error.__traceback__
