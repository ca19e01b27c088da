"""The consumer of our workers: Celery's, without what it would make at the broker for all."""

from typing import Any

from celery.worker.consumer.consumer import Consumer as _Consumer

_DELAYS = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class Consumer(_Consumer):  # type: ignore[misc]  # Celery has no types
    """Jobs that wait do so in queues of ours (`shared.waiting`): Celery's 28 are not made."""

    class Blueprint(_Consumer.Blueprint):  # type: ignore[misc]  # as above
        """The steps of a worker's consumer."""

        default_steps: list[Any] = [  # noqa: RUF012  # as Celery declares it
            step for step in _Consumer.Blueprint.default_steps if step != _DELAYS
        ]
