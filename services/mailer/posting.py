"""Sending one letter: marked before the mail server hears of it, written down after it answered."""

from typing import NamedTuple

from sqlalchemy.orm import Session

from services.mailer import contacts, letters, messages, servers, smtp
from services.mailer.models import ServiceMail
from services.mailer.smtp import INTERRUPTED, UNUSABLE, Answer, BarredError, Fate, Line
from shared import clock
from shared.contracts.mailer import RecipientState, SkipReason
from shared.db import sessions

ROOM = "mailer"
WAITS = (5, 60, 600, 600, 600, 600, 600, 600)  # an hour: a server that greylists, or is mended
_ENDS = {
    Fate.ACCEPTED: RecipientState.SENT,
    Fate.REFUSED: RecipientState.FAILED,
    Fate.UNKNOWN: RecipientState.DOUBTFUL,
}


class Sealed(NamedTuple):
    """A letter ready to be handed over."""

    email: str
    content: bytes


def send(letter_id: int) -> None:
    """Send a letter that is to be sent. Raises ConnectionError for one that is to wait.

    One that an earlier delivery left `sending` may be out: it becomes doubtful and is left alone.
    """
    sealed = _seal(letter_id)
    if sealed is None:
        return
    line = _open_line(letter_id)
    try:
        if _begin(letter_id):
            answer = line.send(messages.sender_address(), sealed.email, sealed.content)
            _write_down(letter_id, answer, lost=not line.is_open)
    finally:
        line.close()


def fail(reason: str, letter_id: int) -> None:
    """The job failed for good: so did the letter, in the server's words where it had any."""
    with sessions(ROOM).begin() as session:
        letter = letters.get_letter(session, letter_id)
        if letter.state is RecipientState.SENDING:
            letters.end(session, letter, RecipientState.DOUBTFUL, reason)
        elif letter.state is RecipientState.PENDING:
            letters.end(session, letter, RecipientState.FAILED, letter.reason or reason)


def _seal(letter_id: int) -> Sealed | None:
    """What is to be sent; None when it ends here."""
    with sessions(ROOM).begin() as session:
        letter = letters.get_letter(session, letter_id)
        if letter.state not in letters.OPEN or _ends_unsent(session, letter):
            return None
        address = letter.email or ""
        sealed = Sealed(address, messages.compose_letter(letter, address))
        waiting = servers.find_waiting(session, smtp.server_address())
        words = waiting.words if waiting else None
    if words is not None:
        raise _postpone(letter_id, words, lost=False)
    return sealed


def _ends_unsent(session: Session, letter: ServiceMail) -> bool:
    address = letter.email or ""
    if letter.state is RecipientState.SENDING:
        letters.end(session, letter, RecipientState.DOUBTFUL, INTERRUPTED.text)
    elif not address or not smtp.is_usable(address):
        letters.end(session, letter, RecipientState.FAILED, UNUSABLE.text)
    elif contacts.is_bouncing(session, letter.customer_id, address):
        letters.end(session, letter, RecipientState.SKIPPED, SkipReason.BOUNCED)
    return letter.state is not RecipientState.PENDING


def _open_line(letter_id: int) -> Line:
    try:
        return Line()
    except BarredError as error:
        raise _postpone(letter_id, str(error), lost=False) from None
    except OSError as error:
        raise _postpone(letter_id, str(error), lost=True) from None


def _begin(letter_id: int) -> bool:
    """Mark it; False when another delivery came first."""
    with sessions(ROOM).begin() as session:
        letter = letters.get_letter(session, letter_id)
        if letter.state is not RecipientState.PENDING:
            return False
        letter.state = RecipientState.SENDING
        letter.attempt += 1
    return True


def _write_down(letter_id: int, answer: Answer, *, lost: bool) -> None:
    if answer.fate not in _ENDS:
        raise _postpone(letter_id, answer.text, lost=lost)
    accepted = answer.fate is Fate.ACCEPTED
    with sessions(ROOM).begin() as session:
        if accepted:
            servers.note_success(session, smtp.server_address(), clock.now())
        letter = letters.get_letter(session, letter_id)
        letters.end(session, letter, _ENDS[answer.fate], None if accepted else answer.text)


def _postpone(letter_id: int, words: str, *, lost: bool) -> ConnectionError:
    """Keep the server's words on the letter and give what has the job come back, without them.

    They may quote the address, and errors are logged. `lost`: others leave the server alone too.
    """
    with sessions(ROOM).begin() as session:
        if lost:
            servers.note_failure(session, smtp.server_address(), words)
        letters.postpone(letters.get_letter(session, letter_id), words)
    return ConnectionError("the mail server took no letter")
