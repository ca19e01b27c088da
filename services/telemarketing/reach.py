"""Whose work the actor may see here, as the procedures' scopes say it."""

from collections.abc import Set
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from services.telemarketing.models import Call, Callback, Target
from shared import clock, trace
from shared.contract import Procedure
from shared.errors import NotFound

AFTER_A_CALL = timedelta(days=30)
NOBODY = "Este cliente no está en ninguna lista de llamadas."


def visible(procedure: Procedure[..., Any], advisor: str | None) -> Set[str] | None:
    """The advisors whose rows are shown, None for all; who sees only the own ones sees those."""
    whose = procedure.scope.whose(trace.actor())
    if whose is None:
        return None if advisor is None else {advisor}
    return whose & {advisor} if advisor is not None and len(whose) > 1 else whose


def check_reach(procedure: Procedure[..., Any], advisor: str) -> None:
    """Raise NotFound where the advisor's work is none of the actor's."""
    whose = procedure.scope.whose(trace.actor())
    if whose is not None and advisor not in whose:
        raise NotFound("No hay un asesor con este usuario en su equipo.")


def check_person(session: Session, procedure: Procedure[..., Any], customer_id: int) -> None:
    """Raise NotFound where nobody whose work the actor sees works with the person."""
    whose = procedure.scope.whose(trace.actor())
    if whose is not None and not _work_with(session, whose, customer_id, clock.now()):
        raise NotFound(NOBODY)


def _work_with(session: Session, whose: Set[str], customer_id: int, now: datetime) -> bool:
    """On a list, called lately, or to be called back."""
    listed = exists().where(Target.customer_id == customer_id, Target.advisor.in_(whose))
    called = exists().where(
        Call.customer_id == customer_id, Call.advisor.in_(whose), Call.at > now - AFTER_A_CALL
    )
    agreed = exists().where(
        Target.customer_id == customer_id,
        Callback.campaign_id == Target.campaign_id,
        Callback.customer_id == Target.customer_id,
        Callback.advisor.in_(whose),
        ~Callback.done,
    )
    return bool(session.execute(select(or_(listed, called, agreed))).scalar())
