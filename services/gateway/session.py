"""Who is asking: the session behind a cookie or a bearer token, asked of identity per request."""

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import Depends, Request
from starlette.responses import Response

from shared import clock
from shared.client import Client
from shared.contracts.identity import Session, Ticket, get_session
from shared.errors import Denied, Invalid, Unavailable
from shared.settings import settings

COOKIE = "pregon_session"
DEVICE = "pregon_device"  # that this browser's user has logged in here before
DEVICE_PATH = "/ingresar"
DEVICE_SECONDS = 365 * 24 * 3600


TRIP = "pregon_trip"  # that this browser set out for the company's provider, and where it leads
TRIP_SECONDS = 600
PROOF = "pregon_proof"  # that who is logged in set out to sign in there anew
BY_PROVIDER = "pregon_by_provider"  # who logs out is told that a session is open there, too
TICKET = "pregon_ticket"  # of a log-in that waits for its second factor
SET_UP = "/cuenta/verificacion"  # where the second factor is set up


class SecondFactorMissing(Exception):  # noqa: N818  # it is a state, and so it is told
    """The user's role requires a second factor, which has to be set up before anything else."""


class SessionExpired(Exception):  # noqa: N818  # it is a state, and so it is told
    """Nobody is logged in, or not any more."""


def client_of(request: Request) -> Client:
    """The process's one connection to the rooms."""
    client: Client = request.app.state.client
    return client


def source_of(request: Request) -> str:
    """The network address that asks."""
    return request.client.host if request.client else ""


def find_session(request: Request) -> Session | None:
    """The session the route's guard has found; None on public routes and before the guard."""
    return getattr(request.state, "session", None)


def is_api(request: Request) -> bool:
    """Whether a program asks, by the address."""
    return request.url.path.startswith("/api/")


def read_bearer(request: Request) -> str | None:
    """The bearer token, if there is one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token else None


def read_token(request: Request) -> str | None:
    """The bearer token or, without one, the cookie's."""
    return read_bearer(request) or request.cookies.get(COOKIE)


async def require_session(request: Request) -> Session:
    """The running session, kept on the request. Raises SessionExpired, Unavailable."""
    token = read_token(request)
    if token is None:
        raise SessionExpired
    try:
        session = await client_of(request).ask(get_session, token)
    except (Denied, Invalid):  # none of ours has such characters
        raise SessionExpired from None
    request.state.session = session
    return session


async def is_running(request: Request) -> bool:
    """Whether this browser is logged in; also not when that cannot be told now."""
    if COOKIE not in request.cookies or read_bearer(request):
        return False
    try:
        await require_session(request)
    except (SessionExpired, Unavailable):
        return False
    return True


def _signed_in(request: Request) -> Session:
    session = find_session(request)
    if session is None:
        raise SessionExpired
    return session


SignedIn = Annotated[Session, Depends(_signed_in)]


def keep(response: Response, session: Session) -> None:
    """Give the browser the session's cookie, for as long as a session that is used may last."""
    seconds = int(max(settings().session_hours, settings().session_hours_at_most) * 3600)
    _set(response, COOKIE, session.token, seconds)


def keep_device(response: Response, session: Session) -> None:
    """Have the browser show at its next log-in that it is no stranger's."""
    _set(response, DEVICE, session.device, DEVICE_SECONDS, DEVICE_PATH)


def keep_ticket(response: Response, ticket: Ticket) -> None:
    """Tie the second step of a log-in to the browser that did the first."""
    seconds = int((ticket.expires_at - clock.now()).total_seconds())
    _set(response, TICKET, ticket.ticket, seconds, DEVICE_PATH)


def forget_ticket(response: Response) -> None:
    """It was used, or is too old."""
    response.delete_cookie(TICKET, path=DEVICE_PATH, httponly=True, samesite="lax")


def keep_trip(response: Response, kept: str, leads_to: str) -> None:
    """Tie what the provider will answer to the browser that asks."""
    _set(response, TRIP, f"{kept}.{quote(leads_to, safe='')}", TRIP_SECONDS, DEVICE_PATH)


def read_trip(request: Request) -> tuple[str, str]:
    """What the browser kept, and where it was going; empty and `/` without."""
    kept, _, leads_to = request.cookies.get(TRIP, "").partition(".")
    return kept, local_path(unquote(leads_to))


def forget_trip(response: Response) -> None:
    """It is over."""
    response.delete_cookie(TRIP, path=DEVICE_PATH, httponly=True, samesite="lax")


def keep_proof(response: Response, kept: str) -> None:
    """As a trip's; of the two the last one that was begun counts."""
    _set(response, PROOF, kept, TRIP_SECONDS)


def forget_proof(response: Response) -> None:
    """It is over, or was given up."""
    response.delete_cookie(PROOF, httponly=True, samesite="lax")


def keep_way(response: Response) -> None:
    """Note that the provider was the way in."""
    seconds = int(max(settings().session_hours, settings().session_hours_at_most) * 3600)
    _set(response, BY_PROVIDER, "1", seconds)


def _set(response: Response, name: str, value: str, seconds: int, path: str = "/") -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=path,
        httponly=True,
        samesite="lax",
        secure=settings().public_url.startswith("https://"),
    )


def forget(response: Response) -> None:
    """Take the session's cookie back, and what the browser kept of the pages."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
    response.delete_cookie(BY_PROVIDER, httponly=True, samesite="lax")
    response.headers["Clear-Site-Data"] = '"cache"'


def local_path(address: str | None) -> str:
    """`address` when it leads to a page of ours, else `/`: no log-in leads to another site."""
    if not address or not address.startswith("/") or address[1:2] in ("/", "\\"):
        return "/"
    unsafe = any(ord(character) < 32 for character in address)
    return "/" if unsafe else address
