"""What travels with every call, event and job: trace id, actor, deadline, idempotency key.

Held in context variables, so a request, a nameko worker (a greenlet) and a Celery task each
see their own.
"""

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import structlog

from shared import signing
from shared.contract import Actor
from shared.errors import Denied

HTTP_HEADER = "X-Trace-Id"
_trace_id: ContextVar[str] = ContextVar("trace_id", default="")
_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)
_token: ContextVar[str] = ContextVar("token", default="")  # with which the work came; see `signing`
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
_idempotency_key: ContextVar[str | None] = ContextVar("idempotency_key", default=None)


def new_trace_id() -> str:
    """A fresh id for work that nobody asked for, such as a scheduled job."""
    return uuid.uuid4().hex


def trace_id() -> str:
    """The id that all logs of this piece of work share; empty outside of any."""
    return _trace_id.get()


def actor() -> Actor:
    """Who asked for this work. Raises Denied where nobody did."""
    found = _actor.get()
    if found is None:
        raise Denied("Esta operación necesita un usuario.")
    return found


def find_actor() -> Actor | None:
    """Who asked for this work, or None (scheduled jobs, public pages)."""
    return _actor.get()


def idempotency_key() -> str | None:
    """The caller's key for this command, or None."""
    return _idempotency_key.get()


def seconds_left(default: float) -> float:
    """Time the caller still waits, at most `default`; zero or less means it has given up."""
    deadline = _deadline.get()
    return default if deadline is None else min(default, deadline - time.time())


def has_deadline() -> bool:
    """Whether somebody waits for this piece of work."""
    return _deadline.get() is not None


@contextmanager
def use(
    *,
    trace_id: str | None = None,
    actor: Actor | None = None,
    deadline: float | None = None,
    idempotency_key: str | None = None,
    token: str = "",
) -> Iterator[None]:
    """Hold this context for the block; `deadline` is Unix seconds.

    `token` is what the work came with; without one this process vouches for the actor itself.
    """
    before = (
        _trace_id.get(), _actor.get(), _deadline.get(), _idempotency_key.get(), _token.get()
    )  # fmt: skip
    logged = structlog.contextvars.get_contextvars()
    _set(trace_id or new_trace_id(), actor, deadline, idempotency_key, token)
    try:
        yield
    finally:
        _set(*before)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**logged)


def _set(
    trace_id: str,
    actor: Actor | None,
    deadline: float | None,
    idempotency_key: str | None,
    token: str,
) -> None:
    _token.set(token)
    _trace_id.set(trace_id)
    _actor.set(actor)
    _deadline.set(deadline)
    _idempotency_key.set(idempotency_key)
    structlog.contextvars.bind_contextvars(
        trace_id=trace_id, **({"actor": actor.username} if actor else {})
    )


def enter(headers: Mapping[str, Any]) -> None:
    """Continue the context that came with a message, until the present greenlet ends.

    Raises Denied where its token is none of ours.
    """
    _set(**_read(headers))


@contextmanager
def from_headers(headers: Mapping[str, Any]) -> Iterator[None]:
    """Continue the context that came with a message, for the block."""
    with use(**_read(headers)):
        yield


def _read(headers: Mapping[str, Any]) -> dict[str, Any]:
    token = headers.get("actor") or ""
    return {
        "trace_id": headers.get("trace_id") or new_trace_id(),
        "actor": signing.read(token).actor if token else None,
        "token": token,
        "deadline": headers["deadline_ms"] / 1000 if "deadline_ms" in headers else None,
        "idempotency_key": headers.get("idempotency_key"),
    }


def to_headers() -> dict[str, Any]:
    """The context as headers of an event or job."""
    token = _token.get() or signing.sign(_actor.get())
    return {"trace_id": trace_id() or new_trace_id(), "actor": token}


def to_call_headers(seconds: float) -> dict[str, Any]:
    """The context as headers of a call that its caller waits `seconds` for.

    The deadline is Unix milliseconds, whole: AMQP libraries send floats in 32 bits.
    """
    headers = to_headers() | {"deadline_ms": int((time.time() + seconds) * 1000)}
    if (key := _idempotency_key.get()) is not None:
        headers["idempotency_key"] = key
    return {f"nameko.{name}": value for name, value in headers.items()}


def check_word(headers: Mapping[str, Any]) -> None:
    """Raise Denied where nobody trusted vouches for an event or job."""
    signing.read(headers.get("actor") or "")


def is_vouched_for(headers: Mapping[str, Any]) -> bool:
    """Whether an event or job comes from somebody trusted."""
    try:
        check_word(headers)
    except Denied:
        return False
    return True


def is_late(headers: Mapping[str, Any]) -> bool:
    """Whether the caller of this message has given up already."""
    deadline = headers.get("deadline_ms")
    return deadline is not None and bool(deadline < time.time() * 1000)
