"""Queues in which a failed delivery waits before it comes back to where it came from."""

from kombu import Exchange, Queue

from shared.settings import settings

SECONDS = (5, 60, 600)
QUORUM = {"x-queue-type": "quorum"}
# By default the broker forgets what it dead-letters while the target has no leader yet, as when it
# has just been started: so a waiting delivery was lost by two crashes in a row.
SURELY = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}


def exchange(seconds: int) -> Exchange:
    """Where a delivery is put to come back, by its routing key, after `seconds`."""
    return Exchange(settings().amqp_name(f"wait.{seconds}s"), type="fanout", durable=True)


def queue(seconds: int, back_to: str = "") -> Queue:
    """The queue of a wait; what expires goes to the default exchange, so to the queue `back_to`."""
    return Queue(
        settings().amqp_name(f"wait.{seconds}s"),
        exchange=exchange(seconds),
        routing_key=back_to,
        durable=True,
        queue_arguments=QUORUM
        | SURELY
        | {"x-message-ttl": seconds * 1000, "x-dead-letter-exchange": ""},
    )
