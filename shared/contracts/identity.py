"""identity: users, roles, permissions, teams, sessions."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from shared import clock
from shared.change import Change
from shared.contract import SECRET, Actor, Day, Event, Id, Limit, Line, Model, Page, procedure
from shared.contracts.audit import AuditDay as AuditDay
from shared.contracts.audit import Audited as Audited
from shared.contracts.audit import AuditEntry as AuditEntry
from shared.contracts.audit import list_audit as list_audit
from shared.contracts.audit import list_audit_days as list_audit_days
from shared.contracts.audit import list_viewers as list_viewers
from shared.contracts.audit import record_export as record_export
from shared.contracts.password_links import LinkHolder as LinkHolder
from shared.contracts.password_links import LinkPurpose as LinkPurpose
from shared.contracts.password_links import LinkState as LinkState
from shared.contracts.password_links import Password as Password
from shared.contracts.password_links import PasswordLink as PasswordLink
from shared.contracts.password_links import ask_password_reset as ask_password_reset
from shared.contracts.password_links import get_link_holder as get_link_holder
from shared.contracts.password_links import get_password_link as get_password_link
from shared.contracts.password_links import send_invitation as send_invitation
from shared.contracts.password_links import use_password_link as use_password_link
from shared.contracts.provider import ProviderWay as ProviderWay
from shared.contracts.provider import Word
from shared.contracts.provider import begin_provider_log_in as begin_provider_log_in
from shared.contracts.provider import begin_provider_proof as begin_provider_proof
from shared.contracts.provider import find_provider_log_out as find_provider_log_out
from shared.contracts.provider import finish_provider_proof as finish_provider_proof
from shared.contracts.provider import unlink_provider_account as unlink_provider_account
from shared.contracts.roles import Grant as Grant
from shared.contracts.roles import NewRole as NewRole
from shared.contracts.roles import PermissionCode
from shared.contracts.roles import RoleChange as RoleChange
from shared.contracts.roles import UserRole as UserRole
from shared.contracts.roles import create_role as create_role
from shared.contracts.roles import delete_role as delete_role
from shared.contracts.roles import get_role as get_role
from shared.contracts.roles import list_roles as list_roles
from shared.contracts.roles import update_role as update_role
from shared.contracts.second_factor import Code
from shared.contracts.second_factor import NewSecret as NewSecret
from shared.contracts.second_factor import RecoveryCodes as RecoveryCodes
from shared.contracts.second_factor import SecondFactor as SecondFactor
from shared.contracts.second_factor import Ticket as Ticket
from shared.contracts.second_factor import get_second_factor as get_second_factor
from shared.contracts.second_factor import prepare_second_factor as prepare_second_factor
from shared.contracts.second_factor import remove_second_factor as remove_second_factor
from shared.contracts.second_factor import renew_recovery_codes as renew_recovery_codes
from shared.contracts.second_factor import reset_second_factor as reset_second_factor
from shared.contracts.second_factor import set_second_factor as set_second_factor
from shared.contracts.staff import RoleCode as RoleCode
from shared.contracts.staff import TimeOfDay, Username
from shared.contracts.staff import Weekday as Weekday
from shared.contracts.teams import Member as Member
from shared.contracts.teams import NewMember as NewMember
from shared.contracts.teams import NewTeam as NewTeam
from shared.contracts.teams import Team as Team
from shared.contracts.teams import TeamChange as TeamChange
from shared.contracts.teams import TeamRow as TeamRow
from shared.contracts.teams import TeamState as TeamState
from shared.contracts.teams import add_member as add_member
from shared.contracts.teams import create_team as create_team
from shared.contracts.teams import end_member as end_member
from shared.contracts.teams import get_team as get_team
from shared.contracts.teams import list_teams as list_teams
from shared.contracts.teams import update_team as update_team
from shared.contracts.tokens import Admission as Admission
from shared.contracts.tokens import IssuedToken as IssuedToken
from shared.contracts.tokens import NewToken as NewToken
from shared.contracts.tokens import Token as Token
from shared.contracts.tokens import TokenPermission as TokenPermission
from shared.contracts.tokens import TokenRefusal as TokenRefusal
from shared.contracts.tokens import TokenState as TokenState
from shared.contracts.tokens import check_api_token as check_api_token
from shared.contracts.tokens import create_api_token as create_api_token
from shared.contracts.tokens import get_api_token as get_api_token
from shared.contracts.tokens import list_api_tokens as list_api_tokens
from shared.contracts.tokens import list_own_api_tokens as list_own_api_tokens
from shared.contracts.tokens import revoke_api_token as revoke_api_token
from shared.contracts.views import ListChoice as ListChoice
from shared.contracts.views import ListView as ListView
from shared.contracts.views import NewListView as NewListView
from shared.contracts.views import create_list_view as create_list_view
from shared.contracts.views import delete_list_view as delete_list_view
from shared.contracts.views import get_list_choice as get_list_choice
from shared.contracts.views import set_list_choice as set_list_choice
from shared.lists import Column, Done, Filter, Ids, Listing, Noun, order_of
from shared.permissions import Permission
from shared.permissions import Role as Role
from shared.personal import IDENTIFYING
from shared.scope import HOUSE, OPEN, SELF
from shared.words import Term


class UserPermission(Permission):
    """On users, and on the product itself."""

    WRITE = "user.write", "Administrar usuarios y roles", Role.ADMIN
    WRITE_TEAMS = "team.write", "Administrar equipos", Role.ADMIN
    READ_OPERATIONS = "operations.read", "Ver la operación del sistema", Role.ADMIN


# What is done in person alone, so that no token leads to another or outlives its user's rights
IN_PERSON = frozenset({UserPermission.WRITE, TokenPermission.WRITE})


class UserState(Term):
    """Whether a user may log in."""

    ACTIVE = "active", "Activo"
    INACTIVE = "inactive", "Desactivado"
    AWAITED = "awaited", "Por empezar"  # the first day is still to come …
    ENDED = "ended", "Terminado"  # … or the last one is over
    INVITED = "invited", "Invitado"  # has no way in yet


def state_of(
    *, active: bool, starts_on: date | None, ends_on: date | None, invited: bool = False
) -> UserState:
    """Of a user with these first and last days of work, today in Ecuador."""
    today = clock.today()
    if not active:
        return UserState.INACTIVE
    if starts_on is not None and today < starts_on:
        return UserState.AWAITED
    if ends_on is not None and ends_on < today:
        return UserState.ENDED
    return UserState.INVITED if invited else UserState.ACTIVE


class User(Model):
    """A person who can log in, never with the password."""

    id: int
    username: str
    full_name: str
    role: str  # a role's code
    role_name: str
    team: str | None = None  # the name of the one that the user is in today
    email: Annotated[str | None, IDENTIFYING] = None  # where the user's own letters go
    active: bool
    invited: bool = False  # has no way in yet: neither password nor provider's account
    has_password: bool = True
    starts_on: date | None = None  # the first and the last day that the user may log in
    ends_on: date | None = None
    work_days: list[Weekday] = []
    work_from: str | None = None  # HH:MM in Ecuador
    work_until: str | None = None
    last_login_at: datetime | None
    second_factor: bool = False  # asked for after the password
    provider_account: bool = False  # signs in by the company's provider
    version: int  # grows with each change, not with a log-in

    @property
    def state(self) -> UserState:
        """As a page names it, of today."""
        return state_of(
            active=self.active,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            invited=self.invited,
        )


class NewUser(Model):
    """A user to create."""

    username: Username
    full_name: Annotated[Line, Field(min_length=3, max_length=120)]
    role: RoleCode
    email: Annotated[str | None, Field(max_length=254), IDENTIFYING] = None
    password: Password | None = None  # None: the mail's link lets the user choose one
    starts_on: Day | None = None  # None: no first, no last day
    ends_on: Day | None = None
    work_days: Annotated[list[Weekday], Field(max_length=7)] = []
    work_from: TimeOfDay | None = None
    work_until: TimeOfDay | None = None


class UserChange(Change, of=NewUser, but={"username"}):
    """What to change of a user. A new password, role or state ends all sessions."""

    active: bool
    password: Password  # no change takes it away


class Session(Model):
    """A running log-in: the cookie's or bearer token's meaning."""

    token: str
    actor: Actor
    role_name: str
    permissions: frozenset[str]
    expires_at: datetime
    unread: int = 0  # notices
    device: str = ""  # after a log-in: the word that the browser shows at the next one
    restricted: bool = False  # may only set up the second factor that the role requires


class OpenSession(Model):
    """A log-in of a user that has not ended."""

    name: str  # tells it from the user's others
    current: bool  # it is the one that asks
    started_at: datetime | None  # None: before this was kept
    source: str  # network address
    agent: str  # the program, as it calls itself
    expires_at: datetime  # unless it is used


@procedure("identity", scope=OPEN)
def log_in(
    username: str, password: str, source: str, device: str = "", agent: str = ""
) -> Session | Ticket:
    """Start a session or, for who has a second factor, give the ticket to `finish_log_in`.

    `source` is the caller's network address, for the throttle and the user's list of sessions, as
    `agent` is, the program; `device` is what an earlier session gave: with it others' failures
    make nobody wait.

    Denied: the pair is wrong (which of the two is not told), the user is deactivated or, with the
    seconds to wait as field `retry_after`, the user or the source failed too often.
    """


@procedure("identity", scope=OPEN)
def finish_log_in(
    ticket: Annotated[str, SECRET], code: Code, source: str, device: str = "", agent: str = ""
) -> Session:
    """Start the session of a ticket by a code, six digits or a recovery code.

    Denied: the ticket is used or too old, the user is deactivated or, with the seconds to wait as
    field `retry_after`, too many codes were wrong.
    Invalid: the code is wrong, or was used already.
    """


@procedure("identity", scope=OPEN)
def finish_provider_log_in(
    kept: Word, state: Word, code: Word, source: str, device: str = "", agent: str = ""
) -> Session | Ticket:
    """End a sign-in by what the provider sent the browser back with; good once.

    At the first one the provider's account becomes the user's whom it names; from then on nothing
    but its `sub` counts. Nobody becomes a user by it.

    Denied: it was not begun in this browser, or too long ago, or is used; what the provider says
    cannot be proved; the account is no active user's; or, with the seconds to wait as field
    `retry_after`, the source failed too often.
    Conflict: there is no provider.
    Unavailable: it does not answer.
    """


@procedure("identity", scope=OPEN)
def get_session(token: str) -> Session:
    """Get the session of a token.

    Denied: it expired, ended or never was.
    """


@procedure("identity", scope=OPEN)
def log_out(token: str) -> None:
    """End a session; an unknown one is no error."""


@procedure("identity", scope=SELF, in_person=True)
def list_sessions(token: Annotated[str, SECRET]) -> list[OpenSession]:
    """List the actor's sessions, newest first; `token` is that of the one that asks."""


