"""A room's own process: it ends when told to, with its broker or without."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from amqp.exceptions import NotFound
from kombu import Connection
from sqlalchemy.orm import Session, sessionmaker

from shared.settings import settings
from tests.gate import Gate

LIMIT_SECONDS = 10.0


@pytest.fixture
def room(
    database: Callable[[str], sessionmaker[Session]], gate: Gate, tmp_path: Path, until: Any
) -> Iterator["subprocess.Popen[bytes]"]:
    """The process of a room that has reached its broker."""
    database("identity")
    with (tmp_path / "room.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "shared.serve", "identity"],
            env=os.environ | {"PREGON_AMQP_URL": gate.url},
            stdout=log,
            stderr=log,
        )
    try:
        until(lambda: consumers("rpc-identity"))
        yield process
    finally:
        process.kill()
        process.wait()


def consumers(queue: str) -> int:
    """How many read a queue; 0 while it does not exist."""
    with Connection(settings().amqp_url) as broker, suppress(NotFound):
        name = settings().amqp_name(queue)
        return int(broker.channel().queue_declare(name, passive=True).consumer_count)
    return 0


def seconds_to_end(process: "subprocess.Popen[bytes]") -> float:
    started = time.monotonic()
    process.terminate()
    process.wait(timeout=60)
    return time.monotonic() - started


def test_room_ends_by_itself(room: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    assert seconds_to_end(room) < LIMIT_SECONDS
    assert room.returncode == 0
    assert "ended before" not in (tmp_path / "room.log").read_text()


def test_room_without_its_broker_ends_in_time(
    room: "subprocess.Popen[bytes]", gate: Gate, until: Any
) -> None:
    gate.shut()
    time.sleep(3)  # it tries to come back, and waits longer each time
    assert room.poll() is None
    assert seconds_to_end(room) < LIMIT_SECONDS
    assert room.returncode == 0


def test_room_told_to_end_while_it_starts_ends_by_itself(
    database: Callable[[str], sessionmaker[Session]],
) -> None:
    database("identity")
    program = (
        "import shared.serve, eventlet, os, signal, sys\n"
        "from nameko.messaging import QueueConsumer\n"
        "ready = QueueConsumer.on_consume_ready\n"
        "def end_first(*args, **kwargs):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    eventlet.sleep(0.5)\n"
        "    return ready(*args, **kwargs)\n"
        "QueueConsumer.on_consume_ready = end_first\n"
        "sys.argv = ['serve', 'identity']\n"
        "shared.serve.main()\n"
    )
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True
    )
    assert "ended before" not in told.stdout
    assert "Traceback" not in told.stderr


def test_names_are_asked_for_anew() -> None:
    program = (
        "import shared.serve, socket, sys; sys.exit('greendns' in socket.getaddrinfo.__module__)"
    )
    asked = subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=False)
    assert asked.returncode == 0
