"""How fast a load goes and how long it will still take, by what the present run has done."""

import time
from collections.abc import Callable

_SETTLED_SECONDS = 0.5  # sooner a rate says nothing


class Progress:
    """Begins to count when it is made; `share` tells how much of the file has been read."""

    def __init__(self, share: Callable[[], float], read_before: int) -> None:
        self._share = share
        self._share_before, self._read_before = share(), read_before
        self._began = time.monotonic()

    def told(self, read: int) -> tuple[int, int | None, int | None]:
        """Percent (99 at most until the end), rows a second, seconds left."""
        share, seconds = self._share(), time.monotonic() - self._began
        percent = min(99, int(share * 100))
        if seconds < _SETTLED_SECONDS or share <= self._share_before:
            return percent, None, None
        rate = (read - self._read_before) / seconds
        left = seconds * (1 - share) / (share - self._share_before)
        return percent, max(1, round(rate)), round(left)
