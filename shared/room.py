"""What a service class starts from: a database, calls to other rooms, trace, health."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, ClassVar

from nameko.extensions import DependencyProvider
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from shared import trace
from shared.contract import Procedure, check_health
from shared.db import Database
from shared.rpc import RoomCaller, Rooms, query

ROOMS: tuple[str, ...] = (
    "identity",
    "customer_query",
    "campaign",
    "mailer",
    "telemarketing",
    "risk_central",
)


class TraceContext(DependencyProvider):  # type: ignore[misc]  # nameko has no types
    """Continues, in each worker, the trace of the call or event it serves."""

    def worker_setup(self, worker_ctx: Any) -> None:
        """Enter the context; it ends with the worker's greenlet."""
        trace.enter(worker_ctx.data)


class Room:
    """Base of the service classes: a database, calls to other rooms, trace, health."""

    name: ClassVar[str]

    db: sessionmaker[Session] = Database()
    rooms: RoomCaller = Rooms()
    context = TraceContext()

    @query(check_health)
    def check_health(self, session: Session) -> str:
        """Ready when the broker brought this call here and the database answers."""
        session.execute(text("SELECT 1"))
        return "ok"


def load(room: str) -> type[Room]:
    """The service class of a room, compared with its contract.

    Raises TypeError naming the procedures that no door implements.
    """
    module = import_module(f"services.{room}.service")
    service: type[Room] = next(
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Room) and value is not Room
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
