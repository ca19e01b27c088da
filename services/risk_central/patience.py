"""Cuts connections that get no answer: the server itself would wait for ever.

A connection that says nothing, a body that comes byte by byte, one that is kept and not used: each
takes a place or a file of the process. All have in common that nothing goes out to them, which the
kernel counts. Whoever asks gets an answer within a few seconds, also without Redis.
"""

import contextlib
import os
import socket
import stat
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE_SECONDS = 15.0  # also for a megabyte by a line of 70 KB a second
LOOK_SECONDS = 1.0
_ACKNOWLEDGED = struct.Struct("120xQ")  # tcpi_bytes_acked in Linux's tcp_info, since 4.1


class Patience:
    """The connections of this process to the ports it listens on, and when they last moved."""

    def __init__(self, seconds: float = PATIENCE_SECONDS) -> None:
        self._seconds = seconds
        self._moved: dict[int, tuple[int, float]] = {}

    def keep_looking(self) -> None:
        """From a thread of its own, as long as the process lives."""
        threading.Thread(target=self._keep_looking, daemon=True).start()

    def _keep_looking(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Cut those to whom nothing went for too long."""
        now = time.monotonic()
        before, self._moved = self._moved, {}
        for number, connection in _connections():
            with contextlib.suppress(OSError):  # it has just ended
                answered = _answered(connection)
                last = before.get(number)
                since = now if last is None or last[0] != answered else last[1]
                self._moved[number] = answered, since
                if now - since > self._seconds:
                    connection.shutdown(socket.SHUT_RDWR)


def _answered(connection: socket.socket) -> int:
    """Bytes that went out and arrived."""
    told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACKNOWLEDGED.size)
    (count,) = _ACKNOWLEDGED.unpack(told)
    return int(count)


def _connections() -> Iterator[tuple[int, socket.socket]]:
    """Each with a number that is its own; closed when the next one is asked for."""
    found = list(_sockets())
    try:
        ports = {item.getsockname()[1] for _, item in found if _listens(item)}
        for number, item in found:
            if not _listens(item) and item.getsockname()[1] in ports:
                yield number, item
    finally:
        for _, item in found:
            item.close()


def _sockets() -> Iterator[tuple[int, socket.socket]]:
    """Those of the internet, held so that their numbers cannot become others' meanwhile."""
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            held = os.dup(int(path.name))
            kind = os.fstat(held)
            if not stat.S_ISSOCK(kind.st_mode):
                os.close(held)
                continue
            item = socket.socket(fileno=held)
            if item.family in (socket.AF_INET, socket.AF_INET6):
                yield kind.st_ino, item
            else:
                item.close()


def _listens(item: socket.socket) -> bool:
    return bool(item.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
