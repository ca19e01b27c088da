"""The colour of each state that a page draws; the word stands at the state's enum.

A colour is never the only sign: the word is always beside it.
"""

from collections.abc import Iterable
from typing import Any

from shared.contracts.campaign import AudienceState, Phase
from shared.contracts.customer_query import Category
from shared.contracts.identity import LinkState, TeamState, TokenState, UserState
from shared.contracts.loads import LoadState
from shared.contracts.mailer import MailingState, RecipientState
from shared.contracts.telemarketing import CallResult
from shared.permissions import Permission
from shared.words import Term

_GREY, _AZURE, _GREEN, _RED = "secondary", "azure", "green", "red"
_YELLOW, _ORANGE, _INDIGO, _TEAL = "yellow", "orange", "indigo", "teal"

COLOURS: dict[type[Term], dict[Any, str]] = {
    Phase: {
        Phase.DRAFT: _GREY,
        Phase.PLANNED: _AZURE,
        Phase.EXECUTING: _GREEN,
        Phase.PAUSED: _YELLOW,
        Phase.CLOSING: _ORANGE,
        Phase.FINISHED: _INDIGO,
        Phase.CANCELLED: _RED,
    },
    AudienceState: {
        AudienceState.NONE: _GREY,
        AudienceState.TRANSFERRING: _AZURE,
        AudienceState.READY: _GREEN,
        AudienceState.FAILED: _RED,
    },
    MailingState: {
        MailingState.PREPARING: _AZURE,
        MailingState.SCHEDULED: _AZURE,
        MailingState.SENDING: _AZURE,
        MailingState.PAUSED: _YELLOW,
        MailingState.FINISHED: _GREEN,
        MailingState.CANCELLED: _RED,
        MailingState.FAILED: _RED,
    },
    RecipientState: {
        RecipientState.PENDING: _GREY,
        RecipientState.SENDING: _AZURE,
        RecipientState.SENT: _GREEN,
        RecipientState.FAILED: _RED,
        RecipientState.SKIPPED: _YELLOW,
        RecipientState.DOUBTFUL: _ORANGE,
        RecipientState.CANCELLED: _GREY,
    },
    LoadState: {
        LoadState.WAITING: _GREY,
        LoadState.RUNNING: _AZURE,
        LoadState.HELD: _YELLOW,
        LoadState.DONE: _GREEN,
        LoadState.FAILED: _RED,
        LoadState.CANCELLED: _GREY,
    },
    CallResult: {
        CallResult.ACCEPTED: _GREEN,
        CallResult.INTERESTED: _TEAL,
        CallResult.CALLBACK: _AZURE,
        CallResult.NOT_INTERESTED: _ORANGE,
        CallResult.DO_NOT_CALL: _RED,
        CallResult.NO_ANSWER: _GREY,
        CallResult.BUSY: _GREY,
        CallResult.VOICEMAIL: _GREY,
        CallResult.WRONG_NUMBER: _YELLOW,
        CallResult.OUT_OF_SERVICE: _YELLOW,
    },
    Category: {Category.NEW: _AZURE, Category.REGULAR: _GREY, Category.LOYAL: _GREEN},
    UserState: {
        UserState.ACTIVE: _GREEN,
        UserState.INACTIVE: _GREY,
        UserState.AWAITED: _AZURE,
        UserState.ENDED: _ORANGE,
        UserState.INVITED: _YELLOW,
    },
    LinkState: {
        LinkState.WAITING: _GREY,
        LinkState.SENT: _AZURE,
        LinkState.FAILED: _RED,
        LinkState.USED: _GREEN,
        LinkState.EXPIRED: _ORANGE,
        LinkState.VOID: _GREY,
    },
    TeamState: {TeamState.RUNNING: _GREEN, TeamState.CLOSED: _GREY},
    TokenState: {
        TokenState.RUNNING: _GREEN,
        TokenState.STOPPED: _YELLOW,
        TokenState.EXPIRED: _ORANGE,
        TokenState.REVOKED: _GREY,
    },
}

ROOMS = {  # as people call what the permissions of a contract are about
    "customer_query": "Clientes y segmentos",
    "campaign": "Campañas",
    "mailer": "Correo",
    "telemarketing": "Llamadas",
    "risk_central": "Central de riesgos",
    "identity": "Usuarios y sistema",
    "audit": "Registro de actividades",
    "tokens": "Accesos de sistemas",
}


def room_of(permission: Permission) -> str:
    """What a permission is about. Raises KeyError for a contract that has no name here."""
    return ROOMS[type(permission).__module__.rpartition(".")[2]]


def colour(term: Term) -> str:
    """The colour of a state. Raises KeyError for one that no page draws."""
    return COLOURS[type(term)][term]


def options(terms: Iterable[Term]) -> list[tuple[str, str]]:
    """Value and word of each, as `kit.select` and `kit.checkboxes` take them."""
    return [(term.value, term.word) for term in terms]
