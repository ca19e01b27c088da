"""Make or bring up to date the databases, tables and queues of all rooms.

`python -m shared.migrate` is run once before a release starts, never by a replica; running it
again changes nothing.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import psycopg2
from alembic import command
from alembic.config import Config
from amqp.exceptions import PreconditionFailed
from kombu import Connection, Queue
from psycopg2 import sql
from sqlalchemy.orm import Session

from shared import jobs, log, rights, waiting
from shared.db import make_engine
from shared.events import declare_queues, exchange_of
from shared.room import ROOMS, load
from shared.rpc import container_config, get_rpc_exchange
from shared.settings import settings

logger = log.get(__name__)


def make_database(room: str) -> None:
    """Create the room's database where it is missing."""
    name = settings().database(room)
    connection = psycopg2.connect(settings().server_url("postgres"), connect_timeout=5)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is None:
                create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'")
                cursor.execute(create.format(sql.Identifier(name)))
    finally:
        connection.close()


def migrate(room: str) -> None:
    """Run the room's pending migrations, and bring what it is never without up to date.

    As the owner of its database where it has one.
    """
    owned = rights.exist(room)
    if owned:
        rights.secure(room)
    command.upgrade(config(room, rights.owner(room) if owned else ""), "head")
    if has_defaults(room):
        engine = make_engine(room)
        with Session(engine) as session, session.begin():
            settle(room, session)
        engine.dispose()
    if owned:
        rights.admit_relay(room)


def has_defaults(room: str) -> bool:
    """Whether the room has rows that follow from the program, such as roles."""
    return find_spec(f"services.{room}.defaults") is not None


def settle(room: str, session: Session) -> None:
    """Bring such rows up to date, by the room's `defaults.settle`."""
    import_module(f"services.{room}.defaults").settle(session)


def config(room: str, role: str = "") -> Config:
    """Alembic's configuration of a room: one environment, a folder of versions a room.

    `role` is whose rights the migrations have; by default those of whoever runs them.
    """
    found = Config()
    found.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    found.set_main_option("version_locations", str(_versions(room)))
    found.set_main_option("path_separator", "os")
    found.attributes["room"], found.attributes["role"] = room, role
    return found


def _versions(room: str) -> Path:
    return Path(str(import_module(f"services.{room}").__file__)).parent / "migrations"


def declare() -> None:
    """Make the queues of all event handlers and jobs, so that nothing said early is lost."""
    with Connection(settings().amqp_url) as connection:
        for exchange in (get_rpc_exchange(container_config()), *map(exchange_of, ROOMS)):
            exchange(connection.channel()).declare()
        for seconds in waiting.SECONDS:
            _declare(connection, waiting.queue(seconds))
        declare_queues(connection, [load(room) for room in ROOMS])
        for queue in jobs.app.conf.task_queues:
            _declare(connection, queue)


def _declare(connection: Connection, queue: Queue) -> None:
    """Make a queue; one of an earlier release, with other limits, is made anew once it is empty.

    Raises SystemExit when it is not: its jobs would be lost.
    """
    try:
        queue(connection.channel()).declare()
    except PreconditionFailed:
        try:
            connection.channel().queue_delete(queue.name, if_empty=True)
        except PreconditionFailed:
            raise SystemExit(
                f"The queue {queue.name} of the earlier release still holds jobs. "
                "Start that release once more until they are done, then this one."
            ) from None
        queue(connection.channel()).declare()


def main() -> None:
    """Bring every room up to date."""
    log.set_up("migrate")
    for room in ROOMS:
        make_database(room)
        migrate(room)
        logger.info("database ready", room=room)
    declare()
    logger.info("queues ready")


if __name__ == "__main__":
    main()
