"""SOAP clients: their SQL, their secrets, and how the door learns of them.

A secret has 256 bits that nobody chose, of which only the SHA-256 is kept: nobody tries out 256
bits, so a slow hash would cost each question and protect nothing.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from redis import Redis
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.risk_central import questions, roster
from services.risk_central.models import SoapClient, SoapQuestion
from shared import clock, edits, keyset, outbox
from shared.contract import Slice
from shared.contracts import soap_clients as contract
from shared.errors import Conflict, Invalid, NotFound
from shared.settings import settings

TELL = "risk_central.tell_clients"
TAKEN = "Ya hay un cliente con ese nombre. Elija otro."
OWN = "Ese es el usuario propio de la empresa. Elija otro."


def list_clients(session: Session, after: str | None, limit: int) -> Slice[Any]:
    """(client, when it asked last, …), by name."""
    query = select(SoapClient, _LAST_ASKED)
    return keyset.fetch(session, query, [SoapClient.name], after, limit)


_LAST_ASKED = (
    select(SoapQuestion.at)
    .where(SoapQuestion.client == SoapClient.name)
    .order_by(SoapQuestion.id.desc())
    .limit(1)
    .scalar_subquery()
)


def get_client(session: Session, name: str, *, lock: bool = False) -> SoapClient:
    """One client, the row locked when asked. Raises NotFound."""
    found = session.get(SoapClient, name, with_for_update=lock)
    if found is None:
        raise NotFound("El cliente no existe.")
    return found


def last_asked_at(session: Session, name: str) -> datetime | None:
    """As far as questions were taken in."""
    return session.execute(select(_LAST_ASKED).where(SoapClient.name == name)).scalar()


def insert_client(session: Session, new: contract.NewSoapClient, by: str) -> tuple[SoapClient, str]:
    """A new client and its secret, which nobody can make again. Raises Invalid."""
    if new.name == settings().soap_user:
        raise Invalid.field("name", OWN)
    secret, kept = _new_secret()
    values = new.model_dump() | kept | {"created_by": by}
    try:
        with session.begin_nested():
            made = session.execute(insert(SoapClient).values(values).returning(SoapClient))
            client = made.scalar_one()
    except IntegrityError:
        raise Invalid.field("name", TAKEN) from None
    _tell(session)
    return client, secret


def set_client(session: Session, client: SoapClient, values: dict[str, Any]) -> None:
    """Change a locked row, and let the door know."""
    for name, value in (values | edits.mark()).items():
        setattr(client, name, value)
    client.version += 1
    session.flush()
    _tell(session)


def renew_secret(session: Session, client: SoapClient) -> str:
    """A new secret beside the present one, which stays good for a day. Raises Conflict."""
    if not client.active:
        raise Conflict("El cliente está desactivado. Actívelo: recibirá una clave nueva.")
    secret, kept = _new_secret()
    until = clock.now() + timedelta(hours=contract.FORMER_HOURS)
    former = {"former_hash": client.secret_hash, "former_until": until}
    set_client(session, client, kept | former)
    return secret


def activate(session: Session, client: SoapClient) -> str:
    """Let it in again, with a new secret alone. Raises Conflict."""
    if client.active:
        raise Conflict("El cliente ya está activo.")
    secret, kept = _new_secret()
    set_client(session, client, kept | {"active": True})
    return secret


def deactivate(session: Session, client: SoapClient) -> None:
    """Shut it out: neither of its secrets comes back."""
    set_client(session, client, {"active": False, "former_hash": None, "former_until": None})


def tell(session: Session, redis: Redis) -> None:
    """Write what the door needs, whole. Raises RedisError.

    One at a time, each reading after the one before has written: what is written last is what is
    so. Whoever changes a client hands this over with the change.
    """
    questions.lock(session)
    query = select(SoapClient).where(SoapClient.active).order_by(SoapClient.name)
    roster.write(redis, map(_told, session.execute(query).scalars()))


def _told(client: SoapClient) -> dict[str, Any]:
    found: list[tuple[str, float | None]] = [(client.secret_hash, None)]
    if client.former_hash and client.former_until:
        found.append((client.former_hash, client.former_until.timestamp()))
    limits = {"per_minute": client.per_minute, "per_day": client.per_day}
    return limits | {
        "name": client.name,
        "at_once": client.at_once,
        "networks": client.networks,
        "secrets": found,
    }


def _tell(session: Session) -> None:
    outbox.add_job(session, TELL)


def _new_secret() -> tuple[str, dict[str, Any]]:
    secret = secrets.token_urlsafe(32)
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return secret, {"secret_hash": digest, "secret_at": clock.now()}
