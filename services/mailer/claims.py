"""mailer's SQL on how a sender moves the rows of the ledger.

A sender claims rows (they stay `pending`, in its name), marks each `sending` just before it talks
to the mail server, and writes the outcome with the mark of the next. Every change is guarded by
the claim, so a sender that was given up for dead changes nothing any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, or_, select, text
from sqlalchemy.orm import Session

from services.mailer import rules
from services.mailer.models import Recipient
from shared import clock
from shared.contracts.mailer import RecipientState
from shared.settings import settings

ELSEWHERE_WAIT = timedelta(seconds=30)  # for what becomes of a mail of another run
_CAP_LOCK = 7_277_001  # any number that nothing else in this database locks by
_HOLDING = [phase.value for phase in rules.HOLDING]

# `done`: touches in the time of the cap. `flying`: mails other runs have claimed for the person,
# which are no touch yet and may become one; with them at the cap, the row waits and is judged anew.
_CLAIM = text("""
    WITH picked AS (
        SELECT customer_id FROM recipient
        WHERE transfer_id = :transfer_id AND state = 'pending' AND claimed_by IS NULL
            AND (retry_at IS NULL OR retry_at <= :now)
        ORDER BY attempt, customer_id LIMIT :limit FOR UPDATE SKIP LOCKED
    ), counted AS (
        SELECT p.customer_id, elsewhere.flying, elsewhere.sent + (
            SELECT count(*) FROM contact c
            WHERE c.customer_id = p.customer_id AND c.at > :cap_from
        ) AS done
        FROM picked p CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE o.claimed_by IS NOT NULL) AS flying,
                count(*) FILTER (WHERE o.claimed_by IS NULL) AS sent
            FROM recipient o WHERE o.customer_id = p.customer_id
                AND (o.claimed_by IS NOT NULL OR (o.state = 'sent' AND NOT o.reported))
        ) AS elsewhere
    ), judged AS (
        SELECT c.customer_id, c.done + c.flying >= :cap AS waits,
            CASE
                WHEN s.unsubscribed THEN 'unsubscribed'
                WHEN s.mail_block IS NOT NULL THEN s.mail_block
                WHEN c.done >= :cap THEN 'over_cap'
            END AS skip
        FROM counted c LEFT JOIN contact_state s USING (customer_id)
    )
    UPDATE recipient r SET
        state = CASE WHEN j.skip IS NULL THEN 'pending' ELSE 'skipped' END,
        reason = coalesce(j.skip, r.reason),
        at = CASE WHEN j.skip IS NULL THEN r.at ELSE CAST(:now AS timestamptz) END,
        retry_at = CASE WHEN j.skip IS NULL AND j.waits THEN CAST(:later AS timestamptz) END,
        claimed_by = CASE WHEN j.skip IS NULL AND NOT j.waits THEN CAST(:sender_id AS uuid) END
    FROM judged j
    WHERE r.transfer_id = :transfer_id AND r.customer_id = j.customer_id
    RETURNING r.*
""")


@dataclass(frozen=True)
class Claim:
    """What a sender got: rows of its own, and how many it looked at (0: none are left)."""

    rows: Sequence[Row[Any]]
    seen: int


def claim(session: Session, transfer_id: UUID, sender_id: UUID, limit: int) -> Claim:
    """Take the next rows, those tried least first, and skip who may not be mailed any more.

    Suppression and the contact cap are looked up in the same statement; rows that another sender
    is taking are passed over, not waited for. One claim at a time looks at the cap, so that two
    runs never both find a person just below it.
    """
    session.execute(select(text("pg_advisory_xact_lock(:key)")), {"key": _CAP_LOCK})
    now = clock.now()
    values = {
        "transfer_id": transfer_id,
        "sender_id": sender_id,
        "limit": limit,
        "now": now,
        "later": now + ELSEWHERE_WAIT,
        **_cap(now),
    }
    rows = session.execute(_CLAIM, values).all()
    mine = [row for row in rows if row.claimed_by]
    return Claim(sorted(mine, key=lambda row: (row.attempt, row.customer_id)), len(rows))


def _cap(now: datetime) -> dict[str, Any]:
    days = timedelta(days=settings().contact_cap_days)
    return {"cap": settings().contact_cap, "cap_from": now - days}


@dataclass(frozen=True)
class Outcome:
    """What became of a row that was `sending`; `retry_at` only where it is pending again."""

    customer_id: int
    state: RecipientState
    reason: str | None
    at: datetime
    attempt: int  # how many it has had, this one with it if it counts
    retry_at: datetime | None = None


_OUTCOME = """
    UPDATE recipient SET state = :state, reason = :reason, at = :at, retry_at = :retry_at,
        attempt = :attempt, claimed_by = NULL
    WHERE transfer_id = :transfer_id AND customer_id = :customer_id AND claimed_by = :sender_id
        AND state = 'sending'
