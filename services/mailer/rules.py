"""What a run may do in which state, when the monthly run is due, when a refusal is tried again."""

from datetime import datetime, timedelta

from shared.contracts.campaign import Phase
from shared.contracts.customer_query import Channel
from shared.contracts.mailer import MailingState
from shared.errors import Conflict, Invalid

S = MailingState
ENDED = frozenset({S.FINISHED, S.CANCELLED, S.FAILED})
ATTEMPTS = 3
_WAITS = (timedelta(minutes=1), timedelta(minutes=10))  # after the first, the second refusal
_LATE = timedelta(minutes=5)  # a form may lie open for a while

_ALLOWED = {
    "pause": (frozenset({S.SENDING, S.SCHEDULED}), "Solo se pausa un envío en curso o programado."),
    "resume": (frozenset({S.PAUSED}), "Solo se reanuda un envío en pausa."),
    "cancel": (frozenset(S) - ENDED, "El envío ya terminó."),
    "retry": (frozenset({S.FINISHED, S.CANCELLED}), "Solo se reintenta un envío que ya terminó."),
}


def check_allowed(action: str, state: MailingState) -> None:
    """Raises Conflict when a run in this state cannot be paused, resumed, cancelled, retried."""
    states, text = _ALLOWED[action]
    if state not in states:
        raise Conflict(text)


def check_campaign(phase: Phase, channels: list[Channel]) -> None:
    """Raises Conflict unless the campaign mails, and now."""
    if phase is not Phase.EXECUTING:
        raise Conflict("La campaña no está en ejecución: cambie su fase antes de enviar.")
    if Channel.MAIL not in channels:
        raise Conflict("La campaña no usa el correo: agregue ese canal antes de enviar.")


def check_send_at(send_at: datetime | None, now: datetime) -> None:
    """Raises Invalid for a time that has passed."""
    if send_at is not None and send_at < now - _LATE:
        raise Invalid.field("send_at", "Esa hora ya pasó. Elija una posterior o envíe ahora.")


def state_to_start(send_at: datetime | None, now: datetime) -> MailingState:
    """What a prepared or resumed run becomes."""
    return S.SCHEDULED if send_at is not None and send_at > now else S.SENDING


def month_of(local: datetime) -> str:
    """The month of a local time, as YYYY-MM."""
    return f"{local:%Y-%m}"


def due_month(local: datetime, day: int, hour: int) -> str | None:
    """The present month once its day and hour have come, also when late; None before."""
    return month_of(local) if (local.day, local.hour) >= (day, hour) else None


def check_month(month: str, local: datetime) -> None:
    """Raises Invalid for a month to come."""
    if month > month_of(local):
        raise Invalid.field("month", "Ese mes todavía no llega.")


def retry_at(attempt: int, now: datetime) -> datetime | None:
    """When to try again after refusal number `attempt`; None when it was the last."""
    return now + _WAITS[attempt - 1] if attempt < ATTEMPTS else None


def seconds_left(pending: int, per_second: float | None) -> int | None:
    """Time to the end at the measured rate, in whole seconds."""
    return round(pending / per_second) if per_second else None


def mask(email: str) -> str:
    """`m…@correo.example`: enough to know one's own address, not to learn another's."""
    local, _, domain = email.partition("@")
    return f"{local[:1]}…@{domain}"
