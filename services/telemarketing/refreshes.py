"""telemarketing's SQL on asking the bureau about everybody an advisor has open."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.telemarketing.models import RiskRefresh
from shared import clock
from shared.contracts.telemarketing import RefreshState
from shared.errors import Conflict

_ANEW = ("number", "people", "asked", "asked_through", "state", "started_at")
PATIENCE = timedelta(hours=1)  # so long nobody asks again while it is being asked


def begin(session: Session, campaign_id: int, advisor: str, people: int) -> int:
    """A new refresh in place of the last one; its number. Raises Conflict while that one runs."""
    now = clock.now()
    row = insert(RiskRefresh).values(
        campaign_id=campaign_id, advisor=advisor, people=people, started_at=now
    )
    anew = {name: row.excluded[name] for name in _ANEW}
    begun = row.on_conflict_do_update(
        index_elements=["campaign_id", "advisor"],
        set_=anew | {"error": None},
        where=(RiskRefresh.state != RefreshState.RUNNING)
        | (RiskRefresh.started_at <= now - PATIENCE),
    )
    number = session.execute(begun.returning(RiskRefresh.number)).scalar_one_or_none()
    if number is None:
        raise Conflict(f"Ya se consulta la central de riesgos por los clientes de {advisor}.")
    return number


def is_running(session: Session, campaign_id: int, advisor: str, number: int) -> bool:
    """Whether this refresh is to go on: not when it has ended or a newer one has begun."""
    found = _find(session, campaign_id, advisor)
    return found is not None and found.number == number and found.state == RefreshState.RUNNING


def move_on(session: Session, number: int, after: int, through: int, count: int) -> bool:
    """So many more people were asked about; False when another run of the job was quicker."""
    change = (
        update(RiskRefresh)
        .where(RiskRefresh.number == number, RiskRefresh.asked_through == after)
        .values(asked=RiskRefresh.asked + count, asked_through=through)
        .returning(RiskRefresh.number)
    )
    return session.execute(change).first() is not None


def end(session: Session, number: int, error: str | None = None) -> None:
    """The end of a refresh that runs; what was asked before an error counts."""
    state = RefreshState.DONE if error is None else RefreshState.FAILED
    change = update(RiskRefresh).filter_by(number=number, state=RefreshState.RUNNING)
    session.execute(change.values(state=state, error=error))


def _find(session: Session, campaign_id: int, advisor: str) -> RiskRefresh | None:
    """Locked, so that two who ask follow each other."""
    query = select(RiskRefresh).filter_by(campaign_id=campaign_id, advisor=advisor)
    return session.execute(query.with_for_update()).scalar_one_or_none()
