"""The SOAP server's processes, started as the product starts them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.native.programs import product
from tests.soap.people import free_port, wait_for

ROOT = Path(__file__).parents[2]


class Server:
    """The main process and its workers."""

    def __init__(self, port: int) -> None:
        environ = {"PREGON_SOAP_PORT": str(port)}
        (soap,) = (program for program in product(environ) if program.name == "soap")
        name, *arguments = soap.command
        self.process = subprocess.Popen(
            [Path(sys.executable).with_name(name), *arguments],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def list_workers(self) -> list[int]:
        """The children that serve."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def kill(self) -> None:
        """As the kernel would: nobody is told."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(port: int) -> Iterator[Server]:
    started = Server(port)
    wait_for(lambda: answers(port), "SOAP server", seconds=40)
    workers = started.list_workers()
    yield started
    started.kill()
    for pid in workers:
        if alive(pid):
            os.kill(pid, signal.SIGKILL)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
    except httpx.TransportError:
        return False


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def alive(pid: int) -> bool:
    """Ended and not yet buried is not alive."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_workers_end_with_a_main_process_that_is_killed(server: Server, port: int) -> None:
    workers = server.list_workers()
    assert len(workers) >= 2
    server.kill()
    killed_at = time.monotonic()
    wait_for(lambda: not listens(port), "a free port", seconds=10)
    assert time.monotonic() - killed_at < 2
    wait_for(lambda: not any(alive(pid) for pid in workers), "no workers", seconds=10)


def test_the_next_server_answers_alone(server: Server, port: int) -> None:
    old = server.list_workers()
    server.kill()
    following = Server(port)
    try:
        wait_for(lambda: not any(alive(pid) for pid in old), "no old workers")
        wait_for(lambda: answers(port), "the next server", seconds=40)
        assert len(following.list_workers()) >= 2
    finally:
        following.kill()
    wait_for(lambda: not listens(port), "a free port")
