"""The bureau's HTTP door: who may come in, with what, and how many at once."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Iterable
from email.message import Message
from functools import lru_cache
from http import HTTPStatus
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from redis import Redis
from redis.exceptions import RedisError

from services.risk_central.answers import Answers
from services.risk_central.envelope import SOAP_11, SOAP_12
from services.risk_central.wsdl import ADDRESS
from shared import log, trace

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY_BYTES = 1 << 20
PATHS = {"/risk-central": SOAP_11, "/risk-central/soap12": SOAP_12}

_MAX_AT_ONCE = 16
_WAIT_SECONDS = 1.0
_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9a-fA-F:.]+\](:\d{1,5})?")
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_MEDIA_TYPES = frozenset({"text/xml", "application/soap+xml", "application/xml"})

logger = log.get(__name__)

Headers = list[tuple[str, str]]


class TurnedAwayError(Exception):
    """A request that is answered before anybody reads it as SOAP."""

    def __init__(self, status: HTTPStatus, message: str, *headers: tuple[str, str]) -> None:
        self.status = status
        self.message = message
        self.headers = headers
        super().__init__(message)


class Door:
    """The bureau as a WSGI application; `redis` connects at first use."""

    def __init__(
        self, redis: Redis, user: str, password: str, max_at_once: int = _MAX_AT_ONCE
    ) -> None:
        self._redis = redis
        self._credentials = f"{user}:{password}".encode()
        self._places = BoundedSemaphore(max_at_once)
        self._answers = {path: Answers(redis, version) for path, version in PATHS.items()}

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            return self._route(environ, start)
        except TurnedAwayError as refused:
            headers = [("Content-Type", "text/plain; charset=utf-8"), *refused.headers]
            return _respond(start, refused.status, headers, refused.message.encode())

    def _route(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"].rstrip("/"), environ["REQUEST_METHOD"]
        if path == "/health":
            return self._health(start)
        if path not in PATHS:
            raise TurnedAwayError(HTTPStatus.NOT_FOUND, "El servicio está en /risk-central.")
        if method == "GET" and environ.get("QUERY_STRING", "").lower() == "wsdl":
            return self._wsdl(path, environ, start)
        self._check_credentials(environ.get("HTTP_AUTHORIZATION", ""))
        if method != "POST":
            message = "Envíe el mensaje SOAP por POST; el WSDL está en ?wsdl."
            raise TurnedAwayError(HTTPStatus.METHOD_NOT_ALLOWED, message, ("Allow", "POST"))
        return self._soap(path, environ, start)

    def _health(self, start: StartResponse) -> Iterable[bytes]:
        status, body = HTTPStatus.OK, b'{"status": "ok"}'
        try:
            self._redis.ping()
        except RedisError:
            status, body = HTTPStatus.SERVICE_UNAVAILABLE, b'{"status": "redis does not answer"}'
        return _respond(start, status, [("Content-Type", "application/json")], body)

    def _wsdl(self, path: str, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """The address in it is the one the client came by."""
        host = environ.get("HTTP_HOST", "")
        if not _HOST.fullmatch(host):
            raise TurnedAwayError(HTTPStatus.BAD_REQUEST, "Falta la cabecera Host.")
        address = f"{environ['wsgi.url_scheme']}://{host}{path}"
        body = self._answers[path].wsdl.replace(ADDRESS.encode(), address.encode())
        return _respond(start, HTTPStatus.OK, [("Content-Type", "text/xml; charset=utf-8")], body)

    def _check_credentials(self, header: str) -> None:
        scheme, _, given = header.partition(" ")
        if scheme.lower() == "basic" and hmac.compare_digest(_decoded(given), self._credentials):
            return
        challenge = ("WWW-Authenticate", 'Basic realm="risk-central", charset="UTF-8"')
        message = "Usuario o contraseña incorrectos."
        raise TurnedAwayError(HTTPStatus.UNAUTHORIZED, message, challenge)

    def _soap(self, path: str, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        encoding = _encoding(environ.get("CONTENT_TYPE", ""))
        body = _read_body(environ)
        # No longer than a second: whoever asks has a deadline too.
        if not self._places.acquire(timeout=_WAIT_SECONDS):
            message = "Hay demasiadas consultas a la vez. Intente de nuevo."
            raise TurnedAwayError(HTTPStatus.SERVICE_UNAVAILABLE, message, ("Retry-After", "1"))
        try:
            status, reply = self._answers[path].reply(body, encoding)
        finally:
            self._places.release()
        _tell(environ.get("HTTP_X_TRACE_ID", ""), status)
        return _respond(start, status, [("Content-Type", PATHS[path].content_type)], reply)


def _tell(trace_id: str, status: HTTPStatus) -> None:
    """A line for those who follow a piece of work of ours; others' questions leave none."""
    if _TRACE_ID.fullmatch(trace_id):
        with trace.use(trace_id=trace_id):
            logger.info("answered", status=status.value)


def _decoded(credentials: str) -> bytes:
    try:
        return base64.b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):
        return b""


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
    start(f"{status.value} {status.phrase}", [*headers, ("Content-Length", str(len(body)))])
    return [body]
