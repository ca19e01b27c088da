"""The bureau's HTTP door: who may come in, with what, and how many at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from email.message import Message
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from redis import Redis
from redis.exceptions import RedisError

from services.risk_central.answers import Answers
from services.risk_central.credentials import Credentials, FromElsewhereError
from services.risk_central.envelope import DECLARATION, SOAP_11, SOAP_12
from services.risk_central.meter import Meter, Question
from services.risk_central.places import Places
from services.risk_central.refusals import TurnedAwayError
from services.risk_central.roster import Client
from services.risk_central.wsdl import ADDRESS
from shared import log, proxies, trace
from shared.contracts.soap_clients import SoapOutcome
from shared.proxies import Origin
from shared.settings import settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY_BYTES = 1 << 20
PATHS = {"/risk-central": SOAP_11, "/risk-central/soap12": SOAP_12}

_MAX_AT_ONCE = 16
_WAIT_SECONDS = 1.0
_FORWARDED = {
    f"HTTP_{name.upper().replace('-', '_')}": name
    for name in ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto")
}
_NAMELESS = ("Server", "")  # else the server would name itself
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_MEDIA_TYPES = frozenset({"text/xml", "application/soap+xml", "application/xml"})

logger = log.get(__name__)

Headers = list[tuple[str, str]]


class Door:
    """The bureau as a WSGI application; `redis` connects at first use."""

    def __init__(
        self, redis: Redis, user: str, password: str, max_at_once: int = _MAX_AT_ONCE
    ) -> None:
        self._redis = redis
        self._credentials = Credentials(redis, user, password)
        self._meter = Meter(redis)
        self._places = Places(max_at_once, _WAIT_SECONDS)
        self._answers = {path: Answers(redis, version) for path, version in PATHS.items()}

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            return self._route(environ, start)
        except TurnedAwayError as refused:
            # What was sent was not read to its end: the connection is good for nothing more
            headers = [("Content-Type", "text/plain; charset=utf-8"), *refused.headers]
            headers.append(("Connection", "close"))
            return _respond(start, refused.status, headers, refused.message.encode())

    def _route(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"].rstrip("/"), environ["REQUEST_METHOD"]
        if path == "/health":
            return self._health(start)
        if path not in PATHS:
            raise TurnedAwayError(HTTPStatus.NOT_FOUND, "El servicio está en /risk-central.")
        if method == "GET" and _asks_for_wsdl(environ.get("QUERY_STRING", "")):
            return self._wsdl(path, environ, start)
        question = self._admit(environ)
        if method != "POST":
            message = "Envíe el mensaje SOAP por POST; el WSDL está en ?wsdl."
            raise TurnedAwayError(HTTPStatus.METHOD_NOT_ALLOWED, message, ("Allow", "POST"))
        return self._soap(path, environ, start, question)

    def _admit(self, environ: WSGIEnvironment) -> Question:
        """The question of a client who may ask now. Raises TurnedAwayError."""
        address = _origin(environ).address
        try:
            client = self._credentials.check(environ.get("HTTP_AUTHORIZATION", ""), address)
        except FromElsewhereError as refused:
            with suppress(RedisError):
                question = Question(self._meter, refused.client, address)
                self._meter.record(question, SoapOutcome.ADDRESS)
            raise
        self._meter.check(client)
        return Question(self._meter, client, address)

    def _health(self, start: StartResponse) -> Iterable[bytes]:
        status, body = HTTPStatus.OK, b'{"status": "ok"}'
        try:
            self._redis.ping()
        except RedisError:
            status, body = HTTPStatus.SERVICE_UNAVAILABLE, b'{"status": "redis does not answer"}'
        return _respond(start, status, [("Content-Type", "application/json")], body)

    def _wsdl(self, path: str, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """The address in it is the one that is set, or the one the client came by."""
        address = f"{settings().soap_public_url.rstrip('/') or _asked_at(environ)}{path}"
        body = self._answers[path].wsdl.replace(ADDRESS.encode(), address.encode())
        return _respond(start, HTTPStatus.OK, [("Content-Type", "text/xml; charset=utf-8")], body)

    def _soap(
        self, path: str, environ: WSGIEnvironment, start: StartResponse, question: Question
    ) -> Iterable[bytes]:
        _check_coding(environ.get("HTTP_CONTENT_ENCODING", ""))
        encoding = _encoding(environ.get("CONTENT_TYPE", ""))
        body = _read_body(environ)
        self._hold_place(question.client)
        try:
            status, reply = self._answers[path].reply(body, encoding, question)
        finally:
            self._places.give_back(question.client)
        _tell(environ.get("HTTP_X_TRACE_ID", ""), status)
        headers = [("Content-Type", _content_type(path, reply)), *_left(question)]
        return _respond(start, status, headers, reply)

    def _hold_place(self, client: Client) -> None:
        try:
            self._places.take(client)
        except TurnedAwayError:
            self._meter.note_turned_away(client)
            raise


def _left(question: Question) -> Headers:
    """What the client has yet: questions of this minute, persons of today."""
    client, left = question.client, question.left
    if left is None or not client.at_once:
        return []
    minute, day = (str(max(0, number)) for number in left)
    return [
        ("RateLimit-Limit", str(client.per_minute)),
        ("RateLimit-Remaining", minute),
        ("Quota-Limit", str(client.per_day)),
        ("Quota-Remaining", day),
    ]


def _content_type(path: str, reply: bytes) -> str:
    """The path's version's, but a VersionMismatch is told in SOAP 1.1."""
    version = PATHS[path]
    begins = f"{DECLARATION}<{version.prefix}:".encode()
    return version.content_type if reply.startswith(begins) else SOAP_11.content_type


def _asks_for_wsdl(query: str) -> bool:
    """`?wsdl`, `?WSDL=1`, and .NET's `?singleWsdl`: ours has always been one file."""
    return query.partition("&")[0].partition("=")[0].lower() in ("wsdl", "singlewsdl")


