"""What a service class starts from: a database, questions to other rooms, trace, health."""

import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any, ClassVar

from nameko.extensions import DependencyProvider
from sqlalchemy.orm import Session, sessionmaker

from shared import backlog, idempotency, log, trace
from shared.contract import Procedure, check_health
from shared.contracts import ROOMS as ROOMS
from shared.contracts.customer_query import CustomersErased
from shared.db import Database
from shared.events import handlers_of, on_event
from shared.outbox import job_queue_name
from shared.rpc import Ask, AskProvider, rpc

logger = log.get(__name__)


class TraceContext(DependencyProvider):  # type: ignore[misc]  # nameko has no types
    """Continues, in each worker, the trace of the call or event it serves, and logs its end."""

    def worker_setup(self, worker_ctx: Any) -> None:
        """Enter the context; it ends with the worker's greenlet."""
        trace.enter(worker_ctx.data)
        worker_ctx.began_at = time.monotonic()

    def worker_result(self, worker_ctx: Any, result: Any, exc_info: Any) -> None:  # noqa: ARG002
        """One line a call or event: what it was, how long it took, how it ended."""
        door = f"{worker_ctx.service_name}.{worker_ctx.entrypoint.method_name}"
        seconds = round(time.monotonic() - worker_ctx.began_at, 3)
        ended = exc_info[0].__name__ if exc_info else "ok"
        logger.info("served", door=door, seconds=seconds, ended=ended)


class Room:
    """Base of the service classes: a database, questions to other rooms, trace, health."""

    name: ClassVar[str]

    db: sessionmaker[Session] = Database()
    ask: Ask = AskProvider()
    context = TraceContext()

    @rpc(check_health)
    def check_health(self) -> str:
        """The broker brought this call here, the database answers, and work moves on."""
        with self.db.begin() as session:
            stuck = list(backlog.describe(session))
        stuck += backlog.describe_queues(self._queues())
        stuck += self._troubles()
        return "; ".join(stuck) or "ok"

    @on_event(CustomersErased)
    def forget_people(self, session: Session, event: CustomersErased) -> None:
        """What was kept of them for commands that come twice; the rest is the room's own."""
        idempotency.forget_people(session, event.customer_ids)

    def _troubles(self) -> Iterator[str]:
        """What else of a room's own an operator should know."""
        yield from ()

    def _queues(self) -> Iterator[str]:
        for name, handler in handlers_of(type(self)):
            yield handler.queue_for(self.name, name).name
        for bulk in (False, True):
            yield job_queue_name(self.name, bulk=bulk)


def load(room: str) -> type[Room]:
    """The service class that `service.py` itself defines, compared with its contract.

    Raises TypeError naming the procedures that no door implements.
    """
    module = import_module(f"services.{room}.service")
    service: type[Room] = next(
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Room)
        and value.__module__ == module.__name__
    )
    missing = [name for name in _procedures(room) if not hasattr(service, name)]
    if missing:
        raise TypeError(f"{room} has no door for {', '.join(missing)}")
    return service


def _procedures(room: str) -> Iterator[str]:
    contract = import_module(f"shared.contracts.{room}")
    for value in vars(contract).values():
        if isinstance(value, Procedure) and value.service == room:
            yield value.name
