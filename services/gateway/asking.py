"""How a route asks a room: `ask: Ask` among its parameters, then `await ask(procedure, …)`."""

import hashlib
from collections.abc import AsyncIterator
from typing import Annotated, ParamSpec, TypeVar

from fastapi import Depends, Request

from services.gateway.session import (
    SecondFactorMissing,
    SessionExpired,
    client_of,
    find_session,
    source_of,
)
from shared import bounds, trace
from shared.client import Client
from shared.contract import Actor, Procedure
from shared.contracts import provider, second_factor
from shared.contracts.identity import log_out
from shared.errors import Invalid

P = ParamSpec("P")
R = TypeVar("R")

KEY_FIELD = "idempotency_key"
KEY_HEADER = "Idempotency-Key"
_KEY_LENGTH = 200
# what is asked for a user who has to set up the second factor first: nothing of another room
_SETTING_UP = (
    second_factor.get_second_factor,
    second_factor.prepare_second_factor,
    second_factor.set_second_factor,
    provider.begin_provider_proof,
    provider.finish_provider_proof,
    log_out,
)
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Asker:
    """Asks rooms in the name of the request's user, with its trace id and idempotency key."""

    def __init__(
        self, client: Client, actor: Actor | None, key: str | None, *, restricted: bool = False
    ) -> None:
        self._client = client
        self._actor = actor
        self._restricted = restricted
        self.key = key  # the request's idempotency key

    @property
    def username(self) -> str:
        """Whose request it is; empty for nobody's."""
        return self._actor.username if self._actor else ""

    @property
    def full_name(self) -> str:
        """The name of whose request it is; empty for nobody's."""
        return self._actor.full_name if self._actor else ""

    @property
    def actor(self) -> Actor:
        """Who asks. Raises SessionExpired on a page for everybody."""
        if self._actor is None:
            raise SessionExpired
        return self._actor

    def part(self, name: str) -> "Asker":
        """To ask for one of several commands that a request is made of; repeatable as that is."""
        key = self.key and hashlib.sha256(f"{self.key}/{name}".encode()).hexdigest()
        return Asker(self._client, self._actor, key, restricted=self._restricted)

    async def __call__(self, procedure: Procedure[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The procedure's reply. Raises one of the five errors of `shared.errors`."""
        if self._restricted and procedure not in _SETTING_UP:
            raise SecondFactorMissing
        with trace.use(trace_id=trace.trace_id(), actor=self._actor, idempotency_key=self.key):
            return await self._client.ask(procedure, *args, **kwargs)


async def _asker(request: Request) -> AsyncIterator[Asker]:
    session = find_session(request)
    source = {"source": source_of(request)}
    actor = session.actor.model_copy(update=source) if session is not None else None
    restricted = session is not None and session.restricted
    try:
        key = await _read_key(request)
        yield Asker(client_of(request), actor, key, restricted=restricted)
    finally:
        await request.close()  # the temporary files of an upload


Ask = Annotated[Asker, Depends(_asker)]


async def _read_key(request: Request) -> str | None:
    """The header's key or, for a page's form, that of its hidden field; reading needs none."""
    if request.method in ("GET", "HEAD"):
        return None
    key = request.headers.get(KEY_HEADER)
    if key is None and request.headers.get("content-type", "").startswith(_FORMS):
        field = (await request.form()).get(KEY_FIELD)
        key = field if isinstance(field, str) else None
    if key is not None and len(key) > _KEY_LENGTH:
        raise Invalid.field(KEY_HEADER, f"La clave tiene más de {_KEY_LENGTH} caracteres.")
    if key is not None and bounds.is_odd(key):
        raise Invalid.field(KEY_HEADER, bounds.ODD_TEXT)
    return key or None
