"""Users and their telephones: what both do, for the tests of the second factor."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyotp
from sqlalchemy import text

from shared import clock, trace
from shared.contract import Actor
from shared.contracts.identity import (
    NewUser,
    Ticket,
)
from shared.contracts.identity import finish_log_in as contract
from shared.errors import Denied
from shared.permissions import Role

PASSWORD = "una-clave-larga"
HERE = "10.0.0.1"
THERE = "10.0.0.2"


class Phone:
    """What a user's telephone does; the tests hold the clock still and move it."""

    def __init__(self, secret: str) -> None:
        self.totp = pyotp.TOTP(secret)

    def code(self, steps: int = 0) -> str:
        return self.totp.at(clock.now(), counter_offset=steps)


def make(identity: Any, username: str = "ana", role: str = Role.ADVISOR) -> Any:
    new = NewUser(username=username, full_name="Ana Mora", role=role, password=PASSWORD)
    return identity.create_user(new)


@contextmanager
def acting(user: Any) -> Iterator[None]:
    who = Actor(user_id=user.id, username=user.username, full_name=user.full_name, role=user.role)
    with trace.use(actor=who, idempotency_key=trace.idempotency_key()):
        yield


def turn_on(identity: Any, user: Any, token: str = "-") -> tuple[Phone, list[str]]:
    """The code that proves it is of the step before, so that the present one is still good."""
    with acting(user):
        phone = Phone(identity.prepare_second_factor().secret)
        codes = identity.set_second_factor(token, PASSWORD, phone.code(-1), HERE)
    return phone, [sent(code) for code in codes.codes]


def sent(code: str) -> str:
    """As it comes to the room, however somebody types it."""
    given = contract.decode_arguments({"ticket": "-", "code": code, "source": HERE})
    return str(given["code"])


def ticket_of(identity: Any, username: str = "ana", device: str = "") -> str:
    given = identity.log_in(username, PASSWORD, HERE, device)
    assert isinstance(given, Ticket)
    return given.ticket


def is_running(identity: Any, token: str) -> bool:
    try:
        identity.get_session(token)
    except Denied:
        return False
    return True


def recorded(identity: Any) -> list[tuple[str, str]]:
    """What went into the outbox for the record, as (action, whose)."""
    with identity.db() as session:
        rows = session.execute(text("SELECT payload FROM outbox ORDER BY id")).scalars()
        return [(row["action"], row["username"]) for row in rows if "action" in row]
