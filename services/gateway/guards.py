"""What every request passes, outermost first: trace, headers, size, origin, defects."""

import time
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway import problems
from services.gateway.session import COOKIE
from shared import log, trace
from shared.settings import settings

BODY_BYTES = 2 << 20
UPLOAD_BYTES = 512 << 20  # multipart bodies of those who show a session or a token

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
_logger = log.get("gateway")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """A layer around the app that each HTTP request passes; the lifespan goes straight through."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, as ASGI has it."""
        serve = self.serve if scope["type"] == "http" else self.app
        await serve(scope, receive, send)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What the layer does with a request."""
        raise NotImplementedError


class Trace(Guard):
    """Gives each request a trace id of ours, tells it in X-Trace-Id and logs the answer."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As `Guard.serve`."""
        started = time.perf_counter()
        with trace.use():

            async def send_traced(message: Message) -> None:
                if message["type"] == "http.response.start":
                    MutableHeaders(scope=message)[trace.HTTP_HEADER] = trace.trace_id()
                    self._note(scope, message["status"], started)
                await send(message)

            await self.app(scope, receive, send_traced)

    def _note(self, scope: Scope, status: int, started: float) -> None:
        if scope["path"].startswith(("/static/", "/health/")):
            return
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        _logger.info(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=status,
            milliseconds=milliseconds,
        )


class SecurityHeaders(Guard):
    """Adds the headers a response does not set itself; a preview brings a policy of its own."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As `Guard.serve`."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_guarded)


class SizeLimit(Guard):
    """Stops reading a body that is too large, announced or not: 413."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As `Guard.serve`."""
        headers = Headers(scope=scope)
        limit = _limit(headers)
        read = 0

        async def receive_counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if max(read, _announced(headers)) > limit:
                raise HTTPException(413)
            return message

        await self.app(scope, receive_counted, send)


def _limit(headers: Headers) -> int:
    is_upload = headers.get("content-type", "").startswith("multipart/form-data")
    shows_who = "authorization" in headers or COOKIE in headers.get("cookie", "")
    return UPLOAD_BYTES if is_upload and shows_who else BODY_BYTES


def _announced(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() else 0


class CrossOrigin(Guard):
    """Refuses (403) what another site's page makes a browser send, so forms need no token.

    Browsers tell where a request comes from by Sec-Fetch-Site or Origin. A request with neither
    and without our cookie is a program's, such as a mailbox provider's one-click unsubscribe.
    """

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As `Guard.serve`."""
        if scope["method"] in _SAFE_METHODS or _is_for_anyone(scope) or _is_ours(scope):
            return await self.app(scope, receive, send)
        text = "La solicitud viene de otro sitio y no se ejecutó."
        response = problems.answer(Request(scope), 403, text)
        return await response(scope, receive, send)


def _is_for_anyone(scope: Scope) -> bool:
    """Unsubscribing (RFC 8058): who has the link may, from a mailbox's page as from anywhere."""
    return str(scope["path"]).startswith("/baja/")


def _is_ours(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    if (site := headers.get("sec-fetch-site")) is not None:
        return site in ("same-origin", "none")
    if (origin := headers.get("origin")) is not None:
        return origin in (_origin(settings().public_url), f"{scope['scheme']}://{headers['host']}")
    return COOKIE not in headers.get("cookie", "") or "authorization" in headers


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


class Defects(Guard):
    """Answers 500 for what nobody meant to raise, and logs it under the trace id shown."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As `Guard.serve`."""
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_noting)
        except Exception:
            if started:
                raise
            _logger.exception("defect", path=scope["path"])
            await problems.answer(Request(scope), 500)(scope, receive, send)
