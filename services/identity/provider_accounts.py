"""Whose the accounts of the company's provider are: by its number, never again by a name."""

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.identity import admission, store
from services.identity.known import Known
from services.identity.models import ProviderAccount
from shared import audit
from shared.contracts.audit import AuditAction
from shared.errors import Denied

WAY = "La cuenta de la empresa"  # of coming in, as the record tells it
NO_USER = (
    "Su cuenta de la empresa no tiene un usuario en Pregón. Pida al administrador que lo cree."
)
ANOTHERS = (
    "Su usuario de Pregón ya está vinculado a otra cuenta de la empresa. Hable con el "
    "administrador, que puede desvincularla."
)


def admit_owner(session: Session, issuer: str, subject: str, name: str, source: str) -> Known:
    """Whose account it is; at its first use it becomes that of the user of this name.

    Raises Denied; also outside of the user's days of work.
    """
    owner = _find_owner(session, issuer, subject)
    if owner is None:
        return _link(session, issuer, subject, name, source)
    who = admission.find_admitted(session, owner)
    used = (ProviderAccount.issuer == issuer) & (ProviderAccount.subject == subject)
    session.execute(update(ProviderAccount).where(used).values(last_used_at=func.now()))
    return who


def _find_owner(session: Session, issuer: str, subject: str) -> int | None:
    account = session.get(ProviderAccount, (issuer, subject))
    return account.user_id if account else None


def _link(session: Session, issuer: str, subject: str, name: str, source: str) -> Known:
    """By it who was invited has a way in, and needs no password."""
    user = store.find_user(session, name) if name else None
    if user is None:
        raise Denied(NO_USER)
    new = insert(ProviderAccount).values(issuer=issuer, subject=subject, user_id=user.id)
    linked = session.execute(
        new.on_conflict_do_nothing().returning(ProviderAccount.user_id)
    ).scalar_one_or_none()
    if linked is None and not is_of(session, issuer, subject, user.id):
        raise Denied(ANOTHERS)
    who = admission.find_admitted(session, user.id)
    if linked is not None:
        audit.record(session, AuditAction.PROVIDER_LINKED, who=who.actor, source=source)
    return who


def is_of(session: Session, issuer: str, subject: str, user_id: int) -> bool:
    """Whether it is this user's account."""
    found = select(ProviderAccount.user_id).where(
        ProviderAccount.issuer == issuer, ProviderAccount.subject == subject
    )
    return session.execute(found).scalar_one_or_none() == user_id


def has_one(session: Session, issuer: str, user_id: int) -> bool:
    """Whether the user signs in by this provider."""
    found = select(ProviderAccount.user_id).where(
        ProviderAccount.issuer == issuer, ProviderAccount.user_id == user_id
    )
    return session.execute(found).first() is not None


def unlink(session: Session, user_id: int) -> bool:
    """Whether there was one to take away."""
    gone = delete(ProviderAccount).where(ProviderAccount.user_id == user_id)
    return bool(session.execute(gone.returning(ProviderAccount.user_id)).all())
