"""identity: users, roles, permissions, sessions."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.contract import SECRET, Actor, Event, Id, Limit, Model, Page, procedure


class Role(StrEnum):
    """What a user comes for; see `ROLE_PERMISSIONS` for what each may do."""

    MARKETING_HEAD = "marketing_head"
    ADVISOR = "advisor"
    SUPERVISOR = "supervisor"
    BACKOFFICE = "backoffice"
    ADMIN = "admin"


class Permission(StrEnum):
    """An action a route asks for. A role that does not list it is refused."""

    CUSTOMER_READ = "customer.read"
    CUSTOMER_WRITE = "customer.write"
    CUSTOMER_IMPORT = "customer.import"
    CUSTOMER_ERASE = "customer.erase"
    SEGMENT_READ = "segment.read"
    SEGMENT_WRITE = "segment.write"
    CAMPAIGN_READ = "campaign.read"
    CAMPAIGN_WRITE = "campaign.write"
    STATISTICS_READ = "statistics.read"
    DESIGN_WRITE = "design.write"
    MAIL_READ = "mail.read"
    MAIL_SEND = "mail.send"
    ASSIGN = "assignment.write"
    CALL_WORK = "call.work"
    CALL_READ_ALL = "call.read_all"
    RISK_CHECK = "risk.check"
    RISK_LOAD = "risk.load"
    USER_WRITE = "user.write"
    OPERATIONS = "operations.read"


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


class User(Model):
    """A person who can log in, never with the password."""

    id: int
    username: str
    full_name: str
    role: Role
    active: bool
    last_login_at: datetime | None


class NewUser(Model):
    """A user to create."""

    username: Username
    full_name: Annotated[str, Field(min_length=3, max_length=120)]
    role: Role
    password: Password


class UserChange(Model):
    """What to change of a user; None leaves it as it is. A new password ends all sessions."""

    full_name: Annotated[str, Field(min_length=3, max_length=120)] | None = None
    role: Role | None = None
    active: bool | None = None
    password: Password | None = None


class Session(Model):
    """A running log-in: the cookie's or bearer token's meaning."""

    token: str
    actor: Actor
    permissions: frozenset[Permission]
    expires_at: datetime
    unread: int = 0  # notices


@procedure("identity")
def log_in(username: str, password: str, source: str) -> Session:
    """Start a session; `source` is the caller's network address, for the throttle.

    Raises Denied for a wrong pair (which of the two is not told), and with the seconds to wait as
    field `retry_after` after too many failures of the same user or source.
    """


@procedure("identity")
def get_session(token: str) -> Session:
    """The session of a token. Raises Denied when it expired, ended or never was."""


@procedure("identity")
def log_out(token: str) -> None:
    """End a session; an unknown one is no error."""


@procedure("identity")
def list_users(role: Role | None = None, after: str | None = None, limit: Limit = 50) -> Page[User]:
    """Users by username."""


@procedure("identity")
def get_user(user_id: Id) -> User:
    """One user. Raises NotFound."""


@procedure("identity")
def create_user(new: NewUser) -> User:
    """Raises Invalid when the username is taken."""


@procedure("identity")
def update_user(user_id: Id, change: UserChange) -> User:
    """Raises NotFound; Conflict when the last active administrator would be lost."""


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
    """The actor's notices, newest first."""


@procedure("identity")
def open_notice(notice_id: Id) -> Notice:
    """One of the actor's notices, which is read by that. Raises NotFound for another's."""


@procedure("identity")
def read_notices() -> None:
    """All the actor's notices are read."""


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
