"""What a call's result changes: the call, the person on the list, the calendar."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from services.telemarketing import assignments, calls, contacts, leases, rules
from services.telemarketing.models import Call, Lease, Target, TargetState
from shared.clock import GUAYAQUIL
from shared.contracts.customer_query import Block
from shared.contracts.telemarketing import CallRecorded, CallResult, NewCall
from shared.ecuador.dates import format_datetime
from shared.errors import Conflict, FieldError
from shared.settings import settings


def record(session: Session, lease: Lease, new: NewCall, now: datetime) -> Call:
    """Store a call and what follows from it. Raises Conflict, Invalid on `callback_at`.

    The note is what was sent, else what was saved while it was typed.
    """
    if new.result is CallResult.DO_NOT_CALL:
        contacts.set_refused(session, lease.customer_id)
    target = leases.get_leased(session, lease)
    follows = rules.consequence(new.result, new.callback_at, target.attempts + 1, now)
    rules.check_lawful(follows.callback_at, settings().calling_hours, GUAYAQUIL)
    if target.held == Block.DO_NOT_CONTACT:  # said to somebody else while this call went on
        follows = rules.Consequence(done=True, next_at=now, callback_at=None)
    call = calls.insert_call(
        session,
        {
            "lease_id": lease.id,
            "campaign_id": lease.campaign_id,
            "customer_id": lease.customer_id,
            "customer_name": target.full_name,
            "advisor": lease.advisor,
            "result": new.result,
            "note": new.note.strip() or target.note,
            "callback_at": follows.callback_at,
            "at": now,
            "seconds": int((now - lease.at).total_seconds()),
        },
    )
    if new.result is CallResult.DO_NOT_CALL:
        assignments.end_everywhere(session, call.customer_id, now)
    _move_on(session, target, lease, follows)
    calls.set_callbacks_done(session, call.campaign_id, call.customer_id)
    if follows.callback_at is not None:
        calls.insert_callback(session, call)
    if rules.MEANINGS[new.result].contacted:
        contacts.insert_contacts(session, [(call.customer_id, now)])
    return call


def check_same(call: Call, new: NewCall) -> None:
    """What comes a second time for a lease is what was recorded. Raises Conflict, which says it.

    A callback that was dropped because the person wants no calls counts as the one that was sent.
    """
    told = {"result": call.result is not new.result}
    told["callback_at"] = call.callback_at is not None and call.callback_at != new.callback_at
    if not any(told.values()):
        return
    shown = {
        "result": f"Consta «{call.result.word}».",
        "callback_at": f"Consta {_shown(call.callback_at)}.",
    }
    raise recorded(
        call, [FieldError(name, shown[name]) for name, differs in told.items() if differs]
    )


def recorded(call: Call, fields: Sequence[FieldError] = ()) -> Conflict:
    """That the lease's call is over, and how it ended."""
    word, at = call.result.word, format_datetime(call.at)
    return Conflict(
        f"Esta llamada ya se registró como «{word}» ({at}). Pida el siguiente cliente.",
        list(fields),
    )


def _shown(moment: datetime | None) -> str:
    return format_datetime(moment) if moment else "sin fecha"


def _move_on(session: Session, target: Target, lease: Lease, follows: rules.Consequence) -> None:
    target.attempts += 1
    target.state = TargetState.DONE if follows.done else TargetState.OPEN
    target.next_at, target.callback_at = follows.next_at, follows.callback_at
    target.note, target.over_cap = "", False
    leases.end(session, target, lease)


def announcement(call: Call, campaign_name: str) -> CallRecorded:
    """The call as the other rooms hear of it."""
    meaning = rules.MEANINGS[call.result]
    told = CallRecorded.model_fields.keys() & call.__table__.columns.keys()
    return CallRecorded(
        **{name: getattr(call, name) for name in told},
        call_id=call.id,
        campaign_name=campaign_name,
        label=meaning.label,
        contacted=meaning.contacted,
        success=meaning.success,
    )
