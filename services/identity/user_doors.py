"""The doors of identity for users."""

from functools import partial
from typing import Any

from redis import Redis
from sqlalchemy.orm import Session

from services.identity import password_links, passwords, roles, sessions, store, strength
from services.identity.models import User
from services.identity.password_links import ChangedBy
from shared import audit, edits
from shared.contract import Page
from shared.contracts import identity as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.errors import Invalid
from shared.keyset import Asked
from shared.lists import Done
from shared.mail_address import read_mail_address
from shared.many import for_each
from shared.redis import RedisClient
from shared.room import Room
from shared.rpc import command, query
from shared.settings import settings

_ENDS_SESSIONS = {"password_hash", "role", "active"}
NO_WAY_IN = "Escriba el correo, al que se envía la invitación, o una contraseña."
_MAY_LOCK_OUT = {"role", "active", "starts_on", "ends_on"}


class UserDoors(Room):
    """Who can log in, as what, and from when to when."""

    redis: Redis = RedisClient()

    @query(contract.list_users)
    def list_users(
        self,
        session: Session,
        role: str | None = None,
        permission: str | None = None,
        search: str | None = None,
        order: str = "username",
        after: str | None = None,
        limit: int = 50,
        *,
        active: bool | None = None,
        count: bool = False,
    ) -> Page[contract.User]:
        wanted = store.Wanted(role, permission, search, active)
        found = store.list_users(session, wanted, Asked(order, after, limit, count))
        return Page.cut(found, contract.User.model_validate)

    @query(contract.get_user)
    def get_user(self, session: Session, user_id: int) -> contract.User:
        return contract.User.model_validate(store.get_user(session, user_id))

    @command(contract.create_user)
    def create_user(self, session: Session, new: contract.NewUser) -> contract.User:
        """Whoever has no password is sent a link to choose one."""
        _check_times(new.model_dump())
        new = new.model_copy(update={"email": _read_mail(new.email)})
        user = store.insert_user(session, new, _hash_first(new))
        made = new.model_dump(exclude={"password"})
        audit.record(session, AuditAction.CREATED, AuditKind.USER, user.username, after=made)
        if user.invited and user.email:
            password_links.invite(session, user)
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
        if "email" in sent:
            sent["email"] = _read_mail(sent["email"])
        user = store.get_user(session, user_id, lock=True)
        edits.refuse_stale(change.version, user, thing="este usuario", again="abrirlo")
        values = {name: value for name, value in sent.items() if value != getattr(user, name)}
        if values:
            user = _set(session, user, values)
        if values.keys() & _ENDS_SESSIONS:
            sessions.end_all(self.redis, user_id)
        return contract.User.model_validate(user)

    @command(contract.set_users_active)
    def set_users_active(self, session: Session, user_ids: list[int], *, active: bool) -> Done:
        def act(user_id: int) -> None:
            user = store.get_user(session, user_id, lock=True)
            if user.active != active:
                _set(session, user, {"active": active})
                sessions.end_all(self.redis, user_id)

        return for_each(session, user_ids, act, partial(store.name_user, session))


def _set(session: Session, user: User, values: dict[str, Any]) -> User:
    """Raises Invalid; Conflict when nobody could administer users any more."""
    if "role" in values:
        store.check_role(session, values["role"])
    _check_times(vars(user) | values)
    what = (AuditAction.CHANGED, AuditKind.USER, user.username)
    audit.record(session, *what, before=vars(user).copy(), after=values)
    if "password_hash" in values:
        password_links.tell_changed(session, user, ChangedBy.ADMINISTRATOR)
    changed = store.set_user(session, user.id, values)
    if values.keys() & _MAY_LOCK_OUT:
        roles.check_administrators(session)
    return changed


def _read_mail(text: str | None) -> str | None:
    try:
        return read_mail_address(text) if text else None
    except ValueError as error:
        raise Invalid.field("email", str(error)) from None


def _hash_first(new: contract.NewUser) -> str | None:
    """Of the first password; None for who is invited, or comes by the provider. Raises Invalid."""
    if new.password is not None:
        strength.check(new.password, new.username, new.full_name)
        return passwords.make_hash(new.password)
    if new.email is None and not settings().oidc_issuer:
        raise Invalid.field("email", NO_WAY_IN)
    return None


def _check_times(values: dict[str, Any]) -> None:
    starts_on, ends_on = values["starts_on"], values["ends_on"]
    if starts_on and ends_on and ends_on < starts_on:
        raise Invalid.field("ends_on", "El último día va después del primero.")
    begins, ends = values["work_from"], values["work_until"]
    if bool(begins) != bool(ends):
        missing = "work_until" if begins else "work_from"
        raise Invalid.field(missing, "Escriba las dos horas del horario, o ninguna.")
    if begins and begins >= ends:
        raise Invalid.field("work_until", "El horario termina después de empezar.")
