"""Logging in, with patience while many do: here waiting costs nothing, in the room a worker."""

import asyncio
import random

from services.gateway.asking import Asker
from shared.contracts.identity import Session, log_in
from shared.errors import Unavailable

ATTEMPTS = 12
WAIT_SECONDS = 0.5  # about; not all come back at the same moment


async def enter(ask: Asker, username: str, password: str, source: str) -> Session:
    """A new session. Raises Denied, and Unavailable when it takes too long."""
    for left in reversed(range(ATTEMPTS)):
        try:
            return await ask(log_in, username, password, source)
        except Unavailable as error:
            if not left or not _is_busy(error):
                raise
        await asyncio.sleep(WAIT_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311  # no secret
    raise AssertionError


def _is_busy(error: Unavailable) -> bool:
    return any(field.field == "retry_after" for field in error.fields)
