"""What the broker does not take is not taken for sent: jobs and replayed messages."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from amqp.exceptions import MessageNacked
from kombu import Connection, Queue
from kombu.exceptions import OperationalError

from shared import jobs, replay
from shared.settings import settings

FULL = {"x-max-length": 1, "x-overflow": "reject-publish"}


@pytest.fixture
def queue() -> Iterator[Callable[..., Any]]:
    """`queue(name)`: one that holds a single message and refuses the next."""
    made = []
    with Connection(settings().amqp_url) as connection:

        def make(name: str, **arguments: Any) -> Any:
            one = Queue(name, routing_key=name, queue_arguments=arguments)
            made.append(one(connection.channel()))
            made[-1].declare()
            return made[-1]

        yield make
        for one in made:
            one.delete()


def test_a_job_that_the_broker_refuses_is_an_error(queue: Callable[..., Any]) -> None:
    full = queue(f"test-{uuid4().hex}", **FULL)
    jobs.app.send_task("identity.nothing", queue=full, retry=False)
    with pytest.raises((MessageNacked, OperationalError)):
        jobs.app.send_task("identity.nothing", queue=full, retry=False)


def test_a_parked_message_stays_until_its_queue_takes_it(
    queue: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"test-{uuid4().hex}"
    full, dead = queue(name, **FULL), queue(f"dead.{name}")
    with Connection(settings().amqp_url) as connection:
        for routing_key in (name, dead.name):
            connection.Producer().publish({"a": 1}, routing_key=routing_key, serializer="json")
    monkeypatch.setattr("sys.argv", ["replay", dead.name])
    with pytest.raises(MessageNacked):
        replay.main()
    assert dead.get(no_ack=True) is not None
    assert full.get(no_ack=True) is not None
    assert full.get(no_ack=True) is None
