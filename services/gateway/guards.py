"""What every request passes; `app.py` has the order, fronts first."""

import time
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway import bodies, problems
from services.gateway.session import COOKIE
from shared import log, proxies, trace
from shared.proxies import Origin
from shared.settings import Settings, settings

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
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "publickey-credentials-get",
        "screen-wake-lock",
        "serial",
        "usb",
    )
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS_POLICY,
    "Cache-Control": "no-store",  # people's data; what may be kept says so itself
}
_FORWARDED = (
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
)
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0"})  # noqa: S104  # nobody listens
_ONE_YEAR = "max-age=31536000"
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


class Fronts(Guard):
    """Lets the layers within see client, scheme and host as a trusted front saw them."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As `Guard.serve`."""
        client, headers = scope.get("client"), Headers(scope=scope)
        direct = Origin(client[0] if client else "", scope["scheme"], headers.get("host", ""))
        told = {name: ", ".join(headers.getlist(name)) for name in _FORWARDED if name in headers}
        found = proxies.read(direct, told) if told else direct
        if found != direct:
            scope = {**scope, "client": (found.address, 0), "scheme": found.scheme}
            others = [pair for pair in scope["headers"] if pair[0] != b"host"]
            scope["headers"] = [(b"host", found.host.encode()), *others]
        await self.app(scope, receive, send)


class Hosts(Guard):
    """Answers 400 to whoever asks by a name that is not ours: links must not lead elsewhere."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As `Guard.serve`."""
        names = Headers(scope=scope).getlist("host")
        if len(names) == 1 and _name(names[0]) in _our_names(settings()):
            return await self.app(scope, receive, send)
        text = "Esta dirección no es la del sistema. Ingrese por la dirección que le dieron."
        response = problems.answer(Request(scope), 400, text)
        return await response(scope, receive, send)


def _name(host: str) -> str:
    """A host without its port; empty where it is none, such as `[....]`."""
    try:
        return (urlsplit(f"//{host}").hostname or "") if proxies.HOST.fullmatch(host) else ""
    except ValueError:
        return ""


def _our_names(found: Settings) -> frozenset[str]:
    more = (name.strip().lower() for name in found.allowed_hosts.split(","))
    public = urlsplit(found.public_url).hostname or ""
    return _LOCAL | {public, *more} - {""}


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
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = _ONE_YEAR
            await send(message)

        await self.app(scope, receive, send_guarded)


class Bodies(Guard):
    """Cuts senders that are too slow (408), and what is still being sent when the answer is."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As `Guard.serve`."""
        exchange = bodies.Exchange(scope, receive, send)
        await self.app(scope, exchange.receive, exchange.send)


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
    """Who has a mail's link may, from anywhere: unsubscribing (RFC 8058), choosing a password.

    The page of the latter sends no referrer, and so no origin either where there is no TLS.
    """
    return str(scope["path"]).startswith(("/baja/", "/ingresar/clave/"))


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
