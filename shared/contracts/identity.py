"""identity: users, roles, permissions, sessions."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from shared.change import Change
from shared.contract import SECRET, Actor, Event, Id, Limit, Model, Page, procedure
from shared.words import Term


class Role(Term):
    """What a user comes for; see `ROLE_PERMISSIONS` for what each may do."""

    MARKETING_HEAD = "marketing_head", "Jefe de marketing"
    ADVISOR = "advisor", "Asesor", "Asesores"
    SUPERVISOR = "supervisor", "Supervisor"
    BACKOFFICE = "backoffice", "Backoffice"
    ADMIN = "admin", "Administrador"


class Permission(Term):
    """An action a route asks for. A role that does not list it is refused."""

    CUSTOMER_READ = "customer.read", "Ver clientes"
    CUSTOMER_WRITE = "customer.write", "Crear y corregir clientes"
    CUSTOMER_IMPORT = "customer.import", "Importar clientes"
    CUSTOMER_ERASE = "customer.erase", "Eliminar los datos de un cliente"
    SEGMENT_READ = "segment.read", "Ver segmentos"
    SEGMENT_WRITE = "segment.write", "Armar segmentos"
    CAMPAIGN_READ = "campaign.read", "Ver campañas"
    CAMPAIGN_WRITE = "campaign.write", "Crear y llevar campañas"
    STATISTICS_READ = "statistics.read", "Ver estadísticas"
    DESIGN_WRITE = "design.write", "Diseñar correos"
    MAIL_READ = "mail.read", "Ver envíos"
    MAIL_SEND = "mail.send", "Enviar correo"
    ASSIGN = "assignment.write", "Asignar clientes"
    CALL_WORK = "call.work", "Llamar a clientes"
    CALL_READ_ALL = "call.read_all", "Ver las llamadas de todos"
    RISK_CHECK = "risk.check", "Consultar el riesgo"
    RISK_LOAD = "risk.load", "Cargar la central de riesgos"
    USER_WRITE = "user.write", "Administrar usuarios"
    OPERATIONS = "operations.read", "Ver la operación del sistema"


P = Permission
ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.MARKETING_HEAD: frozenset(
        {
            P.CUSTOMER_READ,
            P.CUSTOMER_WRITE,
            P.CUSTOMER_IMPORT,
            P.SEGMENT_READ,
            P.SEGMENT_WRITE,
            P.CAMPAIGN_READ,
            P.CAMPAIGN_WRITE,
            P.STATISTICS_READ,
            P.DESIGN_WRITE,
            P.MAIL_READ,
            P.MAIL_SEND,
            P.ASSIGN,
            P.CALL_READ_ALL,
        }
    ),
    Role.ADVISOR: frozenset({P.CALL_WORK, P.CUSTOMER_READ, P.RISK_CHECK}),
    Role.SUPERVISOR: frozenset(
        {
            P.ASSIGN,
            P.CALL_READ_ALL,
            P.CUSTOMER_READ,
            P.CAMPAIGN_READ,
            P.STATISTICS_READ,
            P.MAIL_READ,
            P.RISK_CHECK,
        }
    ),
    Role.BACKOFFICE: frozenset({P.CUSTOMER_READ, P.CUSTOMER_WRITE}),
    Role.ADMIN: frozenset(
        {
            P.USER_WRITE,
            P.OPERATIONS,
            P.RISK_LOAD,
            P.CUSTOMER_READ,
            P.CUSTOMER_IMPORT,
            P.CUSTOMER_ERASE,
            P.MAIL_READ,
            P.CAMPAIGN_READ,
        }
    ),
}

Username = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,39}$")]
Password = Annotated[str, Field(min_length=10, max_length=200), SECRET]


class UserState(Term):
    """Whether a user may log in."""

    ACTIVE = "active", "Activo"
    INACTIVE = "inactive", "Desactivado"


class User(Model):
    """A person who can log in, never with the password."""

    id: int
    username: str
    full_name: str
    role: Role
    active: bool
    last_login_at: datetime | None
    version: int  # grows with each change, not with a log-in

    @property
    def state(self) -> UserState:
        """As a page names it."""
        return UserState.ACTIVE if self.active else UserState.INACTIVE


class NewUser(Model):
    """A user to create."""

    username: Username
    full_name: Annotated[str, Field(min_length=3, max_length=120)]
    role: Role
    password: Password


class UserChange(Change, of=NewUser, but={"username"}):
    """What to change of a user. A new password, role or state ends all sessions."""

    active: bool


class Session(Model):
    """A running log-in: the cookie's or bearer token's meaning."""

    token: str
    actor: Actor
    permissions: frozenset[Permission]
    expires_at: datetime
    unread: int = 0  # notices


@procedure("identity")
def log_in(username: str, password: str, source: str) -> Session:
    """Start a session.

    `source` is the caller's network address, for the throttle.

    Denied: the pair is wrong (which of the two is not told), the user is deactivated or, with the
    seconds to wait as field `retry_after`, the user or the source failed too often.
    """


@procedure("identity")
def get_session(token: str) -> Session:
    """Get the session of a token.

    Denied: it expired, ended or never was.
    """


@procedure("identity")
def log_out(token: str) -> None:
    """End a session; an unknown one is no error."""


@procedure("identity")
def list_users(role: Role | None = None, after: str | None = None, limit: Limit = 50) -> Page[User]:
    """List users by username.

    Of one role or of all, deactivated ones too.
    """


@procedure("identity")
def get_user(user_id: Id) -> User:
    """Get a user.

    NotFound: there is no such user.
    """


@procedure(
    "identity",
    example={
        "username": "lgomez",
        "full_name": "Luis Gómez",
        "role": "advisor",
        "password": "una clave larga",
    },
)
def create_user(new: NewUser) -> User:
    """Create a user who can log in.

    The password is kept only as a hash.

    Invalid: a field is wrong, or the username is taken.
    """


@procedure("identity", example={"role": "supervisor", "version": 1})
def update_user(user_id: Id, change: UserChange) -> User:
    """Change what is sent of a user.

    A new password, role or state ends all sessions of the user. With `version`, as the user was
    read, nobody's later change is overwritten.

    NotFound: there is no such user.
    Conflict: no active administrator would be left, or somebody changed the user after that
    `version`.
    Invalid: a field is wrong.
    """


# --- notices ---


class Notice(Model):
    """Something a user was told."""

    id: int
    title: str
    detail: str
    link: str  # a path of the pages; empty for none
    created_at: datetime
    read: bool


@procedure("identity")
def list_notices(after: str | None = None, limit: Limit = 50) -> Page[Notice]:
    """List what the user was told, newest first.

    Notices are kept for 90 days.
    """


@procedure("identity")
def open_notice(notice_id: Id) -> Notice:
    """Get one of the user's notices, which is read by that.

    `link` is the path of the page that it is about, empty for none.

    NotFound: the user was not told this.
    """


@procedure("identity")
def read_notices() -> None:
    """Mark all of the user's notices as read.

    Those that come later are unread again.
    """


class NoticeRequested(Event, service="identity"):
    """Any room asks that users be told something; see `shared.notices`."""

    reference: str  # a user is told once for each
    usernames: list[str]
    role: Role | None = None  # all active users of it as well
    title: str
    detail: str
    link: str


class NoticesChanged(Event, service="identity"):
    """What these users were told, or have read, is another."""

    usernames: list[str]
