"""identity's record of who did and saw what: rooms announce it, administrators read it."""

from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import Field

from shared.contract import Day, Event, Id, Limit, Model, Page, procedure
from shared.permissions import Permission, Role
from shared.scope import HOUSE, SELF
from shared.words import Term, inside

Text = Annotated[str, Field(max_length=200)]


class AuditPermission(Permission):
    """On the record itself."""

    READ = "audit.read", "Ver el registro de actividades", Role.ADMIN
    READ_PERSON = (
        "audit.read_person",
        "Ver quién vio los datos de un cliente",
        Role.ADMIN,
        Role.MARKETING_HEAD,
    )


class AuditAction(Term):
    """What somebody did; a sentence goes on with the thing that it was done to."""

    LOG_IN = "log_in", "Ingresó"
    LOG_IN_FAILED = "log_in_failed", "Intentó ingresar sin éxito"
    SESSIONS_ENDED = "sessions_ended", "Cerró sesiones"
    PASSWORD_CHANGED = "password_changed", "Cambió su contraseña"
    CODE_REFUSED = "code_refused", "Escribió un código de verificación que no vale"
    RECOVERY_CODE_USED = "recovery_code_used", "Ingresó con un código de recuperación"
    SECOND_FACTOR_SET = "second_factor_set", "Activó su verificación en dos pasos"
    SECOND_FACTOR_REMOVED = "second_factor_removed", "Desactivó su verificación en dos pasos"
    SECOND_FACTOR_RESET = "second_factor_reset", "Quitó la verificación en dos pasos"
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed", "Pidió códigos de recuperación nuevos"
    PROVIDER_LINKED = "provider_linked", "Vinculó la cuenta de la empresa"
    PROVIDER_UNLINKED = "provider_unlinked", "Desvinculó la cuenta de la empresa"
    CREATED = "created", "Creó"
    CHANGED = "changed", "Cambió"
    DELETED = "deleted", "Eliminó"
    PROFILE_SEEN = "profile_seen", "Vio la ficha"
    REVEALED = "revealed", "Mostró datos personales"
    OPENED = "opened", "Abrió la ficha"  # of somebody outside of the own work
    TIMELINE_SEEN = "timeline_seen", "Vio la historia"
    PERSONAL_DATA_SEEN = "personal_data_seen", "Vio todos los datos"
    VIEWERS_SEEN = "viewers_seen", "Vio quién vio los datos"
    CALL_SEEN = "call_seen", "Vio los datos para llamar"
    CALLS_SEEN = "calls_seen", "Vio las llamadas"
    LISTED = "listed", "Vio la lista"
    SEARCHED = "searched", "Buscó en la lista"
    ERASED = "erased", "Borró los datos"
    RISK_CHECKED = "risk_checked", "Consultó la calificación"
    RISK_SEEN = "risk_seen", "Vio la calificación"
    RISKS_REFRESHED = "risks_refreshed", "Pidió actualizar las calificaciones"
    BUREAU_SEARCHED = "bureau_searched", "Buscó personas"
    PHASE_CHANGED = "phase_changed", "Cambió la fase"
    SENT = "sent", "Mandó enviar"
    TEST_SENT = "test_sent", "Envió una prueba"
    STEERED = "steered", "Condujo"  # paused, resumed, cancelled, tried again
    STARTED = "started", "Inició"
    CANCELLED = "cancelled", "Canceló"
    UNDONE = "undone", "Deshizo"
    ASSIGNED = "assigned", "Asignó los clientes"
    TAKEN_BACK = "taken_back", "Retiró los clientes"
    HANDED_OVER = "handed_over", "Reasignó los clientes"
    EXPORTED = "exported", "Exportó"
    REVOKED = "revoked", "Revocó"
    RESET_ASKED = "reset_asked", "Recibió el pedido de una contraseña nueva"
    LINK_SENT = "link_sent", "Envió un enlace para la contraseña"
    LINK_USED = "link_used", "Eligió por un enlace la contraseña"
    LINK_REFUSED = "link_refused", "Rechazó un enlace para la contraseña"
    USE_REFUSED = "use_refused", "Intentó usar sin éxito"

    @property
    def of(self) -> bool:
        """Whether the thing follows with `de`: the profile of a customer."""
        return self not in _UPON


class AuditWho(Term):
    """Who it was that did something, or saw it."""

    PERSON = "person", "Una persona"
    SYSTEM = "system", "Otro sistema"  # in a user's name, by a token
    PRODUCT = "product", "El propio sistema"  # such as at night


