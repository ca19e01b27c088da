"""One effect for a command that is sent twice with the same key: the first reply is given again."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared import trace
from shared.contract import Procedure
from shared.errors import Conflict
from shared.tables import Command

R = TypeVar("R")


def once(
    session: Session, procedure: Procedure[..., R], arguments: dict[str, Any], act: Callable[[], R]
) -> R:
    """Run `act` in the session's transaction, or give the reply it gave before for this key.

    Without a key it always acts. Raises Conflict when the key came with other arguments. Two
    calls at once: the second waits on the unique key until the first has committed.
    """
    if (row := _row(procedure)) is None:
        return act()
    digest = _digest(arguments)
    claim = insert(Command).values(**row, arguments_hash=digest).on_conflict_do_nothing()
    if session.execute(claim.returning(Command.key)).first() is None:
        return procedure.decode_reply(_find_reply(session, row, digest))
    reply = act()
    stored = {"reply": procedure.encode_reply(reply)}
    session.execute(update(Command).filter_by(**row).values(reply=stored))
    return reply


def find(session: Session, procedure: Procedure[..., R], arguments: dict[str, Any]) -> R | None:
    """The reply that was given for this key; None when it is new, or there is none.

    For a door that asks elsewhere before its transaction. Raises Conflict like `once`.
    """
    if (row := _row(procedure)) is None:
        return None
    known = select(Command.key).filter_by(**row)
    if session.execute(known).first() is None:
        return None
    return procedure.decode_reply(_find_reply(session, row, _digest(arguments)))


def _row(procedure: Procedure[..., Any]) -> dict[str, str] | None:
    """The key of the caller's command, None without one."""
    key = trace.idempotency_key()
    if key is None:
        return None
    actor = trace.find_actor()
    return {
        "username": actor.username if actor else "",
        "procedure": f"{procedure.service}.{procedure.name}",
        "key": key,
    }


def _find_reply(session: Session, row: dict[str, str], digest: str) -> Any:
    found = session.execute(select(Command.arguments_hash, Command.reply).filter_by(**row)).one()
    if found.arguments_hash != digest or found.reply is None:
        raise Conflict("Esta clave de idempotencia ya se usó con otros datos.")
    return found.reply["reply"]


def _digest(arguments: dict[str, Any]) -> str:
    text = json.dumps(arguments, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
