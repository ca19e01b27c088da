"""A stretch of sending: claim, mark, send, write down, again, until the time is over.

In flight is at most one mail per connection. Before the mail server hears of a mail its row is
`sending`; its outcome is written with the mark of the next, in one statement. These statements do
not wait for the disk (`synchronous_commit` off) but for one in `REACH`: a killed sender loses
nothing by that, and should PostgreSQL itself crash, this sender still knows what it did (`_settle`)
or, were it gone too, no more than `REACH` rows are doubtful (`senders.bury_dead`).
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from services.mailer import claims, ledger, mailings, messages, rules, senders, servers
from services.mailer.claims import Marks, Outcome
from services.mailer.messages import Circular
from services.mailer.pace import Pace
from services.mailer.senders import LEASE, CrashedError, GoneError
from services.mailer.smtp import (
    INTERRUPTED,
    UNUSABLE,
    Answer,
    Fate,
    Line,
    is_usable,
    server_address,
)
from shared import clock, log
from shared.contracts.mailer import RecipientState, told
from shared.db import sessions

ROOM = "mailer"
CLAIM_ROWS = 200
REACH = 10  # mails between two commits that wait for the disk
SLICE_SECONDS = 5.0  # then other jobs have their turn
REPORT_SECONDS = 0.5
SETTLE_SECONDS = 300.0  # how long a sender waits for a database that went away
_RETRY_SECONDS = 0.5
_BARRED = "El servidor de correo no acepta nuestros correos. {} Corríjalo y reanude el envío."
_ALL_REFUSED = (
    "El servidor de correo rechazó {} correos seguidos sin aceptar ninguno. {} Revíselo con quien "
    "lo administra y las direcciones del público; después reanude el envío."
)
logger = log.get(__name__)


class Stretch:
    """One sender's turn on one run.

    Afterwards `lost` says why the mail server is to be left alone, `stuck` why the run needs a
    person; both are None when it went well.
    """

    def __init__(self, circular: Circular, line: Line) -> None:
        self.id = uuid4()
        self.lost: str | None = None
        self.stuck: str | None = None
        self._circular = circular
        self._line = line
        self._unsure: list[Outcome] = []  # not yet known to be on disk
        self._reported_at = time.monotonic()
        self._pace = Pace()
        self._refusals = Refusals()

    def run(self) -> None:
        """Send until the slice is over, nothing is left, the run stops or the line breaks.

        Whatever it raises, what was sent is written down first, if the database is there or
        comes back.
        """
        try:
            with _beating(self.id):
                self._send_claims(time.monotonic() + SLICE_SECONDS)
        except GoneError:
            logger.warning("sender given up for dead", sender=str(self.id))
        except CrashedError:
            self._settle()
        except BaseException:
            self._settle()
            raise
        finally:
            self._line.close()

    def _send_claims(self, end: float) -> None:
        with sessions(ROOM).begin() as session:
            senders.begin(session, self._circular.transfer_id, self.id)
        with _marking() as connection:
            marks = Marks(connection, self._circular.transfer_id, self.id)
            while self._goes_on:
                claim = self._claim()
                if claim.seen == 0 or not self._send_all(marks, claim.rows, end):
                    break
        with sessions(ROOM).begin() as session:
            senders.end(session, self.id)

    @property
    def _goes_on(self) -> bool:
        return self._line.is_open and self.stuck is None

    def _claim(self) -> claims.Claim:
        with sessions(ROOM).begin() as session:
            senders.renew(session, self.id)
            return claims.claim(session, self._circular.transfer_id, self.id, CLAIM_ROWS)

    def _send_all(self, marks: Marks, rows: Sequence[Row[Any]], end: float) -> bool:
        """Send a claim's rows; False when the run is no longer to be sent or the time is over."""
        done: Outcome | None = None
        goes_on = True
        for number, row in enumerate(rows):
            done = self._wait_for_turn(marks, done)
            address = self._begin(marks, rows, number, done)
            done = self._send(row, address) if address else None
            goes_on = self._goes_on and (done is not None or self._is_sending())
            if not goes_on or time.monotonic() > end:
                break
        if done is not None:
            marks.finish(done)
        self._report()
        return goes_on and time.monotonic() < end

    def _wait_for_turn(self, marks: Marks, done: Outcome | None) -> Outcome | None:
        """Keep to the rate, with nothing in flight meanwhile."""
        if done is not None and self._pace.has_to_wait:
            marks.finish(done)
            done = None
        self._pace.wait()
        return done

    def _begin(
        self, marks: Marks, rows: Sequence[Row[Any]], number: int, done: Outcome | None
    ) -> str | None:
        row = rows[number]
        if number % REACH:
            return marks.begin(row.customer_id, done=done)
        begun = [near.customer_id for near in rows[number : number + REACH]]
        alive_until = clock.now() + LEASE
        address = marks.begin(row.customer_id, done=done, begun=begun, alive_until=alive_until)
        self._unsure.clear()  # it waited for the disk
        return address

    def _send(self, row: Row[Any], address: str) -> Outcome:
        answer = self._hand_over(row, address)
        outcome = judge(row.customer_id, row.attempt + 1, answer)
        self._unsure.append(outcome)
        self._note(answer)
        late = time.monotonic() - self._reported_at > REPORT_SECONDS
        if late or self._refusals.are_too_many:
            self._report()
        return outcome

    def _hand_over(self, row: Row[Any], address: str) -> Answer:
        if not is_usable(address):
            return UNUSABLE
        content = messages.compose(self._circular, row, row.customer_id, address)
        try:
            return self._line.send(messages.sender_address(), address, content)
        except BaseException:  # such as the job's time limit, while the server has the mail
            self._unsure.append(judge(row.customer_id, row.attempt + 1, INTERRUPTED))
            raise

    def _note(self, answer: Answer) -> None:
        """What an answer means for the mails after it."""
        self._refusals.note(answer)
        if answer.fate is Fate.BARRED:
            self.stuck = barred(answer.text)
        elif not self._line.is_open:
            self.lost = answer.text

    def _report(self) -> None:
        """Tell of what is done. This commit waits for the disk."""
        transfer_id = self._circular.transfer_id
        with sessions(ROOM).begin() as session:
            senders.keep_alive(session, self.id)
            ledger.report(session, mailings.get_mailing(session, self._circular.mailing_id))
            mailings.measure(session, transfer_id)
            self._pace.share(senders.count_alive(session, transfer_id))
            self._report_refusals(session)
        self._reported_at = time.monotonic()

    def _report_refusals(self, session: Session) -> None:
        seen = self._refusals
        if seen.accepted_at is not None:
            servers.note_success(session, server_address(), seen.accepted_at)
        seen.before = mailings.count_refused(
            session, self._circular.transfer_id, seen.in_a_row, anew=seen.accepted_at is not None
        )
        seen.in_a_row, seen.accepted_at = 0, None
        if seen.are_too_many and self.stuck is None:
            self.stuck = _ALL_REFUSED.format(seen.total, told(seen.words))

    def _is_sending(self) -> bool:
        with sessions(ROOM).begin() as session:
            mailing = mailings.get_mailing(session, self._circular.mailing_id)
            return mailings.may_send(session, mailing)

    def _settle(self) -> None:
        """Write down again what a crash of the database may have undone."""
        end = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < end:
            try:
                with sessions(ROOM).begin() as session:
                    senders.settle(session, self._circular.transfer_id, self.id, self._unsure)
            except (OperationalError, InterfaceError):
                time.sleep(_RETRY_SECONDS)
            else:
                return
        logger.error("outcomes left to the sweeper", sender=str(self.id))


