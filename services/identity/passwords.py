"""Argon2id hashes, worked out in threads, few at once, so that the room goes on answering."""

import os
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from eventlet import tpool

from shared.bulkhead import Bulkhead, FullError
from shared.errors import FieldError, Unavailable
from shared.settings import settings

SHARE = 0.2  # of the room's workers have a password in hand …
WAITING_SHARE = 0.4  # … so many more wait for that …
WAIT_SECONDS = 2.0  # … no longer than this
NICENESS = 5
BUSY = "Muchas personas están ingresando a la vez. Intente de nuevo en unos segundos."

T = TypeVar("T")

# RFC 9106, second choice: 64 MiB, three passes, four lanes.
_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
# Checked when the user does not exist, so that the answer takes as long either way.
_NOBODY = _hasher.hash("nobody")


def make_hash(password: str) -> str:
    """The hash to store. Raises Unavailable while too many are worked out."""
    return _work_out(lambda: _hasher.hash(password))


def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is the hash's; None (no such user) costs the same and never is.

    Raises Unavailable while too many are worked out.
    """
    found = _work_out(lambda: _matches(password_hash or _NOBODY, password))
    return found and bool(password_hash)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _work_out(work: Callable[[], T]) -> T:
    """A tenth of a second of two cores each: the other doors must not wait for them all."""
    try:
        with _places().place():
            done: T = tpool.execute(_modestly, work)
            return done
    except FullError:
        raise Unavailable(BUSY, [FieldError("retry_after", "1")]) from None


def _modestly(work: Callable[[], T]) -> T:
    """In a thread that has what of the processors the doors leave; its lanes inherit that."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    return work()


@lru_cache
def _places() -> Bulkhead:
    workers = settings().max_workers
    return Bulkhead(max(1, int(workers * SHARE)), WAIT_SECONDS, int(workers * WAITING_SHARE))
