"""One question to the bureau for all who ask about the same person at the same moment.

In whichever process: the first to ask leads, the others wait for its answer. Redis keeps who leads
for as long as a question may take, and the answer for those who wait; without it each one asks.
"""

import hashlib
import time
from collections.abc import Callable
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError

from shared import log
from shared.redis import connect, key

KEPT_MS = 2000  # an answer, for those who wait for it
LOOK_SECONDS = 0.03
REDIS_SECONDS = 0.3
FAILED = b"!"
# Only the flight's own leader ends it
_END = """
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""

logger = log.get(__name__)


class LeaderFailedError(Exception):
    """Who asked for all got no answer."""


class Flights:
    """Questions that are under way in any process."""

    def __init__(self, redis: Redis | None = None) -> None:
        self._redis = redis or connect(timeout_seconds=REDIS_SECONDS, retries=0)

    def ask(self, what: str, seconds: float, work: Callable[[], bytes]) -> bytes:
        """The answer, worked out here or elsewhere. Raises LeaderFailedError, and what `work` does.

        Nobody waits for a leader longer than `seconds`.
        """
        name = key(f"telemarketing:flight:{hashlib.sha256(what.encode()).hexdigest()}")
        number = uuid4().hex.encode()
        try:
            leader = self._take_off(name, number, seconds)
        except RedisError as error:
            logger.warning("asking alone", error=type(error).__name__)
            return work()
        if leader == number:
            return self._lead(name, number, work)
        return self._follow(name, leader, seconds)

    def _take_off(self, name: str, number: bytes, seconds: float) -> bytes:
        """The number of the flight that is under way, ours when there was none."""
        found = self._redis.set(name, number, nx=True, get=True, px=int(seconds * 1000))
        return found or number  # type: ignore[return-value]  # bytes, as `get` has it

    def _lead(self, name: str, number: bytes, work: Callable[[], bytes]) -> bytes:
        answer = FAILED
        try:
            answer = work()
            return answer
        finally:  # also when a deadline, which is no Exception, ended it
            self._land(name, number, answer)

    def _land(self, name: str, number: bytes, answer: bytes) -> None:
        try:
            self._redis.eval(_END, 2, name, _answer(name, number), number, answer, KEPT_MS)
        except RedisError as error:
            logger.warning("nobody hears the answer", error=type(error).__name__)

    def _follow(self, name: str, number: bytes, seconds: float) -> bytes:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                found = self._redis.get(_answer(name, number))
            except RedisError as error:
                raise LeaderFailedError from error
            if found == FAILED:
                break
            if found is not None:
                return found  # type: ignore[return-value]  # bytes
            time.sleep(LOOK_SECONDS)
        raise LeaderFailedError


def _answer(name: str, number: bytes) -> str:
    return f"{name}:{number.decode()}"
