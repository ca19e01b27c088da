"""The doors of identity."""

from datetime import timedelta

from redis import Redis
from sqlalchemy.orm import Session

from services.identity import notices, passwords, sessions, store, strength, tries
from services.identity.audit_doors import AuditDoors
from services.identity.models import User
from shared import audit, clock, edits, outbox, trace
from shared.contract import Actor, Page
from shared.contracts import identity as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.errors import Conflict, Denied, Invalid, NotFound, Unavailable
from shared.events import on_event
from shared.permissions import granted
from shared.redis import RedisClient
from shared.rpc import command, query, rpc
from shared.throttle import Bucket

WRONG = "El usuario o la contraseña no son correctos."
EXPIRED = "La sesión expiró. Ingrese de nuevo."


class IdentityService(AuditDoors):
    """Users, roles, sessions."""

    name = "identity"

    redis: Redis = RedisClient()

    @rpc(contract.log_in)
    def log_in(
        self, username: str, password: str, source: str, device: str = "", agent: str = ""
    ) -> contract.Session:
        """The password is checked outside of any transaction: Argon2 takes its time."""
        username = username.strip().lower()
        counted = tries.begin(self.redis, username, source, device)
        with self.db() as session:
            found = store.find_user(session, username)
        try:
            user = self._check_password(found, password, counted)
            tries.succeed(self.redis, counted)
            _refuse_inactive(user)
        except Denied:
            self._record_failure(found, username, source)
            raise
        with self.db.begin() as session:
            store.set_logged_in(session, user.id)
            audit.record(session, AuditAction.LOG_IN, who=_actor(user), source=source)
        opened = self._session(sessions.start(self.redis, user.id, source, agent), user)
        return opened.model_copy(update={"device": tries.remember_device(device, username)})

    def _check_password(self, user: User | None, password: str, counted: list[Bucket]) -> User:
        """The user whose password it is. Raises Denied, Unavailable."""
        try:
            good = passwords.matches(user.password_hash if user else None, password)
        except Unavailable:
            tries.undo(self.redis, counted)
            raise
        if user is None or not good:
            raise Denied(WRONG)
        return user

    def _record_failure(self, user: User | None, username: str, source: str) -> None:
        """Who is known by name; what else was typed may be a password, and is hashed."""
        who = _actor(user) if user else None
        tried = {} if user else {"username_tried": username}
        with self.db.begin() as session:
            audit.record(session, AuditAction.LOG_IN_FAILED, who=who, after=tried, source=source)

    @query(contract.get_session)
    def get_session(self, session: Session, token: str) -> contract.Session:
        """Role and state are read anew, so a change acts on the next click."""
        found = sessions.find(self.redis, token)
        if found is None:
            raise Denied(EXPIRED)
        user = store.get_user(session, found.user_id)
        if not user.active:
            raise Denied(EXPIRED)
        unread = notices.count_unread(session, user.id)
        return self._session(token, user, found.seconds_left, unread)

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
            self._check_password(store.get_user(session, actor.user_id), current, counted)
        except Denied:
            raise Invalid.field("current", "No es su contraseña actual.") from None
        tries.succeed(self.redis, counted)
        strength.check(password, actor.username, actor.full_name)
        values = {"password_hash": passwords.make_hash(password)}
        store.set_user(session, actor.user_id, values)
        audit.record(session, AuditAction.PASSWORD_CHANGED, source=source)
        sessions.end_all(self.redis, actor.user_id, but=token)

    @query(contract.list_users)
    def list_users(
        self,
        session: Session,
        role: contract.Role | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[contract.User]:
        found = store.list_users(session, role, after, limit)
        return Page.cut(found, contract.User.model_validate)

    @query(contract.get_user)
    def get_user(self, session: Session, user_id: int) -> contract.User:
        return contract.User.model_validate(store.get_user(session, user_id))

    @command(contract.create_user)
    def create_user(self, session: Session, new: contract.NewUser) -> contract.User:
        strength.check(new.password, new.username, new.full_name)
        user = store.insert_user(session, new, passwords.make_hash(new.password))
        made = new.model_dump(exclude={"password"})
        audit.record(session, AuditAction.CREATED, AuditKind.USER, user.username, after=made)
        return contract.User.model_validate(user)

    @command(contract.update_user)
    def update_user(
        self, session: Session, user_id: int, change: contract.UserChange
    ) -> contract.User:
        """A new password, role or state ends the user's sessions."""
        sent = change.sent()
        if "password" in sent:
            known = store.get_user(session, user_id)
            strength.check(sent["password"], known.username, known.full_name)
            sent["password_hash"] = passwords.make_hash(sent.pop("password"))
        user = store.get_user(session, user_id, lock=True)
        edits.refuse_stale(change.version, user, thing="este usuario", again="abrirlo")
        values = {name: value for name, value in sent.items() if value != getattr(user, name)}
        if values:
            before = {name: getattr(user, name) for name in values}
            user = store.set_user(session, user_id, values)
            what = (AuditAction.CHANGED, AuditKind.USER, user.username)
            audit.record(session, *what, before=before, after=values)
        if store.count_active_admins(session) == 0:
            raise Conflict("Debe quedar al menos un administrador activo.")
        if {"password_hash", "role", "active"} & values.keys():
            sessions.end_all(self.redis, user_id)
        return contract.User.model_validate(user)

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

    def _session(
        self, token: str, user: User, seconds_left: int | None = None, unread: int = 0
    ) -> contract.Session:
        return contract.Session(
            token=token,
            actor=_actor(user),
            permissions=granted(user.role),
            unread=unread,
            expires_at=clock.now()
            + (
                timedelta(seconds=seconds_left) if seconds_left is not None else sessions.lifetime()
            ),
        )


def _actor(user: User) -> Actor:
    """A user as rooms know one."""
    return Actor(user_id=user.id, username=user.username, full_name=user.full_name, role=user.role)


def _refuse_inactive(user: User) -> None:
    if not user.active:
        raise Denied("Este usuario está desactivado. Hable con el administrador.")