def _asked_at(environ: WSGIEnvironment) -> str:
    came = _origin(environ)
    if not proxies.HOST.fullmatch(came.host):
        raise TurnedAwayError(HTTPStatus.BAD_REQUEST, "Falta la cabecera Host.")
    return f"{came.scheme}://{came.host}"


def _check_coding(coding: str) -> None:
    """Nothing is unpacked here: what becomes of a few bytes would have to be bounded, too."""
    if coding.strip().lower() not in ("", "identity"):
        message = "Envíe el mensaje sin comprimir (sin Content-Encoding)."
        raise TurnedAwayError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message, ("Accept-Encoding", "identity")
        )


def _origin(environ: WSGIEnvironment) -> Origin:
    """Whom the request is from, and by which address they asked, behind trusted fronts."""
    told = {name: environ[key] for key, name in _FORWARDED.items() if key in environ}
    direct = Origin(
        environ.get("REMOTE_ADDR", ""),
        environ.get("wsgi.url_scheme", "http"),
        environ.get("HTTP_HOST", ""),
    )
    return proxies.read(direct, told) if told else direct


def _tell(trace_id: str, status: HTTPStatus) -> None:
    """A line for those who follow a piece of work of ours; others' questions leave none."""
    if _TRACE_ID.fullmatch(trace_id):
        with trace.use(trace_id=trace_id):
            logger.info("answered", status=status.value)


@lru_cache(maxsize=64)
def _encoding(content_type: str) -> str | None:
    """The charset of a Content-Type; None leaves it to the document."""
    header = Message()
    header["Content-Type"] = content_type
    if header.get_content_type() not in _MEDIA_TYPES:
        message = "Envíe XML: Content-Type text/xml (SOAP 1.1) o application/soap+xml (SOAP 1.2)."
        raise TurnedAwayError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)
    return header.get_content_charset()


def _read_body(environ: WSGIEnvironment) -> bytes:
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise _too_large()
    body: bytes = environ["wsgi.input"].read(
        int(length) if length.isdigit() else MAX_BODY_BYTES + 1
    )
    if len(body) > MAX_BODY_BYTES:
        raise _too_large()
    return body


def _too_large() -> TurnedAwayError:
    message = f"El mensaje pasa de {MAX_BODY_BYTES} bytes: divida la consulta."
    return TurnedAwayError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)


def _respond(
    start: StartResponse, status: HTTPStatus, headers: Headers, body: bytes
) -> Iterable[bytes]:
    length = ("Content-Length", str(len(body)))
    start(f"{status.value} {status.phrase}", [*headers, length, _NAMELESS])
    return [body]
