"""A room's own PostgreSQL database: engine, sessions, and the kit's guard on open transactions."""

from contextvars import ContextVar
from typing import Any

from nameko.extensions import DependencyProvider
from psycopg2.extras import register_uuid
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

from shared import trace
from shared.settings import settings

STATEMENT_TIMEOUT_MS = 30_000
_SET_TIMEOUT = text("SELECT set_config('statement_timeout', :limit, true)")
register_uuid()  # type: ignore[no-untyped-call]  # untyped in its library
_open: ContextVar[int] = ContextVar("open_transactions", default=0)
_of_jobs: dict[str, sessionmaker[Session]] = {}


def make_engine(room: str, *, statement_timeout_ms: int = STATEMENT_TIMEOUT_MS) -> Engine:
    """An engine on the room's database; `pool_size` is the room's number of workers, no more."""
    return create_engine(
        settings().database_url_of(room),
        pool_size=settings().max_workers,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,  # they are people's data, and errors are written down
        connect_args={
            "application_name": f"pregon-{room}",
            "connect_timeout": 5,
            "options": f"-c statement_timeout={statement_timeout_ms} -c timezone=UTC",
        },
    )


def sessions(room: str) -> sessionmaker[Session]:
    """The session maker of a job in this process, one a room.

    Jobs copy and count millions of rows, so they run without a statement timeout.
    """
    if room not in _of_jobs:
        _of_jobs[room] = sessionmaker(make_engine(room, statement_timeout_ms=0))
    return _of_jobs[room]


def forget_inherited() -> None:
    """After a fork: the parent's connections are the parent's, open or not."""
    for maker in _of_jobs.values():
        maker.kw["bind"].dispose(close=False)
    _of_jobs.clear()


class Database(DependencyProvider):  # type: ignore[misc]  # nameko has no types
    """Gives a room `self.db`, the session maker of the database named like the service."""

    def setup(self) -> None:
        """Open the pool; refuse to run where psycopg2 would block the whole process."""
        import psycopg2.extensions

        if psycopg2.extensions.get_wait_callback() is None:
            raise RuntimeError("psycopg2 is not cooperative: start rooms with shared.room")
        self.engine = make_engine(self.container.service_name)
        self.sessions = sessionmaker(self.engine)

    def stop(self) -> None:
        """Close the pool."""
        self.engine.dispose()

    def get_dependency(self, worker_ctx: Any) -> sessionmaker[Session]:  # noqa: ARG002  # nameko's
        """The session maker, the same for every worker."""
        return self.sessions


def in_transaction() -> bool:
    """Whether this piece of work holds a transaction; a remote call must not wait inside one."""
    return _open.get() > 0


@event.listens_for(Session, "after_begin")
def _end_with_caller(
    _session: Session, _transaction: SessionTransaction, connection: Connection
) -> None:
    """A query never outlives the caller who waits for it: no deadline, the engine's limit."""
    seconds = trace.seconds_left(STATEMENT_TIMEOUT_MS / 1000)
    if trace.has_deadline():
        milliseconds = max(1, int(seconds * 1000))
        connection.execute(_SET_TIMEOUT, {"limit": str(milliseconds)})


@event.listens_for(Session, "after_transaction_create")
def _count_opened(_session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        _open.set(_open.get() + 1)


@event.listens_for(Session, "after_transaction_end")
def _count_closed(_session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        _open.set(max(0, _open.get() - 1))
