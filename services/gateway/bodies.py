"""Bodies of requests: how large, how slow, and what becomes of one that nobody reads to its end.

A route says what it takes (`takes=`, in bytes) and reads nothing before it knows who asks; see
`routing`. What is not read is not waited for: the answer goes out and the connection is closed.
"""

import asyncio
import codecs
import time
from contextlib import suppress

from fastapi import HTTPException, Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from shared.errors import Invalid

KILOBYTE = 1 << 10
MEGABYTE = 1 << 20
SMALL = 16 * KILOBYTE  # of routes that everybody may use
USUAL = MEGABYTE  # of those for users, where they say nothing else

PATIENCE_SECONDS = 10.0  # that a body may keep us waiting in all …
BYTES_PER_SECOND = 16 * KILOBYTE  # … and so much longer for what has come
LINGER_SECONDS = 1.0  # after an answer, for a sender that is still busy sending
LINGER_BYTES = MEGABYTE


def limit(request: Request, takes: int) -> None:
    """Have reading the body raise HTTPException(413) beyond `takes` bytes, announced or not."""
    receive = request.receive
    announced = _announced(request.headers)
    read = 0

    async def receive_counted() -> Message:
        nonlocal read
        if announced > takes:
            raise HTTPException(413)
        message = await receive()
        read += len(message.get("body", b""))
        if read > takes:
            raise HTTPException(413)
        return message

    request._receive = receive_counted  # the handlers of errors have this very request


def check_charset(headers: Headers) -> None:
    """Raise Invalid for a form in another encoding than UTF-8.

    Starlette decodes by any codec of Python's that a form names: `idna` and `undefined` raise what
    it does not expect, `unicode_escape` makes text that no answer can carry.
    """
    kind, options = parse_options_header(headers.get("content-type"))
    charset = options.get(b"charset", b"utf-8").decode("latin-1")
    if kind == b"multipart/form-data" and not _is_utf8(charset):
        raise Invalid("El formulario tiene que estar en UTF-8.")


def _is_utf8(charset: str) -> bool:
    try:
        return codecs.lookup(charset).name == "utf-8"
    except (LookupError, ValueError):
        return False


def _announced(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() and len(length) < 20 else 0


class Exchange:
    """One request and its answer, with an eye on how the body comes."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        headers = Headers(scope=scope)
        self._whole = "transfer-encoding" not in headers and not _announced(headers)
        self._closes = False
        self._read, self._waited = 0, 0.0

    async def receive(self) -> Message:
        """The next part. Raises HTTPException(408) when the sender is too slow."""
        if self._whole:
            return await self._receive()
        began = time.monotonic()
        patience = PATIENCE_SECONDS + self._read / BYTES_PER_SECOND - self._waited
        try:
            async with asyncio.timeout(max(0.0, patience)):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408) from None
        self._waited += time.monotonic() - began
        self._note(message)
        return message

    async def send(self, message: Message) -> None:
        """The answer; when the body is not whole it is the connection's last."""
        if message["type"] == "http.response.start" and not self._whole:
            MutableHeaders(scope=message)["Connection"] = "close"
            self._closes = True
        ends = message["type"] == "http.response.body" and not message.get("more_body", False)
        if self._closes and ends:
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _linger(self) -> None:
        """Let the sender see the answer: what is closed upon unread bytes may lose it."""
        enough = self._read + LINGER_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while not self._whole and self._read < enough:
                    self._note(await self._receive())

    def _note(self, message: Message) -> None:
        self._read += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
