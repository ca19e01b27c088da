"""The stream of what changes, and the notices with their bell."""

from typing import Annotated

from fastapi import Header, Request
from sse_starlette import EventSourceResponse
from starlette.responses import Response

from services.gateway import addresses, live
from services.gateway.asking import Ask
from services.gateway.live import Live, Topic
from services.gateway.rendering import go, render
from services.gateway.routing import ANY_USER, Pages
from services.gateway.session import SignedIn
from shared.contract import Id
from shared.contracts.identity import NoticesChanged, list_notices, open_notice, read_notices

pages = Pages()

live.tell(
    NoticesChanged,
    lambda event: [Topic("notices", username=username) for username in event.usernames],
)


@pages.get("/vivo", allow=ANY_USER)
async def follow(
    request: Request,
    signed_in: SignedIn,
    seen: addresses.After = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> EventSourceResponse:
    """What has changed of what this user's pages show, by topic, since the page was drawn."""
    found: Live = request.app.state.live
    return EventSourceResponse(found.follow(signed_in, last_event_id or seen), ping=15)


@pages.get("/avisos", allow=ANY_USER)
async def show_notices(request: Request, ask: Ask, after: addresses.After = None) -> Response:
    """What the user was told, newest first."""
    return render(request, "notices/list.html", notices=await ask(list_notices, after=after))


@pages.get("/avisos/campana", allow=ANY_USER)
async def show_bell(request: Request) -> Response:
    """The bell with the number of unread notices, which came with the session."""
    return render(request, "notices/bell.html")


@pages.post("/avisos/leer", allow=ANY_USER)
async def read_all(request: Request, ask: Ask) -> Response:
    """All notices are read."""
    await ask(read_notices)
    return go(request, "/avisos", notice="Sus avisos quedaron como leídos.")


@pages.get("/avisos/{notice_id:int}", allow=ANY_USER)
async def follow_notice(request: Request, notice_id: Id, ask: Ask) -> Response:
    """Where a notice leads; it is read by that."""
    notice = await ask(open_notice, notice_id)
    return go(request, notice.link or "/avisos")
