"""How many questions are at work at once in this process, and of whom."""

from collections import Counter
from http import HTTPStatus
from threading import Condition, Lock

from services.risk_central.refusals import TurnedAwayError
from services.risk_central.roster import Client

OURS_OF = 4  # one place in so many is for the house's own questions alone
_BUSY = "Hay demasiadas consultas a la vez. Intente de nuevo."


class Places:
    """So many in all; other systems have three quarters of them, each no more than its own."""

    def __init__(self, most: int, wait_seconds: float) -> None:
        self._most, self._most_of_others = most, max(1, most - most // OURS_OF)
        self._wait_seconds = wait_seconds
        self._held = self._held_by_others = self._waiting = 0
        self._own = Counter[str]()  # held and waited for
        self._changed = Condition(Lock())

    def take(self, client: Client) -> None:
        """Hold one, after a second at most; whoever has all of its own is refused at once.

        Raises TurnedAwayError, and nothing is held then.
        """
        with self._changed:
            if client.at_once:
                self._take_own(client)
            if not self._is_free(client) and not self._waited(client):
                if client.at_once:
                    self._own[client.name] -= 1
                raise _too_many(_BUSY)
            self._held += 1
            if client.at_once:
                self._held_by_others += 1

    def give_back(self, client: Client) -> None:
        """What was taken."""
        with self._changed:
            self._held -= 1
            if client.at_once:
                self._held_by_others -= 1
                self._own[client.name] -= 1
            if self._waiting:
                self._changed.notify_all()  # whoever is first may be one who has to wait on

    def _take_own(self, client: Client) -> None:
        if self._own[client.name] >= client.at_once:
            raise _too_many(f"Este cliente admite {client.at_once} consultas a la vez.")
        self._own[client.name] += 1

    def _is_free(self, client: Client) -> bool:
        if client.at_once and self._held_by_others >= self._most_of_others:
            return False
        return self._held < self._most

    def _waited(self, client: Client) -> bool:
        self._waiting += 1
        try:
            return self._changed.wait_for(lambda: self._is_free(client), self._wait_seconds)
        finally:
            self._waiting -= 1


def _too_many(message: str) -> TurnedAwayError:
    """Whoever asks has a deadline too: better no answer now than one too late."""
    return TurnedAwayError(HTTPStatus.SERVICE_UNAVAILABLE, message, ("Retry-After", "1"))
