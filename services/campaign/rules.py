"""What a campaign may do from where it stands. Pure: no I/O, no clock."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from shared.contracts.campaign import AudienceState, Phase
from shared.contracts.customer_query import Channel
from shared.errors import Conflict, FieldError, Invalid
from shared.words import inside

NEXT: dict[Phase, tuple[Phase, ...]] = {
    Phase.DRAFT: (Phase.PLANNED, Phase.CANCELLED),
    Phase.PLANNED: (Phase.EXECUTING, Phase.DRAFT, Phase.CANCELLED),
    Phase.EXECUTING: (Phase.PAUSED, Phase.CLOSING, Phase.CANCELLED),
    Phase.PAUSED: (Phase.EXECUTING, Phase.CLOSING, Phase.CANCELLED),
    Phase.CLOSING: (Phase.FINISHED, Phase.EXECUTING),
    Phase.FINISHED: (),
    Phase.CANCELLED: (),
}
# What may still be edited; a running campaign keeps the people and money it was judged by.
EDITABLE: dict[Phase, frozenset[str]] = {
    Phase.DRAFT: frozenset(
        {
            "name",
            "goal",
            "channels",
            "definition",
            "budget",
            "expected_revenue",
            "starts_on",
            "ends_on",
            "control_share",
            "design_id",
            "mail_subject",
            "script",
        }
    ),
    Phase.PLANNED: frozenset(
        {
            "name",
            "goal",
            "budget",
            "expected_revenue",
            "starts_on",
            "ends_on",
            "design_id",
            "mail_subject",
            "script",
        }
    ),
    Phase.EXECUTING: frozenset({"goal", "ends_on", "design_id", "mail_subject", "script"}),
    Phase.PAUSED: frozenset({"goal", "ends_on", "design_id", "mail_subject", "script"}),
    Phase.CLOSING: frozenset({"goal"}),
    Phase.FINISHED: frozenset(),
    Phase.CANCELLED: frozenset(),
}
FIELD_LABELS = {
    "name": "el nombre",
    "channels": "los canales",
    "definition": "el segmento",
    "budget": "el presupuesto",
    "expected_revenue": "el ingreso esperado",
    "starts_on": "la fecha de inicio",
    "ends_on": "la fecha de fin",
    "control_share": "el grupo de control",
    "goal": "el objetivo",
    "design_id": "el diseño",
    "mail_subject": "el asunto",
    "script": "el guion",
}
_REASON_NEEDED = {Phase.CANCELLED, Phase.PAUSED}


@dataclass(frozen=True)
class Plan:
    """What the guards look at."""

    phase: Phase
    channels: frozenset[Channel]
    budget: Decimal
    starts_on: date | None
    ends_on: date | None
    design_id: int | None
    audience_state: AudienceState
    audience: int


def check_phase_change(plan: Plan, new: Phase, reason: str) -> None:
    """Raises Conflict when the step does not exist, Invalid naming all that is missing for it."""
    if new not in NEXT[plan.phase]:
        old = inside(plan.phase.word)
        raise Conflict(f"Una campaña {old} no puede pasar a {inside(new.word)}.")
    missing = _missing(plan) if new is Phase.EXECUTING else []
    if new in _REASON_NEEDED and not reason.strip():
        missing.append(FieldError("reason", "Escriba el motivo."))
    if missing:
        raise Invalid("Falta completar datos de la campaña.", missing)


def _missing(plan: Plan) -> list[FieldError]:
    wrong = []
    if plan.audience_state is not AudienceState.READY:
        wrong.append(FieldError("audience", "Transfiera primero el público."))
    elif plan.audience == 0:
        wrong.append(FieldError("audience", "El público está vacío: revise el segmento."))
    if plan.budget <= 0:
        wrong.append(FieldError("budget", "Indique un presupuesto mayor que cero."))
    if Channel.MAIL in plan.channels and plan.design_id is None:
        wrong.append(FieldError("design_id", "Elija el diseño del correo."))
    return wrong


def check_dates(starts_on: date | None, ends_on: date | None) -> None:
    """Raises Invalid when the end comes before the start."""
    if starts_on and ends_on and ends_on < starts_on:
        raise Invalid.field("ends_on", "La fecha de fin debe ser posterior a la de inicio.")


def differing(before: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """What of the sent values is not so already; channels may come in any order."""
    return {name: value for name, value in sent.items() if _plain(value) != _plain(before[name])}


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def check_editable(phase: Phase, fields: Set[str]) -> None:
    """Raises Conflict, naming the fields that the phase no longer lets change."""
    closed = sorted(fields - EDITABLE[phase])
    if closed:
        names = ", ".join(FIELD_LABELS[field] for field in closed)
        raise Conflict(f"En una campaña {inside(phase.word)} ya no se puede cambiar {names}.")


def cost_per(budget: Decimal, people: int) -> Decimal | None:
    """Dollars of budget per person, to the cent; None without people."""
    return (budget / people).quantize(Decimal("0.01")) if people else None