@procedure("identity", scope=SELF, in_person=True)
def end_session(name: str) -> None:
    """End one of the actor's sessions.

    NotFound: the actor has none of that name, or not any more.
    """


@procedure("identity", scope=SELF, in_person=True)
def end_other_sessions(token: Annotated[str, SECRET]) -> None:
    """End all of the actor's sessions but that of the token."""


@procedure("identity", scope=SELF, in_person=True)
def change_password(
    token: Annotated[str, SECRET], current: Annotated[str, SECRET], password: Password, source: str
) -> None:
    """Give the actor another password; all sessions but that of the token end.

    Denied: too many wrong ones were given, with the seconds to wait as field `retry_after`.
    Invalid: `current` is not the present one, or `password` is guessed with ease.
    """


@procedure("identity", scope=HOUSE)
def list_users(
    role: RoleCode | None = None,
    permission: PermissionCode | None = None,
    search: str | None = None,
    order: Annotated[
        str, order_of("username", "full_name", "role", "last_login_at", "starts_on", "ends_on")
    ] = "username",
    after: str | None = None,
    limit: Limit = 50,
    *,
    active: bool | None = None,
    count: bool = False,
) -> Page[User]:
    """List users by username, or sorted by one of the fields named; `-` for the last first.

    Of one role, of the roles with a permission, or of all; those who cannot log in too. `search`
    is parts of words of name, username or mail address, in any order and whatever their accents.
    With `count` the answer tells how many match. Who never logged in stands as the first.
    """


