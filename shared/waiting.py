"""Queues in which a failed delivery waits before it comes back to where it came from."""

from kombu import Exchange, Queue

from shared.settings import settings

SECONDS = (5, 60, 600)
QUORUM = {"x-queue-type": "quorum"}
# By default the broker forgets what it dead-letters while the target has no leader yet, as when it
# has just been started: so a waiting delivery was lost by two crashes in a row.
SURELY = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}


def exchange(seconds: int) -> Exchange:
    """Where a delivery is put to come back, by its routing key, after `seconds`.

    Of type topic, whose keys the broker permits one by one: a room has its own queues come back.
    """
    name = settings().amqp_name(f"later.{seconds}s")
    return Exchange(name, type="topic", durable=True, no_declare=not settings().may_declare)


def queue(seconds: int, back_to: str = "#") -> Queue:
    """The queue of a wait; what expires goes to the default exchange, so to the queue `back_to`."""
    return Queue(
        settings().amqp_name(f"wait.{seconds}s"),
        exchange=exchange(seconds),
        routing_key=back_to,
        durable=True,
        no_declare=not settings().may_declare,
        queue_arguments=QUORUM
        | SURELY
        | {"x-message-ttl": seconds * 1000, "x-dead-letter-exchange": ""},
    )


def parked() -> Exchange:
    """Where a delivery is put for good, by the name of a dead queue."""
    name = settings().amqp_name("parked")
    return Exchange(name, type="topic", durable=True, no_declare=not settings().may_declare)


def dead_queue(name: str) -> Queue:
    """A queue in which deliveries are parked, whole."""
    return Queue(
        name,
        parked(),
        routing_key=name,
        durable=True,
        no_declare=not settings().may_declare,
        queue_arguments=QUORUM,
    )