"""
# The run, its campaign and the cap are looked at here once more: this is the moment of the touch.
_MARK = """
    UPDATE recipient SET state = 'sending', attempt = attempt + 1
    WHERE transfer_id = :transfer_id AND customer_id = :next_id AND claimed_by = :sender_id
        AND state = 'pending'
        AND EXISTS (
            SELECT FROM mailing m LEFT JOIN campaign c USING (campaign_id)
            WHERE m.transfer_id = :transfer_id AND m.state = 'sending'
                AND NOT coalesce(c.phase = ANY(:holding), false)
        )
        AND :cap > (
            SELECT count(*) FROM contact WHERE customer_id = :next_id AND at > :cap_from
        )
    RETURNING email
"""
# This one commit waits for the disk, and with it all marks before it: whatever crashes afterwards,
# nobody but those in `begun` has been begun, and the outcomes before are known.
_REACH = """
    UPDATE sender SET begun = :begun, alive_until = :alive_until
    WHERE id = :sender_id AND set_config('synchronous_commit', 'on', true) = 'on'
"""
_SET_OUTCOME = text(_OUTCOME)
_MARK_NEXT = text(_MARK)
_SET_OUTCOME_AND_MARK_NEXT = text(f"WITH done AS ({_OUTCOME}) {_MARK}")
_REACH_AND_MARK_NEXT = text(f"WITH reach AS ({_REACH}) {_MARK}")
_SET_OUTCOME_REACH_AND_MARK_NEXT = text(f"WITH done AS ({_OUTCOME}), reach AS ({_REACH}) {_MARK}")


@dataclass(frozen=True)
class Marks:
    """A sender's marks on its rows, on a connection on which each statement commits at once."""

    connection: Connection
    transfer_id: UUID
    sender_id: UUID

    def finish(self, done: Outcome) -> None:
        """Write the outcome of one mail."""
        self.connection.execute(_SET_OUTCOME, self._values() | done.__dict__)

    def begin(
        self,
        next_id: int,
        *,
        done: Outcome | None = None,
        begun: list[int] | None = None,
        alive_until: datetime | None = None,
    ) -> str | None:
        """Mark a row `sending` and write the outcome of the one before, in one statement.

        With `begun` it is on disk, with all before it, that nobody but these customers may be
        begun. Returns the address; None when nothing may be sent there: the run or its campaign
        is not sending any more, the person was reached elsewhere, or the row is not the sender's.
        """
        values = self._values() | _cap(clock.now()) | {"next_id": next_id, "holding": _HOLDING}
        if done is not None:
            values |= done.__dict__
        if begun is not None:
            values |= {"begun": begun, "alive_until": alive_until}
        statement = _STATEMENTS[done is not None, begun is not None]
        address: str | None = self.connection.execute(statement, values).scalar()
        return address

    def _values(self) -> dict[str, Any]:
        return {"transfer_id": self.transfer_id, "sender_id": self.sender_id}


_STATEMENTS = {
    (False, False): _MARK_NEXT,
    (True, False): _SET_OUTCOME_AND_MARK_NEXT,
    (False, True): _REACH_AND_MARK_NEXT,
    (True, True): _SET_OUTCOME_REACH_AND_MARK_NEXT,
}


def has_work(session: Session, transfer_id: UUID) -> bool:
    """Whether a row waits to be claimed now."""
    query = select(Recipient.customer_id).where(
        Recipient.transfer_id == transfer_id,
        Recipient.state == RecipientState.PENDING,
        Recipient.claimed_by.is_(None),
        or_(Recipient.retry_at.is_(None), Recipient.retry_at <= clock.now()),
    )
    return session.execute(query.limit(1)).first() is not None
