"""Asking rooms from outside of them: nameko's RPC protocol over one aio-pika connection.

Many questions in flight, each with a deadline; the connection mends itself after a broker restart.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, ParamSpec, TypeVar

import aio_pika
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage, AbstractRobustConnection
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError, DeliveryError

from shared import tls, trace
from shared.contract import Event, Procedure, check_health
from shared.errors import Unavailable, from_wire
from shared.settings import settings

EXCHANGE = "nameko-rpc"
P = ParamSpec("P")
R = TypeVar("R")


class Client:
    """A connection to all rooms; one per process, started and stopped with it."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._reply_to = uuid.uuid4().hex
        self._connection: AbstractRobustConnection | None = None
        self._exchange: AbstractExchange | None = None

    async def start(self) -> None:
        """Connect and listen for replies. Raises OSError when the broker cannot be reached."""
        url = settings().amqp_url.replace("pyamqp://", "amqp://", 1)
        trust = tls.context(settings().ca_file) if url.startswith("amqps:") else None
        self._connection = await aio_pika.connect_robust(url, timeout=5, ssl_context=trust)
        channel = await self._connection.channel(on_return_raises=True)
        self._exchange = await channel.declare_exchange(
            settings().amqp_name(EXCHANGE),
            aio_pika.ExchangeType.TOPIC,
            durable=True,
            passive=not settings().may_declare,
        )
        queue = await channel.declare_queue(
            f"rpc.reply-gateway-{self._reply_to}", exclusive=True, auto_delete=True
        )
        await queue.bind(self._exchange, self._reply_to)
        await queue.consume(self._on_reply, no_ack=True)

    async def stop(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()

    @property
    def connected(self) -> bool:
        """Whether the broker can be talked to now."""
        return self._connection is not None and self._connection.connected.is_set()

    async def ask(self, procedure: Procedure[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The procedure's reply. Raises one of the five errors, Unavailable at the deadline."""
        arguments = procedure.encode_arguments(*args, **kwargs)
        return await self._ask(procedure, procedure.service, arguments)

    async def check_health(self, service: str) -> str:
        """`ok` or what is stuck, from a room that answers. Raises Unavailable."""
        return await self._ask(check_health, service, {})

    async def _ask(
        self, procedure: Procedure[..., R], service: str, arguments: dict[str, Any]
    ) -> R:
        seconds = trace.seconds_left(settings().rpc_timeout_seconds)
        correlation_id = uuid.uuid4().hex
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[correlation_id] = reply
        try:
            async with asyncio.timeout(seconds):
                await self._publish(service, procedure.name, arguments, seconds, correlation_id)
                body = await reply
        except (TimeoutError, DeliveryError, AMQPError, ChannelInvalidStateError, OSError):
            raise Unavailable(f"El servicio {service} no responde. Intente de nuevo.") from None
        finally:
            self._waiting.pop(correlation_id, None)
        if body.get("error"):
            raise from_wire(body["error"])
        return procedure.decode_reply(body["result"])

    async def _publish(
        self,
        service: str,
        method: str,
        arguments: dict[str, Any],
        seconds: float,
        correlation_id: str,
    ) -> None:
        if self._exchange is None:
            raise OSError("not connected")
        message = aio_pika.Message(
            json.dumps({"args": [], "kwargs": arguments}).encode(),
            content_type="application/json",
            content_encoding="utf-8",
            correlation_id=correlation_id,
            reply_to=self._reply_to,
            expiration=seconds,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            headers=trace.to_call_headers(seconds),
        )
        await self._exchange.publish(message, f"{service}.{method}", mandatory=True)

    async def _on_reply(self, message: AbstractIncomingMessage) -> None:
        waiting = self._waiting.get(message.correlation_id or "")
        if waiting is not None and not waiting.done():
            waiting.set_result(json.loads(message.body))

    @asynccontextmanager
    async def listen(
        self, *events: type[Event], missed: Callable[[], None]
    ) -> AsyncIterator["asyncio.Queue[Event]"]:
        """The events of these kinds as they happen, while the block lasts; none from before.

        `missed` is called when some may have passed unheard: the broker was away, or whoever
        listens did not keep up.
        """
        if self._connection is None:
            raise Unavailable("El servidor de mensajes no responde.")
        heard: asyncio.Queue[Event] = asyncio.Queue(maxsize=1000)
        kinds = {
            (settings().amqp_name(f"{event.service}.events"), event.kind): event for event in events
        }

        async def hear(message: AbstractIncomingMessage) -> None:
            event = kinds[message.exchange or "", message.routing_key or ""]
            if heard.full():
                missed()
            else:
                heard.put_nowait(event.model_validate_json(message.body))

        def note_gap(*_: Any) -> None:
            missed()

        self._connection.reconnect_callbacks.add(note_gap)
        async with self._connection.channel() as channel:
            name = f"live-{uuid.uuid4().hex}"  # ours: the broker lets nobody make its own anew
            queue = await channel.declare_queue(name, exclusive=True, auto_delete=True)
            for name, kind in kinds:
                exchange = await channel.declare_exchange(
                    name,
                    aio_pika.ExchangeType.TOPIC,
                    durable=True,
                    passive=not settings().may_declare,
                )
                await queue.bind(exchange, kind)
            await queue.consume(hear, no_ack=True)
            yield heard
