"""A user of the public API who checks every answer."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx

WAIT_SECONDS = 180.0
HEARD_SECONDS = 20.0  # for a room to hear of what another one did
POLL_SECONDS = 0.2
Json = dict[str, Any]


class PlayError(Exception):
    """A step that failed or a figure that differs; its text names it."""


class ConflictError(PlayError):
    """The product refused for now."""


class MissingError(PlayError):
    """There is no such thing, or not for this user."""


FAILURES: dict[int, type[PlayError]] = {
    httpx.codes.CONFLICT: ConflictError,
    httpx.codes.NOT_FOUND: MissingError,
}


class Client:
    """A user of the API, logged in."""

    def __init__(self, address: str, username: str, password: str) -> None:
        self._http = httpx.Client(base_url=f"{address}/api/v1", timeout=30)
        token = self.post("/token", data={"username": username, "password": password})
        self._http.headers["Authorization"] = f"Bearer {token['access_token']}"

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """A resource."""
        return self._send(lambda: self._http.get(path, params=params))

    def post(self, path: str, key: str = "", **content: Any) -> Any:
        """Create or do something once a key, a new one unless it is given. None for 204."""
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return self._send(lambda: self._http.post(path, headers=headers, **content))

    def post_when_heard(self, path: str, **content: Any) -> Any:
        """The same, again with the same key while a room has not heard yet of another's work.

        Only a 409 says that; any other error ends the play.
        """
        key, deadline = uuid.uuid4().hex, time.monotonic() + HEARD_SECONDS
        while True:
            try:
                return self.post(path, key, **content)
            except ConflictError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_SECONDS)

    def pages(self, path: str, **params: Any) -> Iterator[Json]:
        """All items of a list."""
        after = None
        while True:
            page = self.get(path, limit=200, **params, **({"after": after} if after else {}))
            yield from page["items"]
            if (after := page["next"]) is None:
                return

    def put(self, path: str, **content: Any) -> Any:
        """Replace a resource."""
        return self._send(lambda: self._http.put(path, **content))

    def wait(self, path: str, done: Callable[[Json], bool], what: str, **params: Any) -> Json:
        """Ask until it is so, showing the progress. Raises PlayError when it takes too long."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            found: Json = self.get(path, **params)
            if done(found):
                return found
            if time.monotonic() > deadline:
                raise PlayError(f"{what}: not done after {WAIT_SECONDS:.0f} s: {found}")
            time.sleep(POLL_SECONDS)

    def _send(self, request: Callable[[], httpx.Response]) -> Any:
        return self._answer(request())

    def _answer(self, response: httpx.Response) -> Any:
        if response.is_error:
            raise FAILURES.get(response.status_code, PlayError)(
                f"{response.request.method} {response.request.url.path}: "
                f"{response.status_code} {response.text}"
            )
        return response.json() if response.content else None


def equal(one: str, first: Any, other: str, second: Any) -> None:
    """Raises PlayError naming two figures that differ."""
    if first != second:
        raise PlayError(f"{one} = {first}, but {other} = {second}")


def say(step: str) -> None:
    """A line of progress."""
    print(f"▸ {step}", flush=True)
