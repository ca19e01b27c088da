"""mailer's SQL on runs: their states, what moves them, their counts."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.mailer import campaigns, ledger, rules
from services.mailer.models import Mailing, MailingCount
from services.mailer.rules import Pauser
from shared import clock, keyset, notices, outbox, transfer
from shared.contract import Slice
from shared.contracts import mailer as contract
from shared.contracts.campaign import Phase
from shared.contracts.mailer import MailingState, RecipientState, SkipReason
from shared.errors import Conflict, NotFound

_RATE_FRESH = timedelta(seconds=10)
_WITH_CAMPAIGN = "La campaña no está en ejecución. El envío continúa cuando ella continúe."
_MEASURE = timedelta(seconds=1)
SHOWN = contract.Mailing.model_fields.keys() & set(Mailing.__table__.columns.keys())


def get_mailing(session: Session, mailing_id: int, *, lock: bool = False) -> Mailing:
    """One run, its row locked when asked. Raises NotFound."""
    found = session.get(Mailing, mailing_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise NotFound("El envío no existe.")
    return found


def find_by_transfer(session: Session, transfer_id: UUID, *, lock: bool = False) -> Mailing | None:
    """The run of a transfer, its row locked when asked."""
    query = select(Mailing).filter_by(transfer_id=transfer_id)
    return session.execute(query.with_for_update() if lock else query).scalar_one_or_none()


def insert_mailing(session: Session, values: dict[str, Any]) -> Mailing | None:
    """A run that waits for its audience, asked of campaign; None when the month's run exists.

    A monthly run has the audience transferred anew from its segment.
    """
    row = insert(Mailing).values(transfer_id=uuid4(), state=MailingState.PREPARING, **values)
    mailing = session.execute(
        row.on_conflict_do_nothing(
            index_elements=["campaign_id", "month"], index_where=text("month IS NOT NULL")
        ).returning(Mailing)
    ).scalar_one_or_none()
    if mailing is not None:
        _request(session, mailing)
    return mailing


def _request(session: Session, mailing: Mailing) -> None:
    transfer.expect(session, mailing.transfer_id)
    outbox.add(
        session,
        contract.RecipientsRequested(
            transfer_id=mailing.transfer_id,
            campaign_id=mailing.campaign_id,
            refresh=mailing.month is not None,
            customer_ids=mailing.customer_ids,
        ),
    )


def prepare_anew(session: Session, mailing: Mailing) -> None:
    """Ask once more for the audience of a run that could not be prepared, held locked.

    It comes as a transfer of its own: what is left of the former one finds no run.
    """
    mailing.transfer_id = uuid4()
    mailing.target, mailing.finished_at = None, None
    set_state(session, mailing, MailingState.PREPARING)
    _request(session, mailing)


def find_month_run(session: Session, campaign_id: int, month: str) -> Mailing:
    """The monthly run that is there already, locked."""
    query = select(Mailing).filter_by(campaign_id=campaign_id, month=month)
    return session.execute(query.with_for_update()).scalar_one()


def set_state(
    session: Session, mailing: Mailing, state: MailingState, error: str | None = None
) -> None:
    """Move a run that is held locked, and announce it; `error` is what its page says."""
    now = clock.now()
    mailing.state, mailing.error, mailing.paused_by = state, error, None
    mailing.version += 1
    if state is MailingState.SENDING:
        mailing.started_at = mailing.started_at or now
        mailing.measured_at, mailing.per_second, mailing.finished_at = None, None, None
        mailing.refused_in_a_row = 0
    if state in rules.ENDED:
        mailing.finished_at = now
    session.flush()
    _tell_its_maker(session, mailing, state, error)
    outbox.add(
        session,
        contract.MailingChanged(
            mailing_id=mailing.id,
            campaign_id=mailing.campaign_id,
            state=state,
            target=mailing.target or 0,
            version=mailing.version,
        ),
    )


_TOLD = {
    MailingState.FINISHED: "Terminó el envío de {}",
    MailingState.FAILED: "No se pudo preparar el envío de {}",
    MailingState.PAUSED: "El envío de {} necesita de usted",  # with an error: nobody paused it
}


def _tell_its_maker(
    session: Session, mailing: Mailing, state: MailingState, error: str | None
) -> None:
    if state not in _TOLD or (state is MailingState.PAUSED and error in (None, _WITH_CAMPAIGN)):
        return
    notices.send(
        session,
        mailing.created_by,
        f"mailing:{mailing.id}:{state}:{mailing.version}",
        _TOLD[state].format(mailing.campaign_name),
        detail=error or "",
        link=f"/envios/{mailing.id}",
    )


def pause(session: Session, mailing: Mailing, pauser: Pauser, error: str | None = None) -> None:
    """Pause a run that is held locked; who did it decides what lets it go on."""
    set_state(session, mailing, MailingState.PAUSED, error)
    mailing.paused_by = pauser


def cancel(session: Session, mailing: Mailing) -> None:
    """End a run that is held locked; a job cancels its pending rows, however many they are."""
    set_state(session, mailing, MailingState.CANCELLED)
    outbox.add_job(session, "mailer.skip_cancelled", mailing.id)


def go_on(session: Session, mailing: Mailing) -> None:
    """Send, or wait for the time to send, with a run that is held locked and prepared."""
    set_state(session, mailing, rules.state_to_start(mailing.send_at, clock.now()))
    if mailing.state == MailingState.SENDING:
        outbox.add_job(session, "mailer.start_sending", mailing.id)


def start(session: Session, mailing: Mailing) -> None:
    """Go on with a run, held locked, unless the phase last heard of its campaign forbids it.

    A closing campaign may be executing again by now, which is then about to be heard; a finished
    one never will be.
    """
    phase = campaigns.find_holding(session, mailing.campaign_id)
    if phase in (Phase.FINISHED, Phase.CANCELLED):
        cancel(session, mailing)
    elif phase is not None:
        pause(session, mailing, Pauser.CAMPAIGN, _WITH_CAMPAIGN)
    else:
        go_on(session, mailing)


def fail(session: Session, mailing: Mailing, reason: str) -> None:
    """End a run that could not be prepared, held locked; a job drops what came of its audience."""
    set_state(session, mailing, MailingState.FAILED, reason)
    outbox.add_job(session, "mailer.forget_audience", str(mailing.transfer_id))


def list_mailings(
    session: Session, campaign_id: int | None, after: str | None, limit: int
) -> Slice[Mailing]:
    """Newest first."""
    query = select(Mailing)
    if campaign_id is not None:
        query = query.where(Mailing.campaign_id == campaign_id)
    return keyset.fetch(session, query, [Mailing.id.desc()], after, limit)


def list_in_state(session: Session, state: MailingState) -> list[Mailing]:
    """Runs that have not ended in a state: a handful."""
    query = select(Mailing).where(Mailing.state == state, Mailing.finished_at.is_(None))
    return list(session.execute(query.order_by(Mailing.id)).scalars())


def claim_due(session: Session, now: datetime) -> list[Mailing]:
    """Scheduled runs whose time has come, locked; those another one looks at are left out."""
    query = select(Mailing).where(
        Mailing.state == MailingState.SCHEDULED,
        Mailing.finished_at.is_(None),
        Mailing.send_at <= now,
    )
    return list(session.execute(query.with_for_update(skip_locked=True)).scalars())


def claim_open_of_campaign(session: Session, campaign_id: int) -> list[Mailing]:
    """A campaign's runs that have not ended, locked."""
    query = select(Mailing).where(Mailing.campaign_id == campaign_id, Mailing.finished_at.is_(None))
    return list(session.execute(query.order_by(Mailing.id).with_for_update()).scalars())


