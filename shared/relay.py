"""The process that publishes what the rooms' outboxes hold: `python -m shared.relay`.

One connection a database, woken by NOTIFY, and one to the broker, watched while it is idle. A row
is deleted in the transaction in which it is locked, after the broker has confirmed it: a crash in
between publishes it again, never not at all. Of several relays one works on a database (advisory
lock), so the order of a room's events is kept.
"""

import os
import select
import signal
from contextlib import suppress
from types import FrameType
from typing import Any
from uuid import UUID

import psycopg2
import psycopg2.extensions
from amqp.exceptions import MessageNacked
from celery import Celery
from kombu import Connection, Exchange
from kombu.exceptions import OperationalError
from psycopg2.extras import RealDictCursor

from shared import faults, jobs, log
from shared.outbox import CHANNEL
from shared.room import ROOMS
from shared.settings import settings

BATCH = 500
IDLE_SECONDS = 5.0  # a look without a NOTIFY, should one be missed, and a heartbeat
RETRY_SECONDS = 2.0
CONNECT_SECONDS = 3
CONFIRM_SECONDS = 20  # a broker that takes nothing, as when its disk is full
HEARTBEAT_SECONDS = 10  # a broker silent for twice as long is away
LOCK_KEY = 7_302_991  # any number, the same in every relay

_CLAIM = """
    SELECT id, message_id, exchange, routing_key, task, payload, headers
    FROM outbox ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
logger = log.get(__name__)


class Publisher:
    """Publishes outbox rows as nameko events or Celery jobs, waiting for the confirm."""

    def __init__(self, broker: Connection, app: Celery) -> None:
        self._producer = broker.Producer(serializer="json")
        self._app = app

    def publish(self, row: dict[str, Any]) -> None:
        """Publish one row. Raises when the broker is away or does not take it."""
        if row["task"]:
            self._publish_job(row)
        else:
            self._publish_event(row)
        what, trace_id = row["task"] or row["routing_key"], row["headers"].get("trace_id")
        logger.info("published", what=what, message_id=str(row["message_id"]), trace_id=trace_id)

    def _publish_job(self, row: dict[str, Any]) -> None:
        self._app.send_task(
            row["task"],
            args=row["payload"]["arguments"],
            task_id=str(row["message_id"]),
            queue=row["routing_key"],
            headers={"trace": row["headers"]},
            producer=self._producer,
            retry=False,  # the row is tried again
            confirm_timeout=CONFIRM_SECONDS,
        )

    def _publish_event(self, row: dict[str, Any]) -> None:
        self._producer.publish(
            row["payload"],
            exchange=Exchange(
                row["exchange"], type="topic", durable=True, no_declare=not settings().may_declare
            ),
            routing_key=row["routing_key"],
            message_id=str(UUID(str(row["message_id"]))),
            headers={f"nameko.{name}": value for name, value in row["headers"].items()},
            delivery_mode=2,
            confirm_timeout=CONFIRM_SECONDS,
        )


class Outlet:
    """The relay's connection to one room's database; reconnects by itself."""

    def __init__(self, room: str) -> None:
        self.room = room
        self._url = settings().database_url_of(room).replace("+psycopg2", "")
        self._connection: psycopg2.extensions.connection | None = None
        self._holds_lock = False

    def fileno(self) -> int:
        """For select: readable when a NOTIFY came. -1 while there is no connection."""
        return self._connection.fileno() if self._connection else -1

    def has_news(self) -> bool:
        """Whether a NOTIFY came in beside the last query's answer, where select cannot see it."""
        return bool(self._connection and self._connection.notifies)

    def drain(self, publisher: Publisher) -> bool:
        """Publish a batch in a transaction of its own; whether there may be more.

        One batch, so that a room with much to say does not keep the others waiting.
        """
        try:
            connection = self._connected()
            return self._holds_lock and self._publish_batch(connection, publisher) == BATCH
        except psycopg2.Error as error:
            logger.warning("database away", room=self.room, error=faults.brief(error))
            self.close()
            return False

    def close(self) -> None:
        """Drop the connection, and with it the lock and any open transaction."""
        if self._connection is not None:
            self._connection.close()
        self._connection, self._holds_lock = None, False

    def _connected(self) -> psycopg2.extensions.connection:
        if self._connection is None:
            self._connection = psycopg2.connect(
                self._url, connect_timeout=5, application_name=f"pregon-relay-{self.room}"
            )
            self._listen(self._connection)
        connection = self._connection
        connection.poll()
        connection.notifies.clear()
        if not self._holds_lock:
            self._holds_lock = self._try_lock(connection)
        return connection

    def _listen(self, connection: psycopg2.extensions.connection) -> None:
        with connection, connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")

    def _try_lock(self, connection: psycopg2.extensions.connection) -> bool:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", (LOCK_KEY,))
            row = cursor.fetchone()
            return bool(row and row[0])

    def _publish_batch(
        self, connection: psycopg2.extensions.connection, publisher: Publisher
    ) -> int:
        with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute(_CLAIM, (BATCH,))
            rows: list[dict[str, Any]] = [dict(row) for row in cursor.fetchall()]
            for row in rows:
                publisher.publish(row)
            if rows:
                cursor.execute("DELETE FROM outbox WHERE id = ANY(%s)", ([r["id"] for r in rows],))
            return len(rows)


