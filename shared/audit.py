"""Putting on record who did or saw what: a line of identity's record, from any room.

    audit.record(session, AuditAction.CHANGED, AuditKind.USER, user_id, before=…, after=…)

It is written in the transaction of what it tells, so neither is without the other. A door that
only reads is a `query_recorded`: its record is on the disk before the answer is on its way.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from shared import clock, outbox, personal, trace
from shared.contract import Actor
from shared.contracts.audit import AuditAction, Audited, AuditKind
from shared.settings import settings

# Names of what is recorded as hashes and is no field of a contract; the others are marked there
_NO_FIELDS = frozenset(
    {
        "ruc",
        "search",
        "username_tried",
    }
)
SECRET = frozenset({"password", "password_hash"})  # of which only is told that they changed
LISTED_AT_MOST = 1000
_MARK = "#"  # before a hash
_LONGEST = 300  # characters of a value


def record(
    session: Session,
    action: AuditAction,
    kind: AuditKind | None = None,
    object_id: object = "",
    *,
    customer_id: int | None = None,
    listed: Iterable[int] = (),
    purpose: str = "",
    fields: Iterable[str] = (),
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    who: Actor | None = None,
    source: str = "",
) -> None:
    """Record it when this transaction commits: of the actor, of `who`, or of the room itself.

    Of `before` and `after` what differs is told, personal values as hashes; `fields` are those
    that were seen. A customer as the object is `customer_id` as well.
    """
    actor = who or trace.find_actor()
    if kind is AuditKind.CUSTOMER and customer_id is None:
        customer_id = int(str(object_id))
    event = Audited(
        at=clock.now(),
        room=_room_of(session),
        action=action,
        object_kind=kind,
        object_id=str(object_id),
        customer_id=customer_id,
        listed=list(listed)[:LISTED_AT_MOST],
        purpose=purpose,
        fields=sorted(fields),
        changes=compare(before or {}, after or {}),
        trace_id=trace.trace_id(),
        **_about(actor, source),
    )
    outbox.add(session, event, wake=False)


def record_list(
    session: Session,
    kind: AuditKind,
    customer_ids: Iterable[int],
    of: object = "",
    *,
    search: str | None = None,
    purpose: str = "",
) -> None:
    """Record that a list was seen, with the customers that it showed: one line, however many."""
    action = AuditAction.SEARCHED if search else AuditAction.LISTED
    what = (session, action, kind, of)
    record(*what, listed=customer_ids, purpose=purpose, after={"search": search})


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Field: before and after, where they differ; what `after` does not name did not change."""
    return {
        name: [_told(name, before.get(name)), _told(name, value)]
        for name, value in after.items()
        if value != before.get(name)
    }


def fingerprint(value: Any) -> str:
    """A value as a hash that tells whether two are equal, and that nobody without the key makes."""
    [found] = fingerprints([_plain(value)])
    return found


def fingerprints(texts: Iterable[str], secret_key: str = "") -> list[str]:
    """As `fingerprint`, of many; also by a former key, to find what it was written with."""
    inner, outer = _keyed(secret_key or settings().secret_key)
    return [_MARK + _hash(inner.copy(), outer.copy(), text.encode()) for text in texts]


def _hash(inner: Any, outer: Any, value: bytes) -> str:
    """HMAC-SHA-256 by its definition (RFC 2104), in a third of the time where the key is ready."""
    inner.update(value)
    outer.update(inner.digest())
    found: str = outer.hexdigest()[:24]
    return found


@lru_cache(maxsize=8)
def _keyed(secret_key: str) -> tuple[Any, Any]:
    key = hmac.digest(secret_key.encode(), b"audit", hashlib.sha256).ljust(64, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in key) for pad in (0x36, 0x5C))
    return hashlib.sha256(inner), hashlib.sha256(outer)


def _about(actor: Actor | None, source: str) -> dict[str, Any]:
    if actor is None:
        nobody = {"username": "", "full_name": "", "role": "", "system": ""}
        return nobody | {"user_id": None, "source": source}
    return {
        "user_id": actor.user_id,
        "username": actor.username,
        "full_name": actor.full_name,
        "role": actor.role,
        "system": actor.system,
        "source": source or actor.source,
    }


def _told(name: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if name in SECRET:
        return _MARK
    if name in _NO_FIELDS or name in personal.names():
        return fingerprint(value)
    return value if isinstance(value, bool | int) else _cut(_plain(value))


def _cut(text: str) -> str:
    """A long text by its beginning, and by what tells it from others that begin so."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… {fingerprint(text)}"


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)


def _room_of(session: Session) -> str:
    """By the database's name, which is the room's behind the namespace."""
    name = str(session.get_bind().engine.url.database)
    return name.removeprefix(f"{settings().namespace}_")
