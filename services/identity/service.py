"""The doors of identity."""

from datetime import timedelta

from redis import Redis
from sqlalchemy.orm import Session

from services.identity import (
    admission,
    known,
    notices,
    password_links,
    passwords,
    sessions,
    store,
    strength,
    tries,
)
from services.identity.admission import Coming
from services.identity.audit_doors import AuditDoors
from services.identity.models import User
from services.identity.password_link_doors import PasswordLinkDoors
from services.identity.password_links import ChangedBy
from services.identity.provider_doors import ProviderDoors
from services.identity.role_doors import RoleDoors
from services.identity.second_factor_doors import SecondFactorDoors
from services.identity.team_doors import TeamDoors
from services.identity.token_doors import TokenDoors
from services.identity.user_doors import UserDoors
from services.identity.view_doors import ViewDoors
from shared import audit, clock, outbox, trace
from shared.contract import Actor, Page
from shared.contracts import identity as contract
from shared.contracts.audit import AuditAction
from shared.contracts.identity import UserState
from shared.errors import Denied, Invalid, NotFound
from shared.events import on_event
from shared.redis import RedisClient
from shared.rpc import command, query, rpc

EXPIRED = "La sesión expiró. Ingrese de nuevo."


class IdentityService(
    UserDoors,
    PasswordLinkDoors,
    SecondFactorDoors,
    ProviderDoors,
    RoleDoors,
    TeamDoors,
    TokenDoors,
    AuditDoors,
    ViewDoors,
):
    """Sessions and notices here; users, roles, teams, tokens and the record beside it."""

    name = "identity"

    redis: Redis = RedisClient()

    @rpc(contract.log_in)
    def log_in(
        self, username: str, password: str, source: str, device: str = "", agent: str = ""
    ) -> contract.Session | contract.Ticket:
        """The password is checked outside of any transaction: Argon2 takes its time."""
        username = username.strip().lower()
        counted = tries.begin(self.redis, username, source, device)
        with self.db() as session:
            found = store.find_user(session, username)
        try:
            user = admission.check_password(self.redis, found, password, counted)
            tries.succeed(self.redis, counted)
            admission.check_way(self.db, user)
            return admission.admit(self.db, self.redis, user.id, Coming(source, agent, device))
        except Denied:
            self._record_failure(found, username, source)
            raise

    def _record_failure(self, user: User | None, username: str, source: str) -> None:
        """Who is known by name; what else was typed may be a password, and is hashed."""
        who = _actor(user) if user else None
        tried = {} if user else {"username_tried": username}
        with self.db.begin() as session:
            audit.record(session, AuditAction.LOG_IN_FAILED, who=who, after=tried, source=source)

    @query(contract.get_session)
    def get_session(self, session: Session, token: str) -> contract.Session:
        """Role, permissions, team and state are read anew, so a change acts on the next click."""
        found = sessions.find(self.redis, token)
        if found is None:
            raise Denied(EXPIRED)
        who = known.find_known(session, found.user_id)
        if who is None or who.state is not UserState.ACTIVE:
            raise Denied(EXPIRED)
        return admission.describe(token, who, found.seconds_left)

    @rpc(contract.log_out)
    def log_out(self, token: str) -> None:
        """Nothing is told about whether the token was good."""
        sessions.end(self.redis, token)

    @rpc(contract.list_sessions)
    def list_sessions(self, token: str) -> list[contract.OpenSession]:
        """Of the actor alone."""
        own = sessions.name_of(token)
        return [
            contract.OpenSession(
                name=found.name,
                current=found.name == own,
                started_at=found.started_at,
                source=found.source,
                agent=found.agent,
                expires_at=clock.now() + timedelta(seconds=found.seconds_left),
            )
            for found in sessions.list_open(self.redis, trace.actor().user_id)
        ]

    @rpc(contract.end_session)
    def end_session(self, name: str) -> None:
        if not sessions.end_named(self.redis, trace.actor().user_id, name):
            raise NotFound("Esa sesión ya terminó.")
        self._record_end()

    @rpc(contract.end_other_sessions)
    def end_other_sessions(self, token: str) -> None:
        sessions.end_all(self.redis, trace.actor().user_id, but=token)
        self._record_end()

    def _record_end(self) -> None:
        with self.db.begin() as session:
            audit.record(session, AuditAction.SESSIONS_ENDED)

    @command(contract.change_password)
    def change_password(
        self, session: Session, token: str, current: str, password: str, source: str
    ) -> None:
        """Guesses at the present one are counted as those of a log-in."""
        actor = trace.actor()
        counted = tries.begin(self.redis, actor.username, source, "")
        try:
            own = store.get_user(session, actor.user_id)
            admission.check_password(self.redis, own, current, counted)
        except Denied:
            raise Invalid.field("current", "No es su contraseña actual.") from None
        tries.succeed(self.redis, counted)
        strength.check(password, actor.username, actor.full_name)
        values = {"password_hash": passwords.make_hash(password)}
        password_links.tell_changed(session, own, ChangedBy.ONESELF)
        store.set_user(session, actor.user_id, values)
        audit.record(session, AuditAction.PASSWORD_CHANGED, source=source)
        sessions.end_all(self.redis, actor.user_id, but=token)

    # --- notices ---

    @query(contract.list_notices)
    def list_notices(
        self, session: Session, after: str | None = None, limit: int = 50
    ) -> Page[contract.Notice]:
        found = notices.list_notices(session, trace.actor().user_id, after, limit)
        return Page.cut(found, contract.Notice.model_validate)

    @command(contract.open_notice)
    def open_notice(self, session: Session, notice_id: int) -> contract.Notice:
        user = trace.actor()
        notice = notices.get_notice(session, user.user_id, notice_id)
        if notices.set_read(session, user.user_id, notice_id):
            outbox.add(session, contract.NoticesChanged(usernames=[user.username]))
        return contract.Notice.model_validate(notice)

    @command(contract.read_notices)
    def read_notices(self, session: Session) -> None:
        user = trace.actor()
        if notices.set_read(session, user.user_id):
            outbox.add(session, contract.NoticesChanged(usernames=[user.username]))

    @on_event(contract.NoticeRequested)
    def on_notice_requested(self, session: Session, event: contract.NoticeRequested) -> None:
        """Announced (`NoticesChanged`) to the pages of those who are told."""
        if told := notices.insert_notices(session, event):
            outbox.add(session, contract.NoticesChanged(usernames=told))


def _actor(user: User) -> Actor:
    """A user by name alone, as the record tells of one who was not let in."""
    return Actor(user_id=user.id, username=user.username, full_name=user.full_name, role=user.role)
