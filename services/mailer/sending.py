"""A stretch of sending: claim, mark, send, write down, again, until the time is over.

In flight is at most one mail per connection. Before the mail server hears of a mail its row is
`sending`; its outcome is written with the mark of the next, in one statement. These statements do
not wait for the disk (`synchronous_commit` off): a killed sender loses nothing by that, and should
PostgreSQL itself be killed, this sender still knows what it did (`settle`) or, were it gone too,
nothing of its claim counts as sure (`claims.bury_dead_senders`).
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import OperationalError

from services.mailer import claims, ledger, mailings, messages, rules
from services.mailer.claims import LEASE, Outcome
from services.mailer.messages import Letter
from services.mailer.smtp import UNUSABLE, Answer, Fate, Line, is_usable
from shared import clock, log
from shared.contracts.mailer import MailingState, RecipientState
from shared.db import sessions
from shared.settings import settings

ROOM = "mailer"
CLAIM_ROWS = 200
SLICE_SECONDS = 5.0  # then other jobs have their turn
REPORT_SECONDS = 0.5
_RETRY_SECONDS = 0.5
logger = log.get(__name__)


class Stretch:
    """One sender's turn on one run."""

    def __init__(self, letter: Letter, line: Line) -> None:
        self.id = uuid4()
        self._letter = letter
        self._line = line
        self._unsure: list[Outcome] = []  # not yet known to be on disk
        self._reported_at = time.monotonic()
        self._pace = Pace()

    def run(self) -> None:
        """Send until the slice is over, nothing is left, the run stops or the line breaks.

        Raises OperationalError when the database stays away; what was sent is written down first
        if it comes back within the lease.
        """
        try:
            self._send_claims(time.monotonic() + SLICE_SECONDS)
        except OperationalError:
            self._settle()
            raise
        finally:
            self._line.close()

    def _send_claims(self, end: float) -> None:
        with _marking() as connection:
            while time.monotonic() < end and self._line.is_open:
                claim = self._claim()
                if claim.seen == 0 or not self._send_all(connection, claim.rows, end):
                    break
        self._leave()

    def _claim(self) -> claims.Claim:
        with sessions(ROOM).begin() as session:
            claims.begin_claim(session, self._letter.transfer_id, self.id)
            return claims.claim(session, self._letter.transfer_id, self.id, CLAIM_ROWS)

    def _send_all(self, connection: Connection, rows: Sequence[Row[Any]], end: float) -> bool:
        """Send a claim's rows; False when the run is no longer to be sent or the time is over."""
        done: Outcome | None = None
        goes_on = True
        for row in rows:
            address = self._mark(connection, done, row.customer_id)
            done = self._send(row, address) if address else None
            goes_on = self._line.is_open and time.monotonic() < end
            if not goes_on or (done is None and not self._is_sending()):
                goes_on = False
                break
        if done is not None:
            self._mark(connection, done, None)
        self._report()
        return goes_on

    def _mark(
        self, connection: Connection, done: Outcome | None, next_id: int | None
    ) -> str | None:
        return claims.mark(connection, self._letter.transfer_id, self.id, done, next_id)

    def _send(self, row: Row[Any], address: str) -> Outcome:
        self._pace.wait()
        outcome = judge(row.customer_id, row.attempt + 1, self._hand_over(row, address))
        self._unsure.append(outcome)
        if time.monotonic() - self._reported_at > REPORT_SECONDS:
            self._report()
        return outcome

    def _hand_over(self, row: Row[Any], address: str) -> Answer:
        if not is_usable(address):
            return UNUSABLE
        content = messages.compose(self._letter, row, row.customer_id, address)
        return self._line.send(messages.sender_address(), address, content)

    def _report(self) -> None:
        """Tell of what is done. This commit waits for the disk, and so do all marks before it."""
        transfer_id = self._letter.transfer_id
        with sessions(ROOM).begin() as session:
            claims.keep_alive(session, self.id)
            ledger.report(session, mailings.get_mailing(session, self._letter.mailing_id))
            mailings.measure(session, transfer_id)
            self._pace.share(claims.count_alive(session, transfer_id))
        self._unsure = self._unsure[-1:]  # the last one's outcome is still to be marked
        self._reported_at = time.monotonic()

    def _is_sending(self) -> bool:
        with sessions(ROOM).begin() as session:
            mailing = mailings.get_mailing(session, self._letter.mailing_id)
            return mailing.state == MailingState.SENDING

    def _leave(self) -> None:
        with sessions(ROOM).begin() as session:
            claims.release(session, self.id)
            claims.end_sender(session, self.id)

    def _settle(self) -> None:
        """Write down again what a crash of the database may have undone, while we still may."""
        end = time.monotonic() + LEASE.total_seconds()
        while time.monotonic() < end:
            try:
                with sessions(ROOM).begin() as session:
                    claims.settle(session, self._letter.transfer_id, self.id, self._unsure)
                    claims.end_sender(session, self.id)
            except OperationalError:
                time.sleep(_RETRY_SECONDS)
            else:
                return
        logger.error("outcomes left to the sweeper", sender=str(self.id))


class Pace:
    """Holds back to the rate of the settings, shared by the senders of a run."""

    def __init__(self) -> None:
        self._rate = settings().mail_rate_per_second
        self._senders = 1
        self._next = time.monotonic()

    def share(self, senders: int) -> None:
        """How many send at present."""
        self._senders = max(1, senders)

    def wait(self) -> None:
        """Until the next mail may go."""
        if not self._rate:
            return
        now = time.monotonic()
        time.sleep(max(0.0, self._next - now))
        self._next = max(now, self._next) + self._senders / self._rate


def judge(customer_id: int, attempt: int, answer: Answer) -> Outcome:
    """What an answer makes of a row; `attempt` counts from 1."""
    now = clock.now()
    if answer.fate is Fate.ACCEPTED:
        return Outcome(customer_id, RecipientState.SENT, None, now)
    if answer.fate is Fate.UNKNOWN:
        return Outcome(customer_id, RecipientState.DOUBTFUL, answer.text, now)
    if answer.fate is Fate.NOT_SENT:
        return Outcome(customer_id, RecipientState.PENDING, None, now)
    later = rules.retry_at(attempt, now) if answer.fate is Fate.POSTPONED else None
    state = RecipientState.PENDING if later else RecipientState.FAILED
    return Outcome(customer_id, state, answer.text, now, later)


@contextmanager
def _marking() -> Iterator[Connection]:
    """A connection of its own on which each statement commits at once, without the disk."""
    engine = sessions(ROOM).kw["bind"]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()
        connection.execute(text("SET synchronous_commit TO off"))
        yield connection
