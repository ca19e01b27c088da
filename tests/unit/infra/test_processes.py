"""What a killed supervisor left: real processes, marked as its own are."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.native import processes
from infra.native.processes import MARK, PRODUCT_SECONDS, survivors

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
TELLING = """
import pathlib, signal, sys
def end(*_):
    state = pathlib.Path("/proc", sys.argv[2], "stat").read_text().rpartition(")")[2].split()[0]
    pathlib.Path(sys.argv[1]).write_text(state)
    sys.exit()
signal.signal(signal.SIGTERM, end)
"""
PARENT = """
import os, signal, sys, time
child = os.fork()
if child:
    signal.signal(signal.SIGTERM, lambda *_: (os.waitpid(child, 0), sys.exit()))
else:
    signal.signal(signal.SIGTERM, lambda *_: os.write(1, b"cut off"))
    time.sleep(1)
    os.write(1, b"done")
    sys.exit()
"""
READY = "\nimport os, time; os.write(1, b'.')\nwhile True: time.sleep(0.1)\n"


@pytest.fixture
def left(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """`left("product", code, …)`: a process of that group, once it has said that it is ready."""
    started = []

    def start(group: str, code: str, *arguments: object) -> "subprocess.Popen[bytes]":
        marks = {MARK: str(tmp_path), "SUPERVISOR_GROUP_NAME": group}
        command = [sys.executable, "-c", code + READY, *map(str, arguments)]
        process = subprocess.Popen(command, env=os.environ | marks, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout
        assert process.stdout.read(1) == b"."
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close() if process.stdout else None


def test_servers_are_asked_when_the_product_has_gone(left: Any, tmp_path: Path) -> None:
    stubborn = left("product", STUBBORN)
    server = left("servers", TELLING, tmp_path / "said", stubborn.pid)
    started = time.monotonic()
    processes.end(survivors(tmp_path))
    assert time.monotonic() - started < PRODUCT_SECONDS + 3
    assert (tmp_path / "said").read_text() == "Z"  # killed; its parent, this test, has not looked
    assert server.wait() == 0
    assert survivors(tmp_path) == []


def test_a_worker_ends_its_children_itself(left: Any, tmp_path: Path) -> None:
    worker = left("product", PARENT)
    processes.end(survivors(tmp_path))
    assert worker.wait() == 0
    assert worker.stdout.read() == b"done"