def list_half_cancelled(session: Session) -> list[int]:
    """Ids of cancelled runs with rows still pending, such as a dead sender's that came back.

    Those whose cancelling failed for good (`error`) wait for a person to cancel them again.
    """
    pending = (
        select(MailingCount.transfer_id)
        .where(MailingCount.state == contract.RecipientState.PENDING)
        .group_by(MailingCount.transfer_id)
        .having(func.sum(MailingCount.count) > 0)
    )
    query = select(Mailing.id).where(
        Mailing.state == MailingState.CANCELLED,
        Mailing.error.is_(None),
        Mailing.transfer_id.in_(pending),
    )
    return list(session.execute(query.order_by(Mailing.id)).scalars())


# --- going on ---


def may_send(session: Session, mailing: Mailing) -> bool:
    """Whether the run sends, and its campaign has it do so."""
    sending = mailing.state == MailingState.SENDING
    return sending and campaigns.find_holding(session, mailing.campaign_id) is None


def follow(session: Session, mailing: Mailing, phase: Phase) -> None:
    """Do to a run, held locked, what its campaign's move to this phase means for it."""
    state = rules.state_by_phase(phase, mailing.state, mailing.paused_by)
    if state is MailingState.CANCELLED:
        cancel(session, mailing)
    elif state is MailingState.PAUSED:
        pause(session, mailing, Pauser.CAMPAIGN, _WITH_CAMPAIGN)
    elif state is not None:
        go_on(session, mailing)


def retry(session: Session, mailing: Mailing, states: list[contract.RecipientState]) -> None:
    """Begin an ended run once more, held locked: the rows in these states, or its preparation.

    Raises Conflict when there is nobody left to be tried again.
    """
    if mailing.state == MailingState.FAILED:
        prepare_anew(session, mailing)
    elif ledger.retry(session, mailing.transfer_id, states):
        go_on(session, mailing)
    else:
        raise Conflict("No hay correos por reintentar en este envío.")


