"""Letting in: `admit` is for whoever has proved the first factor, by a password or otherwise.

    admission.admit(self.db, self.redis, user.id, Coming(source, agent, device))

It gives a session or, to who has a second factor, the ticket that `finish_log_in` turns into one.
"""

from dataclasses import dataclass
from datetime import timedelta

from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from services.identity import known, passwords, sessions, store, tickets, tries
from services.identity.known import Known
from services.identity.models import RolePermission, User
from shared import audit, clock
from shared.contracts import identity as contract
from shared.contracts.audit import AuditAction
from shared.contracts.identity import UserState
from shared.errors import Denied, Unavailable
from shared.settings import settings
from shared.throttle import Bucket

WRONG = "El usuario o la contraseña no son correctos."
BY_PROVIDER = "Aquí se ingresa con la cuenta de la empresa. Use ese botón en la página de ingreso."
CLOSED = {  # who is told this has proved to be the user
    UserState.INACTIVE: "Este usuario está desactivado. Hable con el administrador.",
    UserState.AWAITED: "Su usuario todavía no empieza. Hable con el administrador.",
    UserState.ENDED: "Su usuario terminó. Hable con el administrador.",
    UserState.INVITED: "Elija primero su contraseña con el enlace del correo de invitación.",
}


@dataclass(frozen=True)
class Coming:
    """From which address, with which program and by which known browser somebody comes."""

    source: str
    agent: str = ""
    device: str = ""
    way: str = ""  # of proving the first factor, as the record tells it; empty: the password


def check_password(redis: Redis, user: User | None, password: str, counted: list[Bucket]) -> User:
    """The user whose password it is. Raises Denied, Unavailable."""
    try:
        good = passwords.matches(user.password_hash if user else None, password)
    except Unavailable:
        tries.undo(redis, counted)
        raise
    if user is None or not good:
        raise Denied(WRONG)
    return user


def check_way(db: sessionmaker[Session], user: User) -> None:
    """Where all sign in by the company's provider, a password is for who can mend that.

    Said to whom it belongs: a wrong one is answered as ever. Raises Denied.
    """
    if not settings().oidc_only:
        return
    may = (RolePermission.role == user.role) & (
        RolePermission.permission == contract.UserPermission.WRITE
    )
    with db() as session:
        if session.execute(select(RolePermission.role).where(may)).first() is None:
            raise Denied(BY_PROVIDER)


def admit(
    db: sessionmaker[Session],
    redis: Redis,
    user_id: int,
    coming: Coming,
    *,
    second_proved: bool = False,
) -> contract.Session | contract.Ticket:
    """A session or, where a second factor is set, a ticket; whoever asks has proved the first.

    With `second_proved` somebody else, whose word counts, has asked for the second.

    Raises Denied outside of the user's days of work.
    """
    with db.begin() as session:
        who = find_admitted(session, user_id)
        asks = who.second_factor and not second_proved
        if not asks:
            note(session, who, coming)
    return _give_ticket(redis, who, coming.way) if asks else start(redis, who, coming)


def find_admitted(session: Session, user_id: int) -> Known:
    """Who comes in. Raises Denied outside of the user's days of work."""
    who = known.find_known(session, user_id)
    if who is None:
        raise Denied(WRONG)
    if who.state in CLOSED:
        raise Denied(CLOSED[who.state])
    return who


def note(
    session: Session, who: Known, coming: Coming, action: AuditAction = AuditAction.LOG_IN
) -> None:
    """Put the log-in on record."""
    store.set_logged_in(session, who.actor.user_id)
    audit.record(session, action, who=who.actor, source=coming.source, purpose=coming.way)


def start(redis: Redis, who: Known, coming: Coming) -> contract.Session:
    """A new session of somebody who has proved all there is to prove."""
    token = sessions.start(redis, who.actor.user_id, coming.source, coming.agent)
    device = tries.remember_device(coming.device, who.actor.username)
    return describe(token, who).model_copy(update={"device": device})


def describe(token: str, who: Known, seconds_left: int | None = None) -> contract.Session:
    """A session as others know it, of this moment."""
    left = sessions.lifetime() if seconds_left is None else timedelta(seconds=seconds_left)
    return contract.Session(
        token=token,
        actor=who.actor,
        role_name=who.role_name,
        permissions=who.actor.permissions,
        unread=who.unread,
        expires_at=clock.now() + left,
        restricted=who.restricted,
    )


def _give_ticket(redis: Redis, who: Known, way: str) -> contract.Ticket:
    ticket = tickets.issue(redis, who.actor.user_id, who.version, way)
    return contract.Ticket(ticket=ticket, expires_at=clock.now() + tickets.LIFETIME)
