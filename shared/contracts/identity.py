"""identity: users, roles, permissions, sessions."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from shared.change import Change
from shared.contract import SECRET, Actor, Event, Id, Limit, Line, Model, Page, procedure
from shared.permissions import Permission
from shared.permissions import Role as Role
from shared.scope import HOUSE, OPEN, SELF
from shared.words import Term


class UserPermission(Permission):
    """On users, and on the product itself."""

    WRITE = "user.write", "Administrar usuarios", Role.ADMIN
    READ_OPERATIONS = "operations.read", "Ver la operación del sistema", Role.ADMIN


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
    full_name: Annotated[Line, Field(min_length=3, max_length=120)]
    role: Role
    password: Password


class UserChange(Change, of=NewUser, but={"username"}):
    """What to change of a user. A new password, role or state ends all sessions."""

    active: bool


class Session(Model):
    """A running log-in: the cookie's or bearer token's meaning."""

    token: str
    actor: Actor
    permissions: frozenset[str]
    expires_at: datetime
    unread: int = 0  # notices
    device: str = ""  # after a log-in: the word that the browser shows at the next one


class OpenSession(Model):
    """A log-in of a user that has not ended."""

    name: str  # tells it from the user's others
    current: bool  # it is the one that asks
    started_at: datetime | None  # None: before this was kept
    source: str  # network address
    agent: str  # the program, as it calls itself
    expires_at: datetime  # unless it is used


@procedure("identity", scope=OPEN)
def log_in(username: str, password: str, source: str, device: str = "", agent: str = "") -> Session:
    """Start a session.

    `source` is the caller's network address, for the throttle and the user's list of sessions, as
    `agent` is, the program; `device` is what an earlier session gave: with it others' failures
    make nobody wait.

    Denied: the pair is wrong (which of the two is not told), the user is deactivated or, with the
    seconds to wait as field `retry_after`, the user or the source failed too often.
    """


@procedure("identity", scope=OPEN)
def get_session(token: str) -> Session:
    """Get the session of a token.

    Denied: it expired, ended or never was.
    """


@procedure("identity", scope=OPEN)
def log_out(token: str) -> None:
    """End a session; an unknown one is no error."""


@procedure("identity", scope=SELF)
def list_sessions(token: Annotated[str, SECRET]) -> list[OpenSession]:
    """List the actor's sessions, newest first; `token` is that of the one that asks."""


@procedure("identity", scope=SELF)
def end_session(name: str) -> None:
    """End one of the actor's sessions.

    NotFound: the actor has none of that name, or not any more.
    """


@procedure("identity", scope=SELF)
def end_other_sessions(token: Annotated[str, SECRET]) -> None:
    """End all of the actor's sessions but that of the token."""


@procedure("identity", scope=SELF)
def change_password(
    token: Annotated[str, SECRET], current: Annotated[str, SECRET], password: Password, source: str
) -> None:
    """Give the actor another password; all sessions but that of the token end.

    Denied: too many wrong ones were given, with the seconds to wait as field `retry_after`.
    Invalid: `current` is not the present one, or `password` is guessed with ease.
    """


@procedure("identity", scope=HOUSE)
def list_users(role: Role | None = None, after: str | None = None, limit: Limit = 50) -> Page[User]:
    """List users by username.

    Of one role or of all, deactivated ones too.
    """


@procedure("identity", scope=HOUSE)
def get_user(user_id: Id) -> User:
    """Get a user.

    NotFound: there is no such user.
    """


@procedure(
    "identity",
    scope=HOUSE,
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

    Invalid: a field is wrong, the username is taken, or the password is guessed with ease.
    """


@procedure("identity", scope=HOUSE, example={"role": "supervisor", "version": 1})
def update_user(user_id: Id, change: UserChange) -> User:
    """Change what is sent of a user.

    A new password, role or state ends all sessions of the user. With `version`, as the user was
    read, nobody's later change is overwritten.

    NotFound: there is no such user.
    Conflict: no active administrator would be left, or somebody changed the user after that
    `version`.
    Invalid: a field is wrong, or the password is guessed with ease.
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


@procedure("identity", scope=SELF)
def list_notices(after: str | None = None, limit: Limit = 50) -> Page[Notice]:
    """List what the user was told, newest first.

    Notices are kept for 90 days.
    """


@procedure("identity", scope=SELF)
def open_notice(notice_id: Id) -> Notice:
    """Get one of the user's notices, which is read by that.

    `link` is the path of the page that it is about, empty for none.

    NotFound: the user was not told this.
    """


@procedure("identity", scope=SELF)
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