class AuditKind(Term):
    """What something was done to, with the article that a sentence needs."""

    article: str

    USER = "user", "Usuario", "el"
    ROLE = "role", "Rol", "el"
    TEAM = "team", "Equipo", "el"
    API_TOKEN = "api_token", "Acceso de sistema", "el"
    CUSTOMER = "customer", "Cliente", "el"
    CUSTOMERS = "customers", "Clientes", "los"
    CALLS = "calls", "Llamadas", "las"
    CALLBACKS = "callbacks", "Agendamientos", "los"
    SEGMENT = "segment", "Segmento", "el"
    IMPORT = "import", "Importación de clientes", "la"
    RISK_LOAD = "risk_load", "Carga de riesgos", "la"
    CAMPAIGN = "campaign", "Campaña", "la"
    AUDIENCE = "audience", "Público de la campaña", "el"
    MEMBERS = "members", "Miembros de la campaña", "los"
    FIGURES = "figures", "Estadísticas", "las"
    DESIGN = "design", "Diseño", "el"
    MAILING = "mailing", "Envío", "el"
    RECIPIENTS = "recipients", "Destinatarios del envío", "los"
    LETTER = "letter", "Carta", "la"
    SCHEDULE = "schedule", "Calendario de envíos", "el"
    BUREAU = "bureau", "Central de riesgos", "la"
    SOAP_CLIENT = "soap_client", "Cliente SOAP", "el"
    AUDIT = "audit", "Registro de actividades", "el"

    def __new__(cls, code: str, word: str, article: str) -> Self:
        """Code and word, as of any term, and the article."""
        member = cls.make(code, word)
        member.article = article
        return member


_UPON = frozenset(
    {
        AuditAction.CREATED,
        AuditAction.CHANGED,
        AuditAction.DELETED,
        AuditAction.SENT,
        AuditAction.STEERED,
        AuditAction.STARTED,
        AuditAction.CANCELLED,
        AuditAction.UNDONE,
        AuditAction.EXPORTED,
        AuditAction.REVOKED,
        AuditAction.USE_REFUSED,
    }
)


class Audited(Event, service="identity"):
    """Any room tells that somebody did or saw something; see `shared.audit`.

    It names people by id alone: no value of theirs is in it but hashed.
    """

    at: datetime
    room: str
    action: AuditAction
    object_kind: AuditKind | None
    object_id: str
    customer_id: int | None
    listed: list[int]  # customers that a list showed
    user_id: int | None
    username: str  # empty: the system itself
    full_name: str
    role: str  # its code
    purpose: str
    fields: list[str]
    changes: dict[str, list[Any]]  # field: before, after
    source: str  # network address
    trace_id: str
    system: str = ""  # that asked in the user's name


class AuditEntry(Model):
    """A line of the record."""

    id: int  # the day of its recording and its number on that day
    at: datetime
    action: AuditAction
    object_kind: AuditKind | None
    object_id: str
    customer_id: int | None
    listed: list[int]  # customers that a list showed
    username: str  # empty: the system itself
    full_name: str
    role_name: str  # its Spanish word at that time
    purpose: str
    fields: list[str]
    changes: dict[str, list[Any]]  # field: before, after; personal values as hashes
    source: str
    trace_id: str
    system: str = ""  # that asked in the user's name
    sentence: str  # Spanish: who did what to whom, and why


def describe(entry: Any) -> str:
    """A line of the record as a Spanish sentence; `entry` has the fields of `Audited`."""
    words = [_who(entry), inside(AuditAction(entry.action).word), _thing(entry)]
    if entry.listed:
        words.append(f"({len(entry.listed)})")
    if entry.purpose:
        words.append(f"por {inside(entry.purpose)}")
    return " ".join(filter(None, words))


def _who(entry: Any) -> str:
    name = entry.full_name or entry.username or f"El sistema ({entry.room})"
    role = inside(entry.role_name)
    if entry.system:
        return f"El sistema «{entry.system}» (como {', '.join(filter(None, (name, role)))})"
    return f"{name} ({role})" if role else name


def _thing(entry: Any) -> str:
    if not entry.object_kind:
        return ""
    kind, action = entry.object_kind, AuditAction(entry.action)
    article = kind.article
    if action.of:
        article = "del" if article == "el" else f"de {article}"
    return " ".join(filter(None, (article, inside(kind.word), entry.object_id)))


@procedure("identity", scope=HOUSE)
def list_audit(
    username: Text | None = None,
    customer_id: Id | None = None,
    listed: bool = False,  # noqa: FBT001, FBT002  # arguments travel by name
    action: AuditAction | None = None,
    from_on: Day | None = None,
    to_on: Day | None = None,
    who: AuditWho | None = None,
    system: Text | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[AuditEntry]:
    """List what was done and seen, newest first.

    By who, whom, what and when (days in Ecuador, both included). With `listed` the lists in which
    the customer stood, instead of what was done with that customer alone. `system` is the name of
    a token, in capitals or not; `username` finds what systems did in the user's name, too.
    """


@procedure("identity", scope=HOUSE)
def list_viewers(customer_id: Id, after: str | None = None, limit: Limit = 10) -> Page[AuditEntry]:
    """List who saw or changed a customer's data, newest first.

    Asking is on record, too.
    """


@procedure("identity", scope=SELF)
def record_export(kind: AuditKind, object_id: Text = "", reason: Text = "") -> None:
    """Put on record that the user takes this away as a file; asked before the file is sent."""


class AuditDay(Model):
    """A day of the record: its lines are linked, each with the one before, and the day sealed."""

    day: date
    rows: int
    hash: str  # of the last line, which covers all before it
    seal: str | None  # covers the day and the seal of the day before; None: not over yet
    sealed_at: datetime | None
    removed_at: datetime | None  # its lines were kept as long as they had to be


@procedure("identity", scope=HOUSE)
def list_audit_days(after: str | None = None, limit: Limit = 50) -> Page[AuditDay]:
    """List the days of the record with their hashes, newest first.

    A day is sealed at night when it is over; its lines are kept for months, its hashes for good.
    """
