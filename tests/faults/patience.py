"""Users who ask again while a part of the product is down."""

import time
from collections.abc import Callable
from typing import Any

import httpx

from infra.demo.play import Play
from infra.demo.player import Client, PlayError

PATIENCE_SECONDS = 120.0


class PatientClient(Client):
    """A client that asks again while a part is down, with the same idempotency key."""

    def _send(self, request: Callable[[], httpx.Response]) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                response = request()
                if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    return self._answer(response)
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline:
                raise PlayError("the product did not come back")
            time.sleep(0.2)


class PatientPlay(Play):
    """The play with clients that wait for parts to come back."""

    def client(self, username: str) -> Client:
        """A logged-in, patient user."""
        return PatientClient(self.address, username, self.passwords[username])
