"""A room's look at its queues, over a broker that comes and goes."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from kombu import Connection

from shared import backlog
from shared.settings import settings
from tests.gate import Gate

QUEUE = "test-backlog"


@pytest.fixture
def _behind_the_gate(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A queue on the broker, which from here on is reached through the gate."""
    with Connection(settings().amqp_url) as broker:
        broker.channel().queue_declare(QUEUE, auto_delete=False)
        monkeypatch.setenv("PREGON_AMQP_URL", gate.url)
        settings.cache_clear()
        yield
        monkeypatch.undo()
        settings.cache_clear()
        broker.channel().queue_delete(QUEUE)


@pytest.mark.usefixtures("_behind_the_gate")
def test_a_lost_connection_does_not_stay_lost(gate: Gate) -> None:
    assert list(backlog.describe_queues([QUEUE])) == []
    gate.hang_up()
    with suppress(OSError):  # the first look may find out
        list(backlog.describe_queues([QUEUE]))
    assert list(backlog.describe_queues([QUEUE, "nowhere"])) == ["nowhere does not exist"]
