"""Hearing what happened in other rooms: `@on_event`, with retries and a dead queue.

nameko acknowledges an event whose handler failed, and loses it. Here a failed delivery goes
through waiting queues (5 s, 1 min, 10 min) back to the same handler and is at last parked in
`dead.<queue>`, whole, with the error in its headers.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from eventlet.semaphore import Semaphore
from kombu import Connection, Exchange, Queue
from nameko.amqp.publish import get_producer
from nameko.events import EventHandler
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import SharedExtension
from sqlalchemy.orm import Session

from shared import faults, inbox, trace, waiting
from shared.contract import Event
from shared.errors import Denied
from shared.rpc import HasDatabase
from shared.settings import settings
from shared.waiting import QUORUM

ATTEMPT_HEADER = "attempt"
ERROR_HEADER = "error"
E = TypeVar("E", bound=Event)
S = TypeVar("S", bound=HasDatabase)


def exchange_of(service: str) -> Exchange:
    """Where the relay says what happened in a room."""
    name = settings().amqp_name(f"{service}.events")
    return Exchange(name, type="topic", durable=True, no_declare=not settings().may_declare)


def dead_queue(queue: str) -> Queue:
    """Where deliveries are parked that failed after every wait."""
    return waiting.dead_queue(f"dead.{queue}")


class Places(SharedExtension):  # type: ignore[misc]  # nameko has no types
    """Half of a room's workers, for events: however many come, somebody is there to answer."""

    free: Semaphore

    def setup(self) -> None:
        """Count the room's places once."""
        self.free = Semaphore(max(1, self.container.max_workers // 2))


class TypedEventHandler(EventHandler):  # type: ignore[misc]  # nameko has no types
    """nameko's handler on a quorum queue, typed by the event's contract, that loses nothing."""

    places = Places()

    def __init__(self, event: type[Event]) -> None:
        self.event = event
        super().__init__(event.service, event.kind)

    def queue_for(self, service: str, handler: str) -> Queue:
        """The queue on which `service` hears the event."""
        return Queue(
            settings().amqp_name(
                f"evt-{self.event.service}-{self.event.kind}--{service}.{handler}"
            ),
            exchange=exchange_of(self.event.service),
            routing_key=self.event.kind,
            durable=True,
            queue_arguments=QUORUM,
        )

    def setup(self) -> None:
        """Consume from the quorum queue."""
        self.queue = self.queue_for(self.container.service_name, self.method_name)
        self.queue_consumer.register_provider(self)

    def handle_message(self, body: Any, message: Any) -> None:
        """Run the handler with the event and its id; one that cannot be read fails at once."""
        context = self.unpack_message_headers(message)
        self.places.free.acquire()
        try:
            trace.check_word(context)
            event_id = UUID(message.properties["message_id"])
            event = self.event.model_validate(body)
            self.container.spawn_worker(
                self,
                (event_id, event),
                {},
                context_data=context,
                handle_result=lambda _ctx, result, exc: self._settle(message, result, exc),
            )
        except ContainerBeingKilled:
            self.places.free.release()
            self.queue_consumer.requeue_message(message)
        except (KeyError, ValueError, Denied) as error:
            self._settle(message, None, (type(error), error, error.__traceback__))

    def _settle(self, message: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        self.places.free.release()
        if exc_info is not None:
            self._put_aside(message, exc_info[1])
        self.queue_consumer.ack_message(message)
        return result, exc_info

    def _put_aside(self, message: Any, error: BaseException) -> None:
        attempt = int(message.headers.get(ATTEMPT_HEADER, 0))
        waits = waiting.SECONDS
        again = attempt < len(waits)
        exchange = waiting.exchange(waits[attempt]) if again else waiting.parked()
        routing_key = self.queue.name if again else f"dead.{self.queue.name}"
        with get_producer(self.container.config["AMQP_URI"]) as producer:
            producer.publish(
                message.body,
                exchange=exchange,
                routing_key=routing_key,
                content_type=message.content_type,
                content_encoding=message.content_encoding,
                headers={
                    **message.headers,
                    ATTEMPT_HEADER: attempt + 1,
                    ERROR_HEADER: faults.brief(error),
                },
                message_id=message.properties.get("message_id"),
                delivery_mode=2,
            )


def on_event(
    event: type[E],
) -> Callable[[Callable[[S, Session, E], None]], Callable[[S, UUID, E], None]]:
    """A handler `(self, session, event)`: one transaction, and at most once per event."""

    def declare(handler: Callable[[S, Session, E], None]) -> Callable[[S, UUID, E], None]:
        @wraps(handler)
        def handle(self: S, event_id: UUID, happened: E) -> None:
            with self.db.begin() as session:
                if inbox.accept(session, event_id, handler.__name__):
                    handler(self, session, happened)

        registered: Callable[[S, UUID, E], None] = TypedEventHandler.decorator(event)(handle)
        return registered

    return declare


def handlers_of(service: type) -> Iterator[tuple[str, TypedEventHandler]]:
    """The event handlers of a service class, by method name."""
    for name in dir(service):
        for entrypoint in getattr(getattr(service, name), "nameko_entrypoints", ()):
            if isinstance(entrypoint, TypedEventHandler):
                yield name, entrypoint


def declare_queues(connection: Connection, services: list[type[Any]]) -> None:
    """Make every queue on which the services hear events, so none is lost before they start."""
    channel = connection.channel()
    for seconds in waiting.SECONDS:
        waiting.queue(seconds)(channel).declare()
    for service in services:
        for name, handler in handlers_of(service):
            queue = handler.queue_for(service.name, name)
            queue(channel).declare()
            dead_queue(queue.name)(channel).declare()