USERS = Listing(
    list_users,
    Noun("usuario", "usuarios"),
    columns=(
        Column("full_name", "Nombre"),
        Column("username", "Usuario", wide="sm"),
        Column("role_name", "Rol"),
        Column("team", "Equipo", wide="lg"),
        Column("state", "Estado"),
        Column("last_login_at", "Último ingreso", wide="md"),
        Column("email", "Correo", first=False),
        Column("starts_on", "Desde", first=False),
        Column("ends_on", "Hasta", first=False),
        Column("second_factor", "Segundo factor", first=False),
    ),
    filters=(
        Filter("role", "Rol"),
        Filter("active", "Estado", words=("Activos", "Desactivados")),
    ),
    sought="Nombre, usuario o correo",
)


@procedure("identity", scope=HOUSE, in_person=True)
def set_users_active(user_ids: Ids, *, active: bool) -> Done:
    """Activate or deactivate users, each by itself; who is deactivated is logged out at once.

    Those who are so already count as done; the last administrator is refused.
    """


@procedure("identity", scope=HOUSE)
def get_user(user_id: Id) -> User:
    """Get a user.

    Never with the password.

    NotFound: there is no such user.
    """


@procedure(
    "identity",
    scope=HOUSE,
    in_person=True,
    example={
        "username": "lgomez",
        "full_name": "Luis Gómez",
        "role": "advisor",
        "password": "una clave larga",
    },
)
def create_user(new: NewUser) -> User:
    """Create a user who can log in.

    The password is kept only as a hash; without one the user is sent a link to choose it.

    Invalid: a field is wrong, the username or an active user's mail address is taken, there is no
    such role, the password is guessed with ease, or there is neither password nor address.
    """


@procedure("identity", scope=HOUSE, in_person=True, example={"role": "supervisor", "version": 1})
def update_user(user_id: Id, change: UserChange) -> User:
    """Change what is sent of a user.

    A new password, role or state ends all sessions of the user; outside of the first and the last
    day of work there is none. With `version`, as the user was read, nobody's later change is
    overwritten.

    NotFound: there is no such user.
    Conflict: nobody would be left who may administer users and has no last day, or somebody
    changed the user after that `version`.
    Invalid: a field is wrong, there is no such role, another active user has this mail address, or
    the password is guessed with ease.
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
