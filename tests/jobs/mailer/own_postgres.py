"""A PostgreSQL server of the test's own, durable as in earnest, that can be killed."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from infra.native import postgres
from infra.native.run import Run

PATIENCE = 30.0


class OwnPostgres:
    """Runs; `kill` takes all its processes at once, `start` brings it back."""

    def __init__(self, folder: Path) -> None:
        run = Run(folder)
        run.make()
        self.url = postgres.url(run)
        self._program = postgres.prepare(run)
        self._log = (folder / "postgres.log").open("ab")
        self.start()

    def start(self) -> None:
        """Until it answers: after a kill it has to recover."""
        self._process = subprocess.Popen(
            self._program.command, cwd="/", stdout=self._log, stderr=self._log
        )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                postgres.check(self.url)
            except psycopg2.OperationalError:
                assert time.monotonic() < deadline, "PostgreSQL did not start"
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """kill -9 of the server and all its processes; nothing in its memory is left."""
        os.kill(self._process.pid, signal.SIGSTOP)  # it would only start others
        for child in _children(self._process.pid):
            os.kill(child, signal.SIGKILL)
        self._process.kill()
        self._process.wait()

    def kill_backends(self, pids: list[int]) -> None:
        """kill -9 of single connections, as for want of memory: the server starts itself anew."""
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)  # at once: connections may be open
        self._process.wait(PATIENCE)
        self._log.close()


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


@contextmanager
def running(folder: Path) -> Iterator[OwnPostgres]:
    """Started, and stopped afterwards."""
    server = OwnPostgres(folder)
    try:
        yield server
    finally:
        server.stop()