class Refusals:
    """Answers since the last report: how many refusals in a row, and whether a mail was taken."""

    def __init__(self) -> None:
        self.before = 0  # in a row in the run, as of the last report
        self.in_a_row = 0
        self.accepted_at: datetime | None = None
        self.words = ""

    @property
    def total(self) -> int:
        """In a row in the run, as far as this sender knows."""
        return self.before + self.in_a_row

    @property
    def are_too_many(self) -> bool:
        """Whether it is the server, or the whole list, rather than these people."""
        return bool(self.words) and self.total >= rules.refused_limit(self.words)

    def note(self, answer: Answer) -> None:
        """A mail taken begins the count anew."""
        if answer.fate is Fate.ACCEPTED:
            self.before, self.in_a_row, self.accepted_at = 0, 0, clock.now()
        elif answer.fate is Fate.REFUSED and answer is not UNUSABLE:
            self.in_a_row += 1
            self.words = answer.text


def barred(words: str) -> str:
    """Why a run is paused whose mail server will not have us."""
    return _BARRED.format(told(words))


def judge(customer_id: int, attempt: int, answer: Answer) -> Outcome:
    """What an answer makes of a row; `attempt` counts from 1."""
    now = clock.now()
    if answer.fate is Fate.ACCEPTED:
        return Outcome(customer_id, RecipientState.SENT, None, now, attempt)
    if answer.fate is Fate.UNKNOWN:
        return Outcome(customer_id, RecipientState.DOUBTFUL, answer.text, now, attempt)
    if answer.fate is Fate.BARRED:  # it is not about this person: others first, when it is mended
        mended = now + rules.BARRED_WAIT
        return Outcome(customer_id, RecipientState.PENDING, None, now, attempt - 1, mended)
    later = rules.retry_at(attempt, now) if answer.fate is Fate.POSTPONED else None
    state = RecipientState.PENDING if later else RecipientState.FAILED
    return Outcome(customer_id, state, answer.text, now, attempt, later)


@contextmanager
def _beating(sender_id: UUID) -> Iterator[None]:
    """Tell from a thread that the sender lives: RFC 5321 gives a server minutes for each answer.

    It dies with its process, and with it what it tells.
    """
    over = threading.Event()
    thread = threading.Thread(target=_beat, args=(sender_id, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _beat(sender_id: UUID, over: threading.Event) -> None:
    while not over.wait(senders.BEAT_SECONDS):
        with suppress(OperationalError, InterfaceError), sessions(ROOM).begin() as session:
            senders.keep_alive(session, sender_id)


@contextmanager
def _marking() -> Iterator[Connection]:
    """A connection of its own on which each statement commits at once, without the disk."""
    engine = sessions(ROOM).kw["bind"]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()
        connection.execute(text("SET synchronous_commit TO off"))
        yield connection
