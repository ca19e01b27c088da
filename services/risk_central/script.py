"""A script in Redis that is run for every question, by the shortest way there is.

The library's client spends thirty microseconds on what its connection does in ten: it counts, names
and watches every command. What is rare is left to it: a connection that broke, and a script that
Redis does not have yet. As many connections stay open as were ever at work at once.
"""

import hashlib
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError


class Script:
    """One script of one key; `redis` connects at first use."""

    def __init__(self, redis: Redis, text: str) -> None:
        self._redis, self._text = redis, text
        self._sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self._free: list[Any] = []

    def run(self, key: str, *told: str | bytes) -> Any:
        """What it gives back. Raises RedisError."""
        try:
            connection = self._free.pop()
        except IndexError:
            return self._run_anew(key, *told)
        try:
            found = self._ask(connection, key, *told)
        except NoScriptError:
            found = self._redis.eval(self._text, 1, key, *told)
        except ResponseError:
            self._free.append(connection)
            raise
        except RedisConnectionError:
            return self._run_anew(key, *told)
        self._free.append(connection)
        return found

    def _run_anew(self, key: str, *told: str | bytes) -> Any:
        """By the client, which tries again as it was told to; the next one has a way of its own."""
        found = self._redis.eval(self._text, 1, key, *told)
        self._free.append(self._redis.connection_pool.make_connection())
        return found

    def _ask(self, connection: Any, key: str, *told: str | bytes) -> Any:
        packed = connection.pack_command("EVALSHA", self._sha, 1, key, *told)
        connection.send_packed_command(packed)
        return connection.read_response()
