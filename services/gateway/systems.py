"""Other systems at the API: who shows a token, and how often it may ask.

A token is taken as `Authorization: Bearer` under `/api/` and nowhere else: for pages, and as a
cookie, it is a session that never was.
"""

import hashlib
import math
import time

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from services.gateway.entrance import seconds_to_wait
from services.gateway.guards import Guard
from services.gateway.session import (
    SessionExpired,
    client_of,
    is_api,
    read_bearer,
    require_session,
    source_of,
)
from shared.contracts.identity import Admission, Session, check_api_token
from shared.contracts.tokens import TOKEN_PREFIX
from shared.errors import Denied, FieldError, Invalid

_KEPT = 1000


class Waits:
    """Who was told by identity to wait is told so from here until then: it costs nobody else."""

    def __init__(self) -> None:
        self._until: dict[bytes, tuple[float, str]] = {}

    def check(self, token: str, source: str) -> None:
        """Raises Denied, with what is left of the wait, for one that comes too soon."""
        until, told = self._until.get(_mark(token, source), (0.0, ""))
        if (left := until - time.monotonic()) > 0:
            raise Denied(told, [FieldError("retry_after", str(math.ceil(left)))])

    def note(self, token: str, source: str, refusal: Denied) -> None:
        """Remember who has to wait, and for how long."""
        if len(self._until) >= _KEPT:
            self._forget()
        until = time.monotonic() + float(seconds_to_wait(refusal) or 0)
        self._until[_mark(token, source)] = until, refusal.message

    def _forget(self) -> None:
        now = time.monotonic()
        kept = {mark: entry for mark, entry in self._until.items() if entry[0] > now}
        self._until = kept if len(kept) < _KEPT else {}


def _mark(token: str, source: str) -> bytes:
    return hashlib.sha256(f"{source} {token}".encode()).digest()


async def who_asks(request: Request) -> Session:
    """The session of a user, or of the user in whose name a system asks; kept on the request.

    Raises SessionExpired, Unavailable, and Denied for a system that asks too often.
    """
    token = read_bearer(request) if is_api(request) else None
    if token is None or not token.startswith(TOKEN_PREFIX):
        return await require_session(request)
    source = source_of(request)
    waits: Waits = request.app.state.waits
    waits.check(token, source)
    try:
        admission = await client_of(request).ask(check_api_token, token, source)
    except Denied as error:
        if seconds_to_wait(error) is None:
            raise SessionExpired(error.message) from None
        waits.note(token, source, error)
        raise
    except Invalid:  # none of ours has such characters
        raise SessionExpired from None
    return _keep(request, admission)


def _keep(request: Request, admission: Admission) -> Session:
    request.state.admission = admission
    request.state.session = Session(
        token="",
        actor=admission.actor,
        role_name=admission.role_name,
        permissions=admission.actor.permissions,
        expires_at=admission.expires_at,
    )
    session: Session = request.state.session
    return session


class Measures(Guard):
    """Tells a system in each answer how often it may ask yet (draft-ietf-httpapi-ratelimit)."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As `Guard.serve`."""
        state = scope.setdefault("state", {})

        async def send_measured(message: Message) -> None:
            admission = state.get("admission")
            if message["type"] == "http.response.start" and admission is not None:
                headers = MutableHeaders(scope=message)
                headers["RateLimit-Limit"] = str(admission.limit)
                headers["RateLimit-Remaining"] = str(admission.remaining)
                headers["RateLimit-Reset"] = str(admission.reset_seconds)
            await send(message)

        await self.app(scope, receive, send_measured)
