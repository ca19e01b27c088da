"""How many questions are at work at once in this process, and of whom."""

from collections import Counter
from http import HTTPStatus
from threading import BoundedSemaphore, Lock

from services.risk_central.refusals import TurnedAwayError
from services.risk_central.roster import Client

OURS_OF = 4  # one place in so many is for the house's own questions alone
_BUSY = "Hay demasiadas consultas a la vez. Intente de nuevo."


class Places:
    """So many in all; other systems have three quarters of them, each no more than its own."""

    def __init__(self, most: int, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._all = BoundedSemaphore(most)
        self._others = BoundedSemaphore(max(1, most - most // OURS_OF))
        self._lock, self._own = Lock(), Counter[str]()

    def take(self, client: Client) -> None:
        """Hold one, after a second at most; whoever has all of its own is refused at once.

        Raises TurnedAwayError, and nothing is held then.
        """
        if client.at_once:
            self._take_own(client)
        if client.at_once and not self._others.acquire(timeout=self._wait_seconds):
            self._give_own(client)
            raise _too_many(_BUSY)
        if not self._all.acquire(timeout=self._wait_seconds):
            if client.at_once:
                self._others.release()
                self._give_own(client)
            raise _too_many(_BUSY)

    def give_back(self, client: Client) -> None:
        """What was taken."""
        self._all.release()
        if client.at_once:
            self._others.release()
            self._give_own(client)

    def _take_own(self, client: Client) -> None:
        with self._lock:
            if self._own[client.name] >= client.at_once:
                raise _too_many(f"Este cliente admite {client.at_once} consultas a la vez.")
            self._own[client.name] += 1

    def _give_own(self, client: Client) -> None:
        with self._lock:
            self._own[client.name] -= 1


def _too_many(message: str) -> TurnedAwayError:
    """Whoever asks has a deadline too: better no answer now than one too late."""
    return TurnedAwayError(HTTPStatus.SERVICE_UNAVAILABLE, message, ("Retry-After", "1"))