# --- counts ---


class Counts:
    """The ledger of one run by state, the skipped by reason."""

    def __init__(self, rows: Iterable[tuple[RecipientState, str, int]]) -> None:
        self.by_state: Counter[RecipientState] = Counter()
        self.skipped: Counter[SkipReason] = Counter()
        for state, reason, count in rows:
            if state is RecipientState.SKIPPED:
                self.skipped[SkipReason(reason)] += count
            else:
                self.by_state[state] += count

    @property
    def total(self) -> int:
        """All rows."""
        return self.by_state.total() + self.skipped.total()

    @property
    def unfinished(self) -> int:
        """Rows that have yet to reach a final state."""
        return self.by_state[RecipientState.PENDING] + self.by_state[RecipientState.SENDING]


def count_by_state(session: Session, transfer_ids: Iterable[UUID]) -> dict[UUID, Counts]:
    """Counts of runs, from the sums the ledger's trigger keeps: a few rows a run at any size."""
    ids = list(transfer_ids)
    rows: dict[UUID, list[tuple[RecipientState, str, int]]] = {
        transfer_id: [] for transfer_id in ids
    }
    query = (
        select(
            MailingCount.transfer_id,
            MailingCount.state,
            MailingCount.reason,
            func.sum(MailingCount.count),
        )
        .where(MailingCount.transfer_id.in_(ids))
        .group_by(MailingCount.transfer_id, MailingCount.state, MailingCount.reason)
        .having(func.sum(MailingCount.count) != 0)
    )
    for transfer_id, state, reason, count in session.execute(query):
        rows[transfer_id].append((state, reason, int(count)))
    return {transfer_id: Counts(found) for transfer_id, found in rows.items()}


def measure(session: Session, transfer_id: UUID) -> None:
    """Keep the run's rate by what was done since the last measure, at least a second ago."""
    now = clock.now()
    mailing = session.execute(
        select(Mailing).filter_by(transfer_id=transfer_id).with_for_update(skip_locked=True)
    ).scalar_one_or_none()
    if mailing is None or (mailing.measured_at and now - mailing.measured_at < _MEASURE):
        return
    counts = count_by_state(session, [transfer_id])[transfer_id]
    done = counts.total - counts.unfinished
    if mailing.measured_at is not None:
        seconds = (now - mailing.measured_at).total_seconds()
        mailing.per_second = max(0.0, done - mailing.measured_done) / seconds
    mailing.measured_at, mailing.measured_done = now, done


def set_error(session: Session, transfer_id: UUID, error: str | None) -> None:
    """Say on the run's page what it waits for; None when it goes on."""
    session.execute(
        update(Mailing)
        .where(
            Mailing.transfer_id == transfer_id,
            Mailing.state == MailingState.SENDING,  # a sender may be the last to hear of an end
            Mailing.error.is_distinct_from(error),
        )
        .values(error=error)
    )


def count_refused(session: Session, transfer_id: UUID, refused: int, *, anew: bool) -> int:
    """Refusals in a row in the run, with these further ones; `anew`: one was taken before them."""
    mine = Mailing.transfer_id == transfer_id
    if not refused and not anew:
        return session.execute(select(Mailing.refused_in_a_row).where(mine)).scalar_one()
    count = refused if anew else Mailing.refused_in_a_row + refused
    changed = update(Mailing).where(mine).values(refused_in_a_row=count)
    return session.execute(changed.returning(Mailing.refused_in_a_row)).scalar_one()


def to_contract(mailing: Mailing, counts: Counts) -> contract.Mailing:
    """A run with its counts; the target of one that is loading is what has come so far."""
    rate = _fresh_rate(mailing)
    shown = {name: getattr(mailing, name) for name in SHOWN - {"target", "per_second"}}
    return contract.Mailing(
        **shown,
        target=counts.total if mailing.target is None else mailing.target,
        pending=counts.by_state[RecipientState.PENDING],
        sending=counts.by_state[RecipientState.SENDING],
        sent=counts.by_state[RecipientState.SENT],
        failed=counts.by_state[RecipientState.FAILED],
        skipped=dict(counts.skipped),
        doubtful=counts.by_state[RecipientState.DOUBTFUL],
        cancelled=counts.by_state[RecipientState.CANCELLED],
        per_second=rate,
        seconds_left=rules.seconds_left(counts.unfinished, rate),
    )


def _fresh_rate(mailing: Mailing) -> float | None:
    if mailing.state != MailingState.SENDING or mailing.measured_at is None:
        return None
    return mailing.per_second if clock.now() - mailing.measured_at < _RATE_FRESH else None
