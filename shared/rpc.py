"""The doors of a room and its calls to other rooms: nameko's RPC, typed and with deadlines.

A door is declared with its procedure, so mypy compares the two:

    @query(contract.get_campaign)              # a read-only transaction
    def get_campaign(self, session, campaign_id): ...

    @query_recorded(contract.get_customer)     # reads, and adds a line to the record of views
    def get_customer(self, session, customer_id): ...

    @command(contract.create_campaign)         # one transaction, idempotent by the caller's key
    def create_campaign(self, session, new): ...

    @command_after(_find_segment, contract.create_campaign)  # asks elsewhere, then the same
    def create_campaign(self, session, segment, new): ...

    @rpc(contract.preview_design)              # neither transaction nor key
    def preview_design(self, design_id): ...
"""

import sys
import uuid
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

import nameko.rpc
from eventlet import Timeout
from kombu import Exchange, Queue
from nameko.amqp.publish import Publisher, UndeliverableMessage
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import DependencyProvider
from nameko.rpc import (
    RPC_QUEUE_TEMPLATE,
    ReplyListener,
    Rpc,
    RpcConsumer,
)
from pydantic import ValidationError
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session, sessionmaker

from shared import idempotency, signing, trace
from shared.contract import Procedure, check_health
from shared.db import in_transaction
from shared.errors import Denied, PregonError, Unavailable, from_wire
from shared.scope import OPEN
from shared.settings import settings
from shared.waiting import QUORUM

P = ParamSpec("P")
R = TypeVar("R")
K = TypeVar("K")

IN_PERSON = "Un sistema no puede hacer esto: debe hacerlo una persona que ingresa con su usuario."


def get_rpc_exchange(config: Any) -> Exchange:
    """Where all rooms are asked and answer; one room alone may neither make nor remove it."""
    return Exchange(
        config["rpc_exchange"], durable=True, type="topic", no_declare=not settings().may_declare
    )


nameko.rpc.get_rpc_exchange = get_rpc_exchange  # theirs declares it with each reply


def container_config() -> dict[str, Any]:
    """nameko's configuration of a room."""
    return {
        "AMQP_URI": settings().amqp_url,
        "max_workers": settings().max_workers,
        "rpc_exchange": settings().amqp_name("nameko-rpc"),
    }


class HasDatabase(Protocol):
    """What a door with a transaction needs of its service class."""

    db: sessionmaker[Session]


S = TypeVar("S", bound=HasDatabase)
Door = Callable[Concatenate[Any, P], R]


class QuorumRpcConsumer(RpcConsumer):  # type: ignore[misc]  # nameko has no types
    """nameko's consumer on a replicated queue; a queue's type cannot be changed later."""

    queue: Queue | None

    def setup(self) -> None:
        """Declare `rpc-<service>` as a quorum queue."""
        if self.queue is not None:
            return
        service = self.container.service_name
        self.queue = Queue(
            settings().amqp_name(RPC_QUEUE_TEMPLATE.format(service)),
            exchange=get_rpc_exchange(self.container.config),
            routing_key=f"{service}.*",
            durable=True,
            queue_arguments=QUORUM,
        )
        self.queue_consumer.register_provider(self)


class TypedRpc(Rpc):  # type: ignore[misc]  # nameko has no types
    """A door whose arguments and reply are those of its procedure."""

    rpc_consumer = QuorumRpcConsumer()

    def __init__(self, procedure: Procedure[..., Any]) -> None:
        self.procedure = procedure
        super().__init__(expected_exceptions=PregonError)

    def handle_message(self, body: dict[str, Any], message: Any) -> None:
        """Check who asks, deadline and arguments, then run the door in a worker of its own."""
        context = self.unpack_message_headers(message)
        self._check_asker(context.get("actor") or "")
        if trace.is_late(context):
            raise Unavailable("La operación llegó tarde y no se hizo. Intente de nuevo.")
        bound = self.procedure.signature.bind_partial(*body["args"], **body["kwargs"])
        arguments = self.procedure.decode_arguments(bound.arguments)
        try:
            self.container.spawn_worker(
                self,
                (),
                arguments,
                context_data=context,
                handle_result=partial(self.handle_result, message),
            )
        except ContainerBeingKilled:
            self.rpc_consumer.requeue_message(message)

    def _check_asker(self, token: str) -> None:
        """Health answers whoever shows nothing; what is open, whom a part vouches for."""
        if self.procedure is check_health and not token:
            return
        asker = signing.read_for_call(token).actor
        if asker is None and self.procedure.scope is not OPEN:
            raise Denied("Esta operación necesita un usuario.")
        if asker is not None and asker.system and self.procedure.in_person:
            raise Denied(IN_PERSON)

    def handle_result(self, message: Any, worker_ctx: Any, result: Any, exc_info: Any) -> Any:
        """Send the reply as the procedure declares it."""
        if exc_info is None:
            try:
                result = self.procedure.encode_reply(result)
            except ValidationError:  # the room's defect: its caller gets Unavailable
                result, exc_info = None, sys.exc_info()
        return super().handle_result(message, worker_ctx, result, exc_info)


def rpc(procedure: Procedure[P, R]) -> Callable[[Door[P, R]], Door[P, R]]:
    """A door without a transaction of its own."""

    def declare(door: Door[P, R]) -> Door[P, R]:
        _check_name(procedure, door)
        registered: Door[P, R] = TypedRpc.decorator(procedure)(door)
        return registered

    return declare


