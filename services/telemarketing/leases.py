"""telemarketing's SQL on whose turn it is: the queue of an advisor and the leases on people."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, delete, func, insert, or_, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from services.telemarketing import contacts
from services.telemarketing.models import CALLABLE, Call, Campaign, HeldPerson, Lease, Target
from shared.contracts import telemarketing as contract
from shared.contracts.campaign import Phase
from shared.contracts.telemarketing import EmptyQueue
from shared.errors import Conflict, NotFound
from shared.settings import settings

_LOOKS = (1, 20, 200, 1000)  # how many are looked at, one after another; mostly the first will do
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

    The order is that of `ix_call_target_queue`, so the scan ends at the first free rows. Who had
    as many contacts as anybody may have is put off until that is over, so that nobody is looked
    at by every claim; a call that was agreed with the person is made all the same.
    """
    for limit in _LOOKS:
        query = _queue(advisor, now).limit(limit).with_for_update(skip_locked=True, of=Target)
        candidates = session.execute(query).scalars().all()
        if not candidates:
            return None
        if (target := _take_first(session, candidates, advisor, now)) is not None:
            return target
        session.flush()
    return None


def _take_first(
    session: Session, candidates: Sequence[Target], advisor: str, now: datetime
) -> Target | None:
    unasked = [target.customer_id for target in candidates if target.callback_at is None]
    over_cap = contacts.find_over_cap(session, unasked, now)
    for target in candidates:
        if target.callback_at is None and target.customer_id in over_cap:
            target.next_at, target.over_cap = over_cap[target.customer_id], True
        elif _hold(session, target, advisor, now):
            return target
    return None


def _queue(advisor: str, now: datetime) -> Select[Target]:
    return (
        select(Target)
        .where(*_callable_now(advisor, now))
        .order_by(Target.callback_at, Target.attempts, Target.next_at, Target.customer_id)
    )


def _callable_now(advisor: str, now: datetime) -> list[ColumnElement[bool]]:
    held = select(HeldPerson.customer_id).where(
        HeldPerson.customer_id == Target.customer_id, HeldPerson.until > now
    )
    return [
        Target.advisor == advisor,
        _CALLABLE,  # type: ignore[list-item]  # a text clause, which SQLAlchemy takes as well
        Target.next_at <= now,
        or_(Target.lease_until.is_(None), Target.lease_until <= now),
        ~held.exists(),
        _EXECUTING,
    ]


def _hold(session: Session, target: Target, advisor: str, now: datetime) -> bool:
    """Lease the person, unless somebody else has just taken them in another campaign.

    Two at once: the second waits on the unique customer until the first has committed.
    """
    lease_id = uuid4()
    until = now + timedelta(seconds=settings().lease_seconds)
    holder = {"lease_id": lease_id, "advisor": advisor, "until": until}
    row = postgresql.insert(HeldPerson).values(customer_id=target.customer_id, **holder)
    claim = row.on_conflict_do_update(
        index_elements=["customer_id"], set_=holder, where=HeldPerson.until <= now
    )
    if session.execute(claim.returning(HeldPerson.customer_id)).first() is None:
        return False
    target.lease_id, target.lease_advisor, target.lease_until = lease_id, advisor, until
    target.over_cap = False
    _insert_lease(session, target, now)
    return True


def _insert_lease(session: Session, target: Target, now: datetime) -> None:
    session.execute(
        insert(Lease).values(
            id=target.lease_id,
            campaign_id=target.campaign_id,
            customer_id=target.customer_id,
            advisor=target.lease_advisor,
            at=now,
        )
    )


def get_lease(session: Session, lease_id: UUID, advisor: str) -> Lease:
    """An advisor's own lease, running or not. Raises NotFound, for another's too."""
    found = session.get(Lease, lease_id)
    if found is None or found.advisor != advisor:
        raise NotFound("Esta atención no existe.")
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


def end(session: Session, target: Target, lease: Lease) -> None:
    """This lease holds the person no more; a later one of another campaign stays."""
    target.lease_id = target.lease_advisor = target.lease_until = None
    session.execute(
        delete(HeldPerson).where(
            HeldPerson.customer_id == lease.customer_id, HeldPerson.lease_id == lease.id
        )
    )


def forget_expired(session: Session, now: datetime) -> None:
    """Drop what says of nobody any more that they are held."""
    session.execute(delete(HeldPerson).where(HeldPerson.until <= now))


def release(session: Session, lease: Lease) -> None:
    """Give a person back; when the lease is over nothing happens."""
    target = session.get(Target, (lease.campaign_id, lease.customer_id), with_for_update=True)
    if target is not None and target.lease_id == lease.id:
        end(session, target, lease)


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
    held_until = select(HeldPerson.until).where(HeldPerson.customer_id == Target.customer_id)
    # It leaves nulls out.
    free_at = func.greatest(Target.next_at, Target.lease_until, held_until.scalar_subquery())
    query = select(
        func.count(),
        func.count().filter(_EXECUTING),
        func.min(free_at).filter(_EXECUTING),
        func.bool_and(Target.over_cap).filter(_EXECUTING),
    ).where(Target.advisor == advisor, _CALLABLE)
    still_open, executing, next_at, over_cap = session.execute(query).one()
    if executing:
        return still_open, EmptyQueue.OVER_CAP if over_cap else EmptyQueue.WAITING, next_at
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
    shown = contract.CallCustomer.model_fields.keys() - {"phone", "masked"}
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
