"""Who works with whom: a copy of telemarketing's lists, by which each sees the own people.

An advisor works with whoever is on the own list, for thirty days with whoever was called, and as
long as agreed with whoever is to be called back.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, any_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from services.customer_query.models import Customer, Reach
from shared import clock
from shared.contracts.campaign import Phase
from shared.contracts.telemarketing import CallRecorded, PeopleMoved
from shared.errors import Conflict

AFTER_A_CALL = timedelta(days=30)
CONVERSATION = timedelta(hours=1)
MOST_OPEN = 20  # profiles of strangers at once: who answers calls has fewer, who collects has more
_LATE_NEWS = timedelta(days=7)  # longer than any delivery takes to be parked
_ENDED = frozenset({Phase.FINISHED, Phase.CANCELLED})

Whose = frozenset[str] | None  # usernames; None: everybody's


def within(whose: Whose) -> list[ColumnElement[bool]]:
    """The condition on customers for whoever may see the people of these users' work.

    As an array that the database reads first: a list has some thousand people, and none is looked
    for among five million.
    """
    if whose is None:
        return []
    theirs = select(Reach.customer_id).where(Reach.username.in_(whose), _holds())
    return [Customer.id == any_(func.array(theirs.scalar_subquery()))]


def _holds() -> ColumnElement[bool]:
    return or_(Reach.given, Reach.until > clock.now())


def follow_list(session: Session, event: PeopleMoved) -> None:
    """People came to a list or left it; what came later stays as it is."""
    rows = [
        {
            "username": event.advisor,
            "customer_id": customer_id,
            "campaign_id": event.campaign_id,
            "given": event.given,
            "moved_at": event.at,
        }
        for customer_id in event.customer_ids
    ]
    statement = upsert(Reach).values(rows)
    newer = or_(Reach.moved_at.is_(None), Reach.moved_at < statement.excluded.moved_at)
    _put(session, statement, ("given", "moved_at"), newer)


def follow_call(session: Session, event: CallRecorded) -> None:
    """Who was called asks again soon; who is called back is worked with until then."""
    last = max(event.at, event.callback_at or event.at)
    open_for(session, event.advisor, event.customer_id, event.campaign_id, last + AFTER_A_CALL)


def open_for(
    session: Session, username: str, customer_id: int, campaign_id: int, until: datetime
) -> None:
    """Let a user work with a person for a while; `campaign_id` 0 is outside of any."""
    statement = upsert(Reach).values(
        username=username,
        customer_id=customer_id,
        campaign_id=campaign_id,
        given=False,
        until=until,
    )
    longer = or_(Reach.until.is_(None), Reach.until < statement.excluded.until)
    _put(session, statement, ("until",), longer)


def open_profile(session: Session, username: str, customer_id: int) -> None:
    """For a conversation. Raises Conflict where the user has as many open as anybody may."""
    now = clock.now()
    mine = select(func.count()).select_from(Reach).filter_by(username=username, campaign_id=0)
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"open {username}"))))
    others = mine.where(Reach.until > now, Reach.customer_id != customer_id)
    if session.execute(others).scalar_one() >= MOST_OPEN:
        raise Conflict(f"Ya abrió {MOST_OPEN} fichas en la última hora. Espere a que se cierren.")
    open_for(session, username, customer_id, 0, now + CONVERSATION)


def _put(
    session: Session, statement: Any, names: Sequence[str], where: ColumnElement[bool]
) -> None:
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["username", "customer_id", "campaign_id"],
            set_={name: statement.excluded[name] for name in names},
            where=where,
        )
    )


def follow_phase(session: Session, campaign_id: int, phase: Phase) -> None:
    """The lists of a campaign end with it."""
    if phase in _ENDED:
        theirs = update(Reach).where(Reach.campaign_id == campaign_id, Reach.given)
        session.execute(theirs.values(given=False))


def forget_people(session: Session, customer_ids: list[int]) -> None:
    """They are nobody's any more."""
    session.execute(delete(Reach).where(Reach.customer_id.in_(customer_ids)))


def forget_old(session: Session) -> None:
    """What holds no more, and has nothing to say against news that come late."""
    now = clock.now()
    over = and_(~Reach.given, or_(Reach.until.is_(None), Reach.until < now))
    late = or_(Reach.moved_at.is_(None), Reach.moved_at < now - _LATE_NEWS)
    session.execute(delete(Reach).where(over, late))
