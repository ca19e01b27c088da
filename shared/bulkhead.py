"""Bounds around a neighbour: so many at once, and nobody at all while it is known to be down.

A slow neighbour must not take all workers of a room, and a dead one must not cost everybody the
wait: a bulkhead has few places, a breaker refuses at once after a failure and then lets one probe
through, by which it closes or opens anew.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class FullError(Exception):
    """All places are taken, and those where one may wait."""


class OpenError(Exception):
    """It failed a moment ago and is not asked now."""


class Bulkhead:
    """At most `limit` at once; as many again as `waiting` wait for a place, no longer than told."""

    def __init__(self, limit: int, wait_seconds: float = 0, waiting: int = 0) -> None:
        self._wait_seconds = wait_seconds
        self._inside = threading.BoundedSemaphore(limit + waiting)
        self._places = threading.BoundedSemaphore(limit)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Have a place for the block. Raises FullError."""
        if not self._inside.acquire(blocking=False):
            raise FullError
        try:
            if not self._places.acquire(timeout=self._wait_seconds):
                raise FullError
            try:
                yield
            finally:
                self._places.release()
        finally:
            self._inside.release()


class Breaker:
    """Open for `pause` seconds after a failure; then one probe goes through and decides."""

    def __init__(self, pause: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause = pause
        self._clock = clock
        self._lock = threading.Lock()
        self._probes_at: float | None = None  # None: closed
        self._probing = False

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Do the block, whose error is a failure of the neighbour. Raises OpenError."""
        probe = self._enter()
        try:
            yield
        except BaseException:  # also a deadline, which is no Exception under eventlet
            self._open(probe=probe)
            raise
        if probe:
            self._close()

    def _enter(self) -> bool:
        """Whether this one is the probe."""
        with self._lock:
            if self._probes_at is None:
                return False
            if self._probing or self._clock() < self._probes_at:
                raise OpenError
            self._probing = True
            return True

    def _open(self, *, probe: bool) -> None:
        with self._lock:
            self._probes_at = self._clock() + self._pause
            if probe:
                self._probing = False

    def _close(self) -> None:
        with self._lock:
            self._probes_at, self._probing = None, False
