"""What a run may do in which state, what its campaign's phase does to it, when the monthly run is
due, and when a refused mail and a mail server that is away are tried again."""

import re
from calendar import monthrange
from datetime import datetime, timedelta
from enum import StrEnum

from shared.contracts.campaign import Phase
from shared.contracts.customer_query import Channel
from shared.contracts.mailer import MailingState
from shared.errors import Conflict, Invalid

S = MailingState
ENDED = frozenset({S.FINISHED, S.CANCELLED, S.FAILED})
ATTEMPTS = 3  # per recipient, whatever kept the mail from being taken
_WAITS = (timedelta(minutes=1), timedelta(minutes=10))  # after the first, the second refusal
BARRED_WAIT = timedelta(minutes=1)  # of the mail at which the server turned us away
SERVER_WAIT = timedelta(seconds=10)  # after a server's first failure; each further one doubles it
LONGEST_SERVER_WAIT = timedelta(minutes=5)
REFUSED_IN_A_ROW = 25  # mails, none accepted between: it is not the people
UNKNOWN_IN_A_ROW = 50  # where each is said to be about its address: a list may be a bad one
# No such mailbox or domain, moved, null MX, disabled, full (RFC 3463, RFC 7505)
_ABOUT_ADDRESS = re.compile(r"5\d\d[ -]5\.(1\.([1236]|10)|2\.[12])\b")
_LATE = timedelta(minutes=5)  # a form may lie open for a while

_ALLOWED = {
    "pause": (frozenset({S.SENDING, S.SCHEDULED}), "Solo se pausa un envío en curso o programado."),
    "resume": (frozenset({S.PAUSED}), "Solo se reanuda un envío pausado."),
    "cancel": (frozenset(S) - ENDED, "El envío ya terminó."),
    "retry": (ENDED, "Solo se reintenta un envío que ya terminó."),
}
_ENDING = frozenset({Phase.CLOSING, Phase.FINISHED, Phase.CANCELLED})
HOLDING = _ENDING | {Phase.PAUSED}  # nothing is sent for a campaign in one of these


class Pauser(StrEnum):
    """Who paused a run: what a campaign paused goes on with it, the rest waits for a person."""

    PERSON = "person"
    CAMPAIGN = "campaign"
    PRODUCT = "product"  # it cannot go on by itself; the run's `error` says why


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


def state_by_phase(phase: Phase, state: MailingState, pauser: str | None) -> MailingState | None:
    """What a campaign that moved to this phase makes of a run; None: it stays as it is.

    `SENDING` stands for going on, which for a run with a time to come is waiting for it.
    """
    if phase in _ENDING and state not in ENDED:
        return S.CANCELLED
    if phase is Phase.PAUSED and state in (S.SENDING, S.SCHEDULED):
        return S.PAUSED
    goes_on = phase is Phase.EXECUTING and state == S.PAUSED and pauser == Pauser.CAMPAIGN
    return S.SENDING if goes_on else None


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
    """The present month once its day and hour have come, also when late; None before.

    In a month without that day it is the last.
    """
    last = monthrange(local.year, local.month)[1]
    due = (min(day, last), hour)
    return month_of(local) if (local.day, local.hour) >= due else None


def check_month(month: str, local: datetime) -> None:
    """Raises Invalid for a month to come, and for one that is over."""
    if month > month_of(local):
        raise Invalid.field("month", "Ese mes todavía no llega.")
    if month < month_of(local):
        raise Invalid.field("month", "Ese mes ya pasó. Solo se ejecuta el envío del mes presente.")


def retry_at(attempt: int, now: datetime) -> datetime | None:
    """When to try again after refusal number `attempt`; None when it was the last."""
    return now + _WAITS[attempt - 1] if attempt < ATTEMPTS else None


def server_wait(failures: int) -> timedelta:
    """How long to leave a mail server alone after so many failures in a row."""
    return min(SERVER_WAIT * (1 << min(failures - 1, 10)), LONGEST_SERVER_WAIT)


def is_about_address(words: str) -> bool:
    """Whether a refusal is, by its code, about this one address."""
    return _ABOUT_ADDRESS.match(words) is not None


def refused_limit(words: str) -> int:
    """How many refusals in a row are too many, by the words of the last.

    A server that knows nobody at all is broken, or the list is none: either way a person looks.
    """
    return UNKNOWN_IN_A_ROW if is_about_address(words) else REFUSED_IN_A_ROW


def seconds_left(pending: int, per_second: float | None) -> int | None:
    """Time to the end at the measured rate, in whole seconds."""
    return round(pending / per_second) if per_second else None


def mask(email: str) -> str:
    """`m…@correo.example`: enough to know one's own address, not to learn another's."""
    local, _, domain = email.partition("@")
    return f"{local[:1]}…@{domain}"
