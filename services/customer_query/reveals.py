"""How many people's personal values somebody has seen whole lately: nobody collects them."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from services.customer_query.models import Customer, Reveal
from shared import clock
from shared.contract import Actor
from shared.contracts.customer_query import CustomerPermission, PersonalField, Revealed
from shared.errors import Denied, FieldError

MOST_PEOPLE = 100  # of one user: an advisor talks with some eighty a day, and dials from the desk
WINDOW = timedelta(hours=24)


def check(actor: Actor) -> None:
    """Raises Denied for whoever may neither see nor reveal."""
    if not actor.permissions & {CustomerPermission.PERSONAL, CustomerPermission.REVEAL}:
        raise Denied("Su rol no permite mostrar datos personales.")


def count(session: Session, actor: Actor, customer_id: int) -> None:
    """One more person, but for whom it was lately. Raises Denied, with how long to wait."""
    if CustomerPermission.PERSONAL in actor.permissions:
        return
    now = clock.now()
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"show {actor.username}"))))
    lately = select(Reveal.at).filter_by(username=actor.username).where(Reveal.at > now - WINDOW)
    if session.execute(lately.filter_by(customer_id=customer_id)).first() is not None:
        return
    seen = list(session.execute(lately.order_by(Reveal.at)).scalars())
    if len(seen) >= MOST_PEOPLE:
        raise _too_many(seen[-MOST_PEOPLE] + WINDOW - now)
    _put(session, actor.username, customer_id, now)


def _too_many(left: timedelta) -> Denied:
    seconds = max(1, int(left.total_seconds()) + 1)
    hours = -(-seconds // 3600)
    wait = "1 hora" if hours == 1 else f"{hours} horas"
    text = (
        f"Ya mostró datos de {MOST_PEOPLE} personas en 24 horas. Podrá seguir en menos de {wait}."
    )
    return Denied(text, [FieldError("retry_after", str(seconds))])


def _put(session: Session, username: str, customer_id: int, now: datetime) -> None:
    row = upsert(Reveal).values(username=username, customer_id=customer_id, at=now)
    keys = ["username", "customer_id"]
    session.execute(row.on_conflict_do_update(index_elements=keys, set_={"at": row.excluded.at}))


def values_of(customer: Customer, fields: list[PersonalField]) -> Revealed:
    """These values of a profile."""
    return Revealed(**{field.value: getattr(customer, field.value) for field in fields})


def forget_people(session: Session, customer_ids: list[int]) -> None:
    """What was seen of them is nobody's any more; that it was seen stays on record."""
    session.execute(delete(Reveal).where(Reveal.customer_id.in_(customer_ids)))


def forget_old(session: Session) -> None:
    """What counts no more."""
    session.execute(delete(Reveal).where(Reveal.at < clock.now() - WINDOW))
