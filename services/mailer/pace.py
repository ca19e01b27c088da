"""Holding back to the rate of the settings."""

import time

from shared.settings import settings


class Pace:
    """Shared by the senders of a run: each keeps its part of the rate."""

    def __init__(self) -> None:
        self._rate = settings().mail_rate_per_second
        self._senders = 1
        self._next = time.monotonic()

    def share(self, senders: int) -> None:
        """How many send at present."""
        self._senders = max(1, senders)

    @property
    def has_to_wait(self) -> bool:
        """Whether the next mail may not go yet."""
        return self._rate > 0 and time.monotonic() < self._next

    def wait(self) -> None:
        """Until the next mail may go."""
        if not self._rate:
            return
        now = time.monotonic()
        time.sleep(max(0.0, self._next - now))
        self._next = max(now, self._next) + self._senders / self._rate
