"""Logging in, with patience while many do: here waiting costs nothing, in the room a worker.

Few passwords are in hand at once, the others wait in line, and who finds the line full is told at
once when to come again: what strangers guess never takes the rooms from those who work.
"""

import asyncio
import random
from typing import Any
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response

from services.gateway import session as sessions
from services.gateway.asking import Asker
from services.gateway.rendering import go
from services.gateway.session import COOKIE, DEVICE, source_of
from shared import bounds
from shared.contracts.identity import (
    Session,
    Ticket,
    finish_log_in,
    finish_provider_log_in,
    log_in,
    log_out,
)
from shared.errors import FieldError, PregonError, Unavailable
from shared.settings import settings

ATTEMPTS = 12  # another gateway's may be in hand as well
WAIT_SECONDS = 0.5  # about; not all come back at the same moment
AT_ONCE = 2
WAITING = 60
LINE_SECONDS = 8.0
COME_AGAIN_SECONDS = 5
_AGENT_LENGTH = 300
BUSY = "Muchas personas están ingresando a la vez. Intente de nuevo en unos segundos."


class Hall:
    """Those who log in by this process now."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._inside = 0

    async def enter(
        self, ask: Asker, username: str, password: str, request: Request
    ) -> Session | Ticket:
        """A new session, or the ticket to one that waits for its second factor.

        Raises Denied, and Unavailable when the line is full or too slow.
        """
        if self._inside >= AT_ONCE + WAITING:
            raise _full()
        self._inside += 1
        try:
            async with asyncio.timeout(LINE_SECONDS), self._places:
                return await _enter(ask, username, password, request)
        except TimeoutError:
            raise _full() from None
        finally:
            self._inside -= 1


def hall_of(request: Request) -> Hall:
    """The process's one."""
    hall: Hall = request.app.state.hall
    return hall


async def welcome(request: Request, ask: Asker, given: Session | Ticket, leads_to: str) -> Response:
    """Lead whoever has proved the first factor on: to the page, or to the second factor."""
    if isinstance(given, Ticket):
        response = go(request, address_of("/ingresar/codigo", leads_to))
        sessions.keep_ticket(response, given)
        return response
    if before := request.cookies.get(COOKIE):  # one browser, one session
        await ask(log_out, before)
    response = go(request, leads_to)
    sessions.keep(response, given)
    sessions.keep_device(response, given)
    return response


def ways() -> dict[str, Any]:
    """What the log-in page offers beside the password, or in its place."""
    name = settings().oidc_name if settings().oidc_issuer else ""
    return {"provider": name, "provider_only": settings().oidc_only}


def address_of(step: str, leads_to: str) -> str:
    """Of a page of the log-in that leads on."""
    return step if leads_to == "/" else f"{step}?volver={quote(leads_to, safe='/')}"


async def finish(ask: Asker, ticket: str, code: str, request: Request) -> Session:
    """The session of a ticket. Raises Invalid for a wrong code, Denied."""
    return await ask(finish_log_in, ticket, code, *_coming(request))


async def come_back(
    ask: Asker, kept: str, state: str, code: str, request: Request
) -> Session | Ticket:
    """As `Hall.enter`, of whom the company's provider sent back. Raises Denied, Unavailable."""
    return await ask(finish_provider_log_in, kept, state, code, *_coming(request))


def _coming(request: Request) -> tuple[str, str, str]:
    """Address, known browser and program."""
    agent = bounds.printable(request.headers.get("user-agent", ""))[:_AGENT_LENGTH]
    return source_of(request), request.cookies.get(DEVICE, ""), agent


async def _enter(ask: Asker, username: str, password: str, request: Request) -> Session | Ticket:
    for left in reversed(range(ATTEMPTS)):
        try:
            return await ask(log_in, username, password, *_coming(request))
        except Unavailable as error:
            if not left or seconds_to_wait(error) is None:
                raise
        await asyncio.sleep(WAIT_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311  # no secret
    raise AssertionError


def _full() -> Unavailable:
    return Unavailable(BUSY, [FieldError("retry_after", str(COME_AGAIN_SECONDS))])


def seconds_to_wait(error: PregonError) -> str | None:
    """After which it may go better, where that is known."""
    return next((item.message for item in error.fields if item.field == "retry_after"), None)


def tell_when(response: Response, error: PregonError) -> None:
    """Say when to come again; too many failures are 429."""
    if (seconds := seconds_to_wait(error)) is not None:
        response.headers["Retry-After"] = seconds
        if not isinstance(error, Unavailable):
            response.status_code = 429
