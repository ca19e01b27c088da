"""telemarketing's SQL on risk checks: who asked what, and what was answered."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from services.telemarketing import rules
from services.telemarketing.models import RiskCheck
from shared import notices
from shared.contracts import telemarketing as contract
from shared.contracts.risk_central import RiskReport
from shared.contracts.telemarketing import BureauTrouble, RiskState
from shared.permissions import Role

Answer = tuple[RiskState, RiskReport | None, BureauTrouble | None]


def make_check(
    customer_id: int,
    state: RiskState,
    report: RiskReport | None,
    at: datetime,
    trouble: BureauTrouble | None = None,
) -> contract.RiskCheck:
    """An answer of the bureau, or none, with what the policy makes of it."""
    offer, message = rules.policy(state, report, trouble)
    return contract.RiskCheck(
        customer_id=customer_id,
        state=state,
        report=contract.CheckedRisk.model_validate(report) if report else None,
        offer=offer,
        message=message,
        checked_at=at,
        trouble=trouble,
    )


def add_last(session: Session, check: contract.RiskCheck) -> contract.RiskCheck:
    """A check that got no answer, with the last one there was and its age."""
    last = find_last(session, check.customer_id)
    if last is None:
        return check
    age = (check.checked_at - last.checked_at).days
    known = contract.KnownRisk(report=last.report, checked_at=last.checked_at, age_days=age)
    return check.model_copy(update={"last": known})


def warn_administrators(session: Session, at: datetime) -> None:
    """That the bureau takes our credentials for wrong, once a day."""
    notices.send(
        session,
        Role.ADMIN,
        f"bureau-credentials:{at:%Y-%m-%d}",
        "La central de riesgos rechaza las credenciales",
        detail="Revise PREGON_SOAP_USER y PREGON_SOAP_PASSWORD: se llama sin consulta de riesgo.",
    )


def insert_checks(
    session: Session,
    checks: list[contract.RiskCheck],
    advisor: str,
    purpose: contract.RiskPurpose,
) -> None:
    """Log checks with person and purpose: the LOPDP wants every look at data accounted for."""
    rows: list[dict[str, Any]] = [
        {
            "customer_id": check.customer_id,
            "advisor": advisor,
            "purpose": purpose,
            "state": check.state,
            "report": check.report and check.report.model_dump(mode="json", exclude={"masked"}),
            "at": check.checked_at,
        }
        for check in checks
    ]
    session.execute(insert(RiskCheck), rows)


def announcement(
    check: contract.RiskCheck, advisor: str, purpose: contract.RiskPurpose
) -> contract.RiskChecked:
    """The check as the other rooms hear of it: the category, not the figures."""
    return contract.RiskChecked(
        customer_id=check.customer_id,
        advisor=advisor,
        purpose=purpose,
        state=check.state,
        category=check.report.category if check.report else None,
        at=check.checked_at,
    )


def find_last(session: Session, customer_id: int) -> contract.RiskCheck | None:
    """The last check that the bureau answered."""
    query = (
        select(RiskCheck)
        .where(RiskCheck.customer_id == customer_id, RiskCheck.state != RiskState.UNAVAILABLE)
        .order_by(RiskCheck.id.desc())
        .limit(1)
    )
    row = session.execute(query).scalar_one_or_none()
    if row is None:
        return None
    report = RiskReport.model_validate(row.report) if row.report else None
    return make_check(customer_id, row.state, report, row.at)


def erase(session: Session, customer_ids: list[int]) -> None:
    """Blank what the bureau said of people who asked to be forgotten; that it was asked stays."""
    session.execute(
        update(RiskCheck).where(RiskCheck.customer_id.in_(customer_ids)).values(report=None)
    )
