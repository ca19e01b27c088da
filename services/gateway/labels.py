"""The Spanish of codes: roles, phases, states, results; see the glossary in docs/manual."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class State:
    """How a state is shown: its word and its colour, which is never the only sign."""

    label: str
    colour: str = "secondary"


STATES = {
    # campaign phases
    "draft": State("Borrador"),
    "planned": State("Planificada", "azure"),
    "executing": State("En ejecución", "green"),
    "closing": State("En cierre", "orange"),
    "finished": State("Finalizada", "indigo"),
    "paused": State("En pausa", "yellow"),
    "cancelled": State("Cancelada", "red"),
    # mail ledger
    "pending": State("Pendiente"),
    "sending": State("En envío", "azure"),
    "sent": State("Enviado", "green"),
    "failed": State("Fallido", "red"),
    "skipped": State("Omitido", "yellow"),
    "doubtful": State("Dudoso", "orange"),
    # jobs and mail runs
    "scheduled": State("Programado", "azure"),
    "waiting": State("En espera"),
    "running": State("En curso", "azure"),
    "held": State("Por confirmar", "yellow"),
    "done": State("Terminado", "green"),
    "complete": State("Completo", "green"),
    # audiences
    "none": State("Sin transferir"),
    "transferring": State("Transfiriendo", "azure"),
    "ready": State("Completo", "green"),
    # call results
    "accepted": State("Aceptó", "green"),
    "interested": State("Interesado", "teal"),
    "callback": State("Volver a llamar", "azure"),
    "not_interested": State("No le interesa", "orange"),
    "do_not_call": State("No llamar más", "red"),
    "no_answer": State("No contesta"),
    "busy": State("Ocupado"),
    "voicemail": State("Buzón de voz"),
    "wrong_number": State("Número equivocado", "yellow"),
    "out_of_service": State("Fuera de servicio", "yellow"),
    # customers
    "new": State("Nuevo", "azure"),
    "regular": State("Regular"),
    "loyal": State("Leal", "green"),
    # users
    "active": State("Activo", "green"),
    "inactive": State("Desactivado"),
}

MAILING_STATES = {  # an «envío» is masculine, a «campaña» is not
    "preparing": State("Preparando público", "azure"),
    "scheduled": State("Programado", "azure"),
    "sending": State("Enviando", "azure"),
    "paused": State("En pausa", "yellow"),
    "finished": State("Terminado", "green"),
    "cancelled": State("Cancelado", "red"),
    "failed": State("No se pudo preparar", "red"),
}

RECIPIENT_STATES = {  # so is a «destinatario»
    **{
        code: STATES[code]
        for code in ("pending", "sending", "sent", "failed", "skipped", "doubtful")
    },
    "cancelled": State("Cancelado"),
}

LABELS = {
    "marketing_head": "Jefe de marketing",
    "advisor": "Asesor",
    "supervisor": "Supervisor",
    "backoffice": "Backoffice",
    "admin": "Administrador",
    "mail": "Correo",
    "phone": "Teléfono",
    "F": "Femenino",
    "M": "Masculino",
    "X": "Otro",
    "no_consent": "Sin consentimiento",
    "do_not_contact": "No contactar",
    "bounced": "Correo rebotado",
    "no_address": "Sin correo o teléfono",
    "unsubscribed": "Se dio de baja",
    "duplicate": "Repetido",
    "over_cap": "Sobre el límite de contactos",
    "in_other_campaign": "En otra campaña en curso",
    "equal": "Partes iguales",
    "capacity": "Según su capacidad",
    "province": "Por provincia",
}


def state_of(code: str | Enum) -> State:
    """How to show a state; one without a word of its own is shown by its code."""
    text = _code(code)
    return STATES.get(text) or State(LABELS.get(text, text))


def label(code: str | Enum) -> str:
    """The Spanish word of a code; the code itself where there is none."""
    return state_of(code).label


def options(codes: Iterable[str | Enum]) -> list[tuple[str, str]]:
    """Value and word of each, as `kit.select` and `kit.checkboxes` take them."""
    return [(_code(code), label(code)) for code in codes]


def _code(code: str | Enum) -> str:
    return str(code.value if isinstance(code, Enum) else code)
