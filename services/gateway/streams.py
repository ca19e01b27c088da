"""Live parts of a page: events of the rooms, drawn as HTML, sent as they happen.

<div hx-ext="sse" sse-connect="/envios/7/avance" sse-swap="message">…</div>
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from services.gateway.session import client_of
from shared.contract import Event

_LIFETIME_SECONDS = 300  # then the browser connects anew and its session is checked again
_PAUSE_SECONDS = 0.5  # many events in a row are one drawing

Draw = Callable[[], Awaitable[str]]


def stream(
    request: Request, draw: Draw, *events: type[Event], about: Callable[[Event], bool]
) -> EventSourceResponse:
    """Send what `draw` gives now and after each event that `about` says concerns this page."""
    return EventSourceResponse(_drawings(request, draw, events, about), ping=15)


async def _drawings(
    request: Request, draw: Draw, events: tuple[type[Event], ...], about: Callable[[Event], bool]
) -> AsyncIterator[ServerSentEvent]:
    loop = asyncio.get_running_loop()
    end = loop.time() + _LIFETIME_SECONDS
    async with client_of(request).listen(*events) as heard:
        yield ServerSentEvent(await draw())
        while await _concerned(heard, about, end - loop.time()):
            await asyncio.sleep(_PAUSE_SECONDS)
            _drop_all(heard)
            yield ServerSentEvent(await draw())


async def _concerned(
    heard: "asyncio.Queue[Event]", about: Callable[[Event], bool], seconds: float
) -> bool:
    """Wait for an event of this page; False when the stream's time is over."""
    try:
        async with asyncio.timeout(seconds):
            while not about(await heard.get()):
                pass
    except TimeoutError:
        return False
    return True


def _drop_all(heard: "asyncio.Queue[Event]") -> None:
    """Forget what came during the pause: the next drawing shows it."""
    while not heard.empty():
        heard.get_nowait()