class Broker:
    """The relay's connection to the broker; it notices a dead one without publishing."""

    def __init__(self) -> None:
        self._connection = Connection(
            settings().amqp_url,
            connect_timeout=CONNECT_SECONDS,
            heartbeat=HEARTBEAT_SECONDS,
            transport_options={"confirm_publish": True},
        )

    def __enter__(self) -> Connection:
        """Connect now, so that the first event does not wait for it."""
        self._connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
        self._amqp = self._connection.connection
        return self._connection

    def __exit__(self, error: object, *_: object) -> None:
        """Say goodbye, but not to a broker that may not listen."""
        if error is None:
            self._connection.release()
        else:
            self._amqp.collect()

    def fileno(self) -> int:
        """For select: readable when the broker says something, or hangs up."""
        return int(self._amqp.sock.fileno())

    def attend(self) -> None:
        """Read what it said, and say that the relay lives. Raises OSError when it is gone."""
        with suppress(TimeoutError):
            self._amqp.drain_events(timeout=0.001)
        self._connection.heartbeat_check()


class Relay:
    """The loop over all rooms' outboxes."""

    def __init__(self) -> None:
        self._outlets = [Outlet(room) for room in ROOMS]
        self._stopping = False
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)

    def end_with(self, *signals: signal.Signals) -> None:
        """Finish the present batch and end on these signals, also while waiting."""
        for number in signals:
            signal.signal(number, self._stop)
        signal.set_wakeup_fd(self._waker)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def run(self) -> None:
        """Publish until stopped; with the broker away the rows stay where they are."""
        while not self._stopping:
            broker = Broker()
            try:
                with broker as connection:
                    self._publish_while_connected(broker, connection)
            except (MessageNacked, OperationalError, *_BROKER_ERRORS) as error:
                logger.warning("broker away or unwilling", error=faults.brief(error))
                for outlet in self._outlets:
                    outlet.close()
                self._wait([], RETRY_SECONDS)

    def _publish_while_connected(self, broker: Broker, connection: Connection) -> None:
        publisher = Publisher(connection, jobs.app)
        while not self._stopping:
            more = [outlet.drain(publisher) for outlet in self._outlets]
            listening = [outlet for outlet in self._outlets if outlet.fileno() >= 0]
            seconds = IDLE_SECONDS if len(listening) == len(self._outlets) else RETRY_SECONDS
            at_once = any(more) or any(outlet.has_news() for outlet in listening)
            self._wait([broker, *listening], 0 if at_once else seconds)
            broker.attend()

    def _wait(self, sources: list[Any], seconds: float) -> None:
        if not self._stopping:
            select.select([self._woken, *sources], [], [], seconds)


_BROKER_ERRORS = (*Connection().connection_errors, *Connection().channel_errors)


def main() -> None:
    """Run until SIGTERM."""
    log.set_up("relay")
    relay = Relay()
    relay.end_with(signal.SIGTERM, signal.SIGINT)
    relay.run()


if __name__ == "__main__":
    main()
