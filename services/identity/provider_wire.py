"""Asking the company's provider: nothing that it does takes long, or much, of the room.

An answer has a size and a question a time; of the room's workers some may wait for it, and nobody
while it is known to be down. The system's proxy is not used, and no redirection is followed.
"""

import time
from functools import lru_cache
from ssl import SSLCertVerificationError
from typing import Any

from authlib.integrations.requests_client import OAuth2Session
from requests import PreparedRequest, RequestException, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import SSLError

from shared import tls
from shared.bulkhead import Breaker, Bulkhead, FullError, OpenError
from shared.settings import settings

QUESTION_SECONDS = 3.0
ALL_SECONDS = 4.0  # of a sign-in: who asks the room waits no longer than 5
LARGEST = 256 * 1024  # bytes of an answer
PAUSE_SECONDS = 5.0  # nobody asks for so long after one that was not answered
SHARE = 0.4  # of the room's workers may wait for it
_WAIT_SECONDS = 0.2
_CHUNK = 16 * 1024


class DownError(Exception):
    """The provider does not answer, or not in a way that it could be understood."""


class StrangerError(DownError):
    """Its certificate is by nobody whom we believe, or of another server: no minutes mend that."""


class Patience:
    """The time that is left for one sign-in."""

    def __init__(self, seconds: float = ALL_SECONDS) -> None:
        self._ends_at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds for the next step. Raises DownError."""
        seconds = self._ends_at - time.monotonic()
        if seconds <= 0:
            raise DownError("too slow")
        return min(seconds, QUESTION_SECONDS)


class Wire(HTTPAdapter):
    """One sign-in's questions. Raises DownError for each that is not answered."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Whose certificates are believed is a setting of the house."""
        context = tls.context(settings().ca_file)
        _leave_nothing_open(context)
        super().init_poolmanager(*args, ssl_context=context, **kwargs)

    def cert_verify(self, *_: Any, **__: Any) -> None:  # noqa: V105  # of requests
        """The context above does; requests would believe a list of its own as well."""

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        """The whole answer, read by then."""
        try:
            with _places().place(), _breaker().guard():
                return self._send(request)
        except SSLError as error:
            raise StrangerError(f"certificate: {_what_is_wrong(error)}") from error
        except (FullError, OpenError, RequestException, OSError) as error:
            raise DownError(type(error).__name__) from error

    def _send(self, request: PreparedRequest) -> Response:
        until = Patience(self._patience.left())
        response = super().send(request, stream=True, timeout=until.left())
        try:
            response._content = _read(response, until)
        finally:
            response.close()
        return response


def _leave_nothing_open(context: Any) -> None:
    """eventlet leaves the socket of a handshake that failed to the garbage collector."""
    wrap = context.wrap_socket

    def wrap_socket(*args: Any, **kwargs: Any) -> Any:
        made = wrap(*args, **kwargs, do_handshake_on_connect=False)
        try:
            made.do_handshake()
        except BaseException:
            made.close()
            raise
        return made

    context.wrap_socket = wrap_socket


def _what_is_wrong(error: BaseException) -> str:
    """In OpenSSL's words, which name no more than the server; requests wraps them three times."""
    found: object = error
    while isinstance(found, BaseException) and not isinstance(found, SSLCertVerificationError):
        found = getattr(found, "reason", None) or next(iter(found.args), None)
    said = isinstance(found, SSLCertVerificationError) and found.verify_message
    return said or type(error).__name__


def _read(response: Response, until: Patience) -> bytes:
    """By what comes at a time: who sends a byte a second does not keep us for hours."""
    read = bytearray()
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        read += chunk
        if len(read) > LARGEST:
            raise DownError("too large")
        until.left()
    return bytes(read)


def connect(patience: Patience, method: str | None = None) -> Any:
    """Authlib's client, for one sign-in; it proves itself by `method`."""
    client = OAuth2Session(
        settings().oidc_client_id,
        settings().oidc_client_secret,
        token_endpoint_auth_method=method,
        code_challenge_method="S256",
        redirect_uri=f"{settings().public_url}/ingresar/proveedor/regreso",
        scope="openid profile email",
    )
    client.trust_env = False
    client.max_redirects = 0  # noqa: V101  # of requests
    for scheme in ("https://", "http://"):
        client.mount(scheme, Wire(patience))
    return client


@lru_cache
def _places() -> Bulkhead:
    places = max(1, int(settings().max_workers * SHARE))
    return Bulkhead(places, _WAIT_SECONDS, places)


@lru_cache
def _breaker() -> Breaker:
    return Breaker(PAUSE_SECONDS)
