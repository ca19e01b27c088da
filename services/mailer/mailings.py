"""mailer's SQL on runs and on what is known of campaigns."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.mailer import rules
from services.mailer.models import Campaign, Mailing, MailingCount
from shared import clock, outbox, transfer
from shared.contracts import mailer as contract
from shared.contracts.campaign import CampaignBrief, CampaignChanged, Phase
from shared.contracts.customer_query import Channel
from shared.contracts.mailer import MailingState
from shared.errors import NotFound

_RATE_FRESH = timedelta(seconds=10)
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


def insert_mailing(
    session: Session, values: dict[str, Any], customer_ids: list[int] | None = None
) -> Mailing | None:
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
        transfer.expect(session, mailing.transfer_id)
        outbox.add(session, _request(mailing, customer_ids))
    return mailing


def _request(mailing: Mailing, customer_ids: list[int] | None) -> contract.RecipientsRequested:
    return contract.RecipientsRequested(
        transfer_id=mailing.transfer_id,
        campaign_id=mailing.campaign_id,
        refresh=mailing.month is not None,
        customer_ids=customer_ids,
    )


def find_month_run(session: Session, campaign_id: int, month: str) -> Mailing:
    """The monthly run that is there already."""
    query = select(Mailing).filter_by(campaign_id=campaign_id, month=month)
    return session.execute(query).scalar_one()


def set_state(session: Session, mailing: Mailing, state: MailingState) -> None:
    """Move a run that is held locked, and announce it."""
    now = clock.now()
    mailing.state = state
    if state is MailingState.SENDING:
        mailing.started_at = mailing.started_at or now
        mailing.measured_at, mailing.per_second, mailing.finished_at = None, None, None
    if state in rules.ENDED:
        mailing.finished_at = now
    session.flush()
    outbox.add(
        session,
        contract.MailingChanged(
            mailing_id=mailing.id,
            campaign_id=mailing.campaign_id,
            state=state,
            target=mailing.target or 0,
        ),
    )


def list_mailings(
    session: Session, campaign_id: int | None, after: int | None, limit: int
) -> list[Mailing]:
    """Newest first, those older than `after`."""
    query = select(Mailing).order_by(Mailing.id.desc()).limit(limit)
    if campaign_id is not None:
        query = query.where(Mailing.campaign_id == campaign_id)
    if after is not None:
        query = query.where(Mailing.id < after)
    return list(session.execute(query).scalars())


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


# --- counts ---


class Counts:
    """The ledger of one run by state, the skipped by reason."""

    def __init__(self, rows: Iterable[tuple[str, str, int]]) -> None:
        self.by_state: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        for state, reason, count in rows:
            if state == contract.RecipientState.SKIPPED:
                self.skipped[reason] += count
            else:
                self.by_state[state] += count

    @property
    def total(self) -> int:
        """All rows."""
        return self.by_state.total() + self.skipped.total()

    @property
    def unfinished(self) -> int:
        """Rows that have yet to reach a final state."""
        return self.by_state["pending"] + self.by_state["sending"]


def count_by_state(session: Session, transfer_ids: Iterable[UUID]) -> dict[UUID, Counts]:
    """Counts of runs, from the sums the ledger's trigger keeps: a few rows a run at any size."""
    ids = list(transfer_ids)
    rows: dict[UUID, list[tuple[str, str, int]]] = {transfer_id: [] for transfer_id in ids}
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
        .where(Mailing.transfer_id == transfer_id, Mailing.error.is_distinct_from(error))
        .values(error=error)
    )


def to_contract(mailing: Mailing, counts: Counts) -> contract.Mailing:
    """A run with its counts; the target of one that is loading is what has come so far."""
    rate = _fresh_rate(mailing)
    shown = {name: getattr(mailing, name) for name in SHOWN - {"target", "per_second"}}
    return contract.Mailing(
        **shown,
        target=counts.total if mailing.target is None else mailing.target,
        pending=counts.by_state["pending"],
        sending=counts.by_state["sending"],
        sent=counts.by_state["sent"],
        failed=counts.by_state["failed"],
        skipped=dict(counts.skipped),
        doubtful=counts.by_state["doubtful"],
        per_second=rate,
        seconds_left=rules.seconds_left(counts.unfinished, rate),
    )


def _fresh_rate(mailing: Mailing) -> float | None:
    if mailing.state != MailingState.SENDING or mailing.measured_at is None:
        return None
    return mailing.per_second if clock.now() - mailing.measured_at < _RATE_FRESH else None


# --- campaigns ---


def keep_campaign(session: Session, event: CampaignChanged) -> bool:
    """Keep what was announced; False when something newer is known."""
    values = event.campaign.model_dump(exclude={"script"}) | {"version": event.version}
    row = insert(Campaign).values(values)
    kept = session.execute(
        row.on_conflict_do_update(
            index_elements=["campaign_id"],
            set_={name: row.excluded[name] for name in values if name != "campaign_id"},
            where=Campaign.version < row.excluded.version,
        ).returning(Campaign.campaign_id)
    )
    return kept.first() is not None


def is_paused(session: Session, campaign_id: int) -> bool:
    """Whether the campaign was last heard to be paused."""
    known = session.get(Campaign, campaign_id)
    return known is not None and known.phase == Phase.PAUSED


def list_campaigns(session: Session, campaign_ids: list[int]) -> list[CampaignBrief]:
    """What is known of these campaigns."""
    query = select(Campaign).where(Campaign.campaign_id.in_(campaign_ids))
    return [
        CampaignBrief(
            campaign_id=row.campaign_id,
            name=row.name,
            phase=Phase(row.phase),
            channels=[Channel(item) for item in row.channels],
            design_id=row.design_id,
            mail_subject=row.mail_subject,
            script="",
        )
        for row in session.execute(query.order_by(Campaign.campaign_id)).scalars()
    ]