def query(
    procedure: Procedure[P, R],
) -> Callable[[Callable[Concatenate[S, Session, P], R]], Callable[Concatenate[S, P], R]]:
    """A door that reads, in one read-only transaction: `(self, session, …)`."""
    return _reading(procedure, text("SET TRANSACTION READ ONLY"))


def query_recorded(
    procedure: Procedure[P, R],
) -> Callable[[Callable[Concatenate[S, Session, P], R]], Callable[Concatenate[S, P], R]]:
    """A door that reads and puts on record that it did (`audit.record`), before it answers."""
    return _reading(procedure)


def _reading(
    procedure: Procedure[P, R], *first: TextClause
) -> Callable[[Callable[Concatenate[S, Session, P], R]], Callable[Concatenate[S, P], R]]:
    def declare(
        door: Callable[Concatenate[S, Session, P], R],
    ) -> Callable[Concatenate[S, P], R]:
        def read(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
            with self.db.begin() as session:
                for statement in first:
                    session.execute(statement)
                return door(self, session, *args, **kwargs)

        return _register(procedure, door, read)

    return declare


def command(
    procedure: Procedure[P, R],
) -> Callable[[Callable[Concatenate[S, Session, P], R]], Callable[Concatenate[S, P], R]]:
    """A door that changes something, in one transaction and once per idempotency key."""

    def declare(
        door: Callable[Concatenate[S, Session, P], R],
    ) -> Callable[Concatenate[S, P], R]:
        def change(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
            arguments = procedure.signature.bind(*args, **kwargs).arguments
            with self.db.begin() as session:
                return idempotency.once(
                    session, procedure, arguments, lambda: door(self, session, *args, **kwargs)
                )

        return _register(procedure, door, change)

    return declare


def command_after(
    ask: Callable[Concatenate[S, P], K], procedure: Procedure[P, R]
) -> Callable[[Callable[Concatenate[S, Session, K, P], R]], Callable[Concatenate[S, P], R]]:
    """A command that asks first: `ask` runs before the transaction, in which nobody may wait.

    The door gets what it found: `(self, session, found, …)`. A key that is known gets its reply
    without asking: the answer may be another by now, and the asking may be an act of its own.
    """

    def declare(
        door: Callable[Concatenate[S, Session, K, P], R],
    ) -> Callable[Concatenate[S, P], R]:
        def change(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
            arguments = procedure.signature.bind(*args, **kwargs).arguments
            with self.db.begin() as session:
                if known := idempotency.find(session, procedure, arguments):
                    return known.reply
            found = ask(self, *args, **kwargs)
            with self.db.begin() as session:
                return idempotency.once(
                    session,
                    procedure,
                    arguments,
                    lambda: door(self, session, found, *args, **kwargs),
                )

        return _register(procedure, door, change)

    return declare


def _register(
    procedure: Procedure[P, R], door: Callable[..., R], served: Callable[Concatenate[S, P], R]
) -> Callable[Concatenate[S, P], R]:
    registered = rpc(procedure)(cast(Door[P, R], wraps(door)(served)))
    return cast(Callable[Concatenate[S, P], R], registered)


def _check_name(procedure: Procedure[..., Any], door: Callable[..., Any]) -> None:
    if door.__name__ != procedure.name:
        raise TypeError(f"the door of {procedure.name} is called {door.__name__}")


class AskProvider(DependencyProvider):  # type: ignore[misc]  # nameko has no types
    """Gives a room `self.ask(procedure, …)`, with which it asks other rooms."""

    replies = ReplyListener()

    def get_dependency(self, worker_ctx: Any) -> "Ask":  # noqa: ARG002  # nameko's signature
        """A caller that continues the worker's trace."""
        return Ask(self.container.config, self.replies)


class Ask:
    """Questions with a deadline that travels along, so nothing runs for a caller that gave up."""

    def __init__(self, config: Any, replies: ReplyListener) -> None:
        self._exchange = get_rpc_exchange(config)
        self._publisher = Publisher(config["AMQP_URI"])
        self._replies = replies

    def __call__(self, procedure: Procedure[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The procedure's reply. Raises one of the five errors, Unavailable at the deadline."""
        if in_transaction():
            raise RuntimeError(f"{procedure.name} called inside an open transaction")
        seconds = trace.seconds_left(settings().rpc_timeout_seconds)
        if seconds <= 0:
            raise Unavailable("No queda tiempo para completar la operación.")
        payload = {"args": [], "kwargs": procedure.encode_arguments(*args, **kwargs)}
        body = self._ask(procedure, payload, seconds)
        if body.get("error"):
            raise from_wire(body["error"])
        return procedure.decode_reply(body["result"])

    def _ask(self, procedure: Procedure[..., Any], payload: Any, seconds: float) -> dict[str, Any]:
        correlation_id = uuid.uuid4().hex
        reply = self._replies.get_reply_event(correlation_id)
        try:
            with Timeout(seconds):
                self._publish(procedure, payload, seconds, correlation_id)
                body: dict[str, Any] = reply.wait()
                return body
        except (Timeout, UndeliverableMessage, OSError):
            raise Unavailable(f"El servicio {procedure.service} no responde.") from None
        finally:
            self._replies._reply_events.pop(correlation_id, None)  # a late reply finds nobody

    def _publish(
        self, procedure: Procedure[..., Any], payload: Any, seconds: float, correlation_id: str
    ) -> None:
        self._publisher.publish(
            payload,
            exchange=self._exchange,
            routing_key=f"{procedure.service}.{procedure.name}",
            mandatory=True,
            reply_to=self._replies.routing_key,
            correlation_id=correlation_id,
            expiration=seconds,
            extra_headers=trace.to_call_headers(seconds),
        )
