"""One effect for a command that is sent twice with the same key: the first reply is given again."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import ARRAY, BigInteger, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import JSONPATH, insert
from sqlalchemy.orm import Session

from shared import clock, trace
from shared.contract import Actor, Procedure
from shared.errors import Conflict
from shared.tables import Command

R = TypeVar("R")

KEPT = timedelta(hours=23)  # with the hour between two forgettings less than a day
# A person is told of by `customer_id`, or is the thing itself: an `id` beside a `cedula`
ABOUT = "$.** ? (@.customer_id == $ids[*] || (exists(@.cedula) && @.id == $ids[*]))"


def once(
    session: Session, procedure: Procedure[..., R], arguments: dict[str, Any], act: Callable[[], R]
) -> R:
    """Run `act` in the session's transaction, or give the reply it gave before for this key.

    Without a key it always acts. Raises Conflict when the key came with other arguments. Two
    calls at once: the second waits on the unique key until the first has committed. What is secret
    of a reply is not kept, and is not told again.
    """
    if (row := _row(procedure)) is None:
        return act()
    digest = _digest(procedure, arguments)
    claim = insert(Command).values(**row, arguments_hash=digest).on_conflict_do_nothing()
    if session.execute(claim.returning(Command.key)).first() is None:
        return procedure.decode_reply(_find_reply(session, row, digest))
    reply = act()
    stored = {"reply": procedure.encode_kept(reply)}
    session.execute(update(Command).filter_by(**row).values(reply=stored))
    return reply


@dataclass(frozen=True)
class Known(Generic[R]):
    """What a command with this key replied before; the reply itself may be None."""

    reply: R


def find(
    session: Session, procedure: Procedure[..., R], arguments: dict[str, Any]
) -> Known[R] | None:
    """The reply that was given for this key; None when it is new, or there is none.

    For a command that asks elsewhere before its transaction. Raises Conflict like `once`.
    """
    if (row := _row(procedure)) is None:
        return None
    known = select(Command.key).filter_by(**row)
    if session.execute(known).first() is None:
        return None
    digest = _digest(procedure, arguments)
    return Known(procedure.decode_reply(_find_reply(session, row, digest)))


def _row(procedure: Procedure[..., Any]) -> dict[str, str] | None:
    """The key of the caller's command, None without one."""
    key = trace.idempotency_key()
    if key is None:
        return None
    actor = trace.find_actor()
    return {
        "username": _asker(actor) if actor else "",
        "procedure": f"{procedure.service}.{procedure.name}",
        "key": key,
    }


def _asker(actor: Actor) -> str:
    """A user's keys are not those of a system that asks in the user's name."""
    return f"{actor.username} {actor.system}" if actor.system else actor.username


def _find_reply(session: Session, row: dict[str, str], digest: str) -> Any:
    found = session.execute(select(Command.arguments_hash, Command.reply).filter_by(**row)).one()
    if found.arguments_hash != digest:
        raise Conflict("Esta clave de idempotencia ya se usó con otros datos.")
    if found.reply is None:
        raise Conflict("Esto ya se hizo; su respuesta no se guarda más.")
    return found.reply["reply"]


def _digest(procedure: Procedure[..., Any], arguments: dict[str, Any]) -> str:
    """Tells other arguments apart; secrets are not among them, so that no hash leads to one."""
    text = json.dumps(procedure.open_arguments(arguments), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


# --- not for ever ---


def forget_old(session: Session) -> None:
    """Drop replies that nobody will ask for again; what they tell of people goes within a day."""
    session.execute(delete(Command).where(Command.at < clock.now() - KEPT))


def forget_people(session: Session, customer_ids: Iterable[int]) -> None:
    """Blank the replies that tell of people who asked to be forgotten; what was done stays done.

    One statement for all of them: an import that is undone erases five hundred at a time.
    """
    ids = func.jsonb_build_object("ids", func.to_jsonb(cast(list(customer_ids), ARRAY(BigInteger))))
    about = func.jsonb_path_exists(Command.reply, cast(ABOUT, JSONPATH), ids)
    session.execute(update(Command).where(about).values(reply=None))
