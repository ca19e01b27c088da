"""telemarketing's SQL on whose turn it is: the queue of an advisor and the leases on people."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, func, insert, or_, select, text, update
from sqlalchemy.orm import Session

from services.telemarketing.models import CALLABLE, Call, Campaign, Lease, Target
from shared.contracts import telemarketing as contract
from shared.contracts.campaign import Phase
from shared.contracts.telemarketing import EmptyQueue
from shared.errors import Conflict, NotFound
from shared.settings import settings

_CALLABLE = text(CALLABLE)
_EXECUTING = Target.campaign_id.in_(
    select(Campaign.campaign_id).where(Campaign.phase == Phase.EXECUTING)
)


def lock_advisor(session: Session, advisor: str) -> None:
    """One at a time for each advisor: a double click gets the same person."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(advisor, 0))))


def find_running(session: Session, advisor: str, now: datetime) -> Target | None:
    """The person the advisor holds now."""
    query = select(Target).where(
        Target.lease_advisor == advisor, Target.lease_id.is_not(None), Target.lease_until > now
    )
    return session.execute(query.limit(1)).scalar_one_or_none()


def claim_next(session: Session, advisor: str, now: datetime) -> Target | None:
    """Lease the first of the advisor's queue: due callbacks, then the least tried.

    The order is that of `ix_call_target_queue`, so the scan ends at the first free row.
    """
    query = (
        select(Target)
        .where(*_callable_now(advisor, now))
        .order_by(Target.callback_at, Target.attempts, Target.next_at, Target.customer_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    target = session.execute(query).scalar_one_or_none()
    if target is not None:
        _lease(session, target, advisor, now)
    return target


def _callable_now(advisor: str, now: datetime) -> list[ColumnElement[bool]]:
    return [
        Target.advisor == advisor,
        _CALLABLE,  # type: ignore[list-item]  # a text clause, which SQLAlchemy takes as well
        Target.next_at <= now,
        or_(Target.lease_until.is_(None), Target.lease_until <= now),
        _EXECUTING,
    ]


def _lease(session: Session, target: Target, advisor: str, now: datetime) -> None:
    lease_id = uuid4()
    target.lease_id, target.lease_advisor = lease_id, advisor
    target.lease_until = now + timedelta(seconds=settings().lease_seconds)
    session.execute(
        insert(Lease).values(
            id=lease_id,
            campaign_id=target.campaign_id,
            customer_id=target.customer_id,
            advisor=advisor,
            at=now,
        )
    )


def get_lease(session: Session, lease_id: UUID, advisor: str) -> Lease:
    """An advisor's own lease, running or not. Raises NotFound; Conflict for another's."""
    found = session.get(Lease, lease_id)
    if found is None:
        raise NotFound("Esta atención no existe.")
    if found.advisor != advisor:
        raise Conflict("Esta atención es de otro asesor.")
    return found


def get_leased(session: Session, lease: Lease) -> Target:
    """The person of a lease, locked, as long as nobody else took or called that person since.

    A lease whose time is over still counts until then. Raises Conflict.
    """
    target = session.get(
        Target, (lease.campaign_id, lease.customer_id), with_for_update=True, populate_existing=True
    )
    if target is None or target.lease_id != lease.id:
        raise Conflict("Esta atención ya terminó: pida el siguiente cliente.")
    return target


def end(target: Target) -> None:
    """Nobody holds this person any more."""
    target.lease_id = target.lease_advisor = target.lease_until = None


def release(session: Session, lease: Lease) -> None:
    """Give a person back; when the lease is over nothing happens."""
    target = session.get(Target, (lease.campaign_id, lease.customer_id), with_for_update=True)
    if target is not None and target.lease_id == lease.id:
        end(target)


def set_note(session: Session, lease_id: UUID, note: str) -> bool:
    """Keep what is typed; False when the lease is over."""
    saved = session.execute(
        update(Target).where(Target.lease_id == lease_id).values(note=note).returning(Target.note)
    )
    return saved.first() is not None


# --- what is left ---


def is_somebody_next(session: Session, advisor: str, now: datetime) -> bool:
    """Whether the queue has somebody who can be called now."""
    first = select(Target.customer_id).where(*_callable_now(advisor, now)).limit(1)
    return session.execute(first).first() is not None


def explain_empty(session: Session, advisor: str) -> tuple[int, EmptyQueue, datetime | None]:
    """Open people of the advisor, why nobody of them can be called now, and from when on."""
    free_at = func.greatest(Target.next_at, Target.lease_until)  # it leaves nulls out
    query = select(
        func.count(), func.count().filter(_EXECUTING), func.min(free_at).filter(_EXECUTING)
    ).where(Target.advisor == advisor, _CALLABLE)
    still_open, executing, next_at = session.execute(query).one()
    if executing:
        return still_open, EmptyQueue.WAITING, next_at
    if still_open:
        return still_open, EmptyQueue.NOT_EXECUTING, None
    has_called = session.execute(select(Call.id).filter_by(advisor=advisor).limit(1)).first()
    return 0, EmptyQueue.FINISHED if has_called else EmptyQueue.NOTHING_ASSIGNED, None


def count_open(session: Session, advisor: str) -> int:
    """People the advisor still has to call, in the campaigns that execute now."""
    query = (
        select(func.count())
        .select_from(Target)
        .where(Target.advisor == advisor, _CALLABLE, _EXECUTING)
    )
    return session.execute(query).scalar_one()


def to_contract(target: Target, campaign_name: str, script: str) -> contract.Lease:
    """A person who is leased, as the advisor sees them."""
    shown = contract.CallCustomer.model_fields.keys() - {"phone"}
    person = contract.CallCustomer(
        **{name: getattr(target, name) for name in shown}, phone=target.phone or ""
    )
    return contract.Lease(
        lease_id=target.lease_id,
        expires_at=target.lease_until,
        customer=person,
        campaign_id=target.campaign_id,
        campaign=campaign_name,
        script=script,
        attempts=target.attempts,
        note=target.note,
        callback_at=target.callback_at,
    )
