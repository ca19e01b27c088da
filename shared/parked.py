"""Parked messages: which queues hold them, and how they forget people who asked for it."""

import json
from collections.abc import Collection
from typing import Any

from kombu import Connection

from shared import waiting
from shared.events import handlers_of
from shared.job import dead_queue
from shared.room import ROOMS, load
from shared.settings import settings

JSON = "application/json"
COUNT_HEADER = "x-delivery-count"  # the broker's
GONE = object()


def dead_queues() -> list[str]:
    """The names of all queues in which messages are parked."""
    events = [
        f"dead.{handler.queue_for(room, method).name}"
        for room in ROOMS
        for method, handler in handlers_of(load(room))
    ]
    return [dead_queue().name, *events]


def properties(message: Any) -> dict[str, Any]:
    """What a parked message keeps when it is published again."""
    kept = ("message_id", "correlation_id", "reply_to")
    return {
        "content_type": message.content_type,
        "content_encoding": message.content_encoding,
        "delivery_mode": 2,
        **{name: message.properties[name] for name in kept if message.properties.get(name)},
    }


def forget_people(customer_ids: Collection[int]) -> int:
    """Take these people out of all that is parked; returns how many messages told of them.

    An event keeps its other people, one that was about a single person goes. So does a chunk of
    rows, whomever it brings: what it was for has ended as failed and takes no rows any more.
    """
    with Connection(settings().amqp_url, transport_options={"confirm_publish": True}) as connection:
        return sum(_clean(connection, name, customer_ids) for name in dead_queues())


def _clean(connection: Connection, dead: str, customer_ids: Collection[int]) -> int:
    """Each message is put behind the others again: one that is only looked at and given back
    counts as delivered, and the broker drops what was delivered too often.
    """
    channel, changed = connection.channel(), 0
    producer = connection.Producer()
    for _ in range(channel.queue_declare(dead, passive=True).message_count):
        message = channel.basic_get(dead)
        if message is None:
            break
        body = _without(message, customer_ids)
        changed += body is not message.body
        if body is not None:
            producer.publish(
                body,
                exchange=waiting.parked(),
                routing_key=dead,
                headers=_headers(message),
                **properties(message),
            )
        channel.basic_ack(message.delivery_tag)
    channel.close()
    return changed


def _headers(message: Any) -> dict[str, Any]:
    return {name: value for name, value in message.headers.items() if name != COUNT_HEADER}


def _without(message: Any, customer_ids: Collection[int]) -> Any:
    """The body without these people: the same when it tells of none, None when nothing is left."""
    if message.content_type != JSON:
        return None
    told = json.loads(message.body)
    kept = forget(told, customer_ids)
    if kept is GONE:
        return None
    return message.body if kept == told else json.dumps(kept)


def forget(value: Any, customer_ids: Collection[int]) -> Any:
    """A JSON value without what tells of these people; GONE where that is all of it."""
    if isinstance(value, list):
        return [kept for item in value if (kept := forget(item, customer_ids)) is not GONE]
    if not isinstance(value, dict):
        return value
    key = value.get("id") if "cedula" in value else value.get("customer_id")
    kept = {name: forget(item, customer_ids) for name, item in value.items()}
    return GONE if key in customer_ids or GONE in kept.values() else kept
