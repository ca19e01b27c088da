"""Parked messages: `python -m shared.replay` lists them, `… NAME` sends those of a queue again.

Each goes back to the queue it came from, with its attempts forgotten, and leaves the dead queue
when the broker has confirmed it. What a job was for and has ended as failed stays ended: start
that anew instead.
"""

import sys
from typing import Any

from amqp.exceptions import NotFound
from kombu import Connection

from shared import parked
from shared.events import ATTEMPT_HEADER, ERROR_HEADER
from shared.job import dead_queue
from shared.settings import settings

_FORGOTTEN = {ATTEMPT_HEADER, ERROR_HEADER, "of", "x-death", "x-delivery-count", "losses"}


def replay(connection: Connection, dead: str) -> int:
    """Send the messages that a dead queue holds now again; returns how many."""
    channel = connection.default_channel
    producer = connection.Producer()
    waiting = channel.queue_declare(dead, passive=True).message_count
    for _ in range(waiting):
        message = channel.basic_get(dead)
        if message is None:
            break
        producer.publish(
            message.body,
            exchange="",
            routing_key=_origin(dead, message),
            headers={k: v for k, v in message.headers.items() if k not in _FORGOTTEN}
            | ({"retries": 0} if "retries" in message.headers else {}),
            **parked.properties(message),
        )
        channel.basic_ack(message.delivery_tag)
    return int(waiting)


def _origin(dead: str, message: Any) -> str:
    """A job's own queue stands in its headers, or in the broker's where the broker parked it."""
    if dead != dead_queue().name:
        return dead.removeprefix("dead.")
    return str(message.headers.get("of") or message.headers["x-death"][0]["queue"])


def main() -> None:
    """List, or send again what the named queues hold."""
    options = {"confirm_publish": True}
    with Connection(settings().amqp_url, transport_options=options) as connection:
        for name in sys.argv[1:] or parked.dead_queues():
            try:
                count = connection.channel().queue_declare(name, passive=True).message_count
            except NotFound:
                sys.exit(f"There is no queue {name}; without a name the parked ones are listed.")
            if sys.argv[1:]:
                sys.stdout.write(f"{name}: {replay(connection, name)} sent again\n")
                continue
            if count:
                sys.stdout.write(f"{count:6} {name}\n")


if __name__ == "__main__":
    main()
