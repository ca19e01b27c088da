"""identity's API tokens: how another system asks in a user's name."""

import ipaddress
from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.contract import SECRET, Actor, Day, Limit, Line, Model, Page, Whole, procedure
from shared.contracts.roles import PermissionCode
from shared.contracts.staff import Username
from shared.permissions import Permission, Role
from shared.scope import HOUSE, OPEN, SELF
from shared.words import Term

TOKEN_PREFIX = "pgn_"  # noqa: S105  # by which scanners of code and logs know one
LONGEST_DAYS = 366
_NO_NETWORK = "Escriba una dirección como 190.15.2.7, o una red como 190.15.2.0/24."


class TokenPermission(Permission):
    """On the ways in of other systems."""

    WRITE = "token.write", "Administrar accesos de sistemas", Role.ADMIN


class TokenState(Term):
    """Whether a token opens anything."""

    RUNNING = "running", "Vigente"
    STOPPED = "stopped", "Detenido"  # its user cannot log in
    EXPIRED = "expired", "Vencido"
    REVOKED = "revoked", "Revocado"


class TokenRefusal(Term):
    """Why a token whose secret is right opens nothing; only the record tells."""

    REVOKED = "revoked", "Revocación"
    EXPIRED = "expired", "Vencimiento"
    STOPPED = "stopped", "Usuario inactivo"
    ADDRESS = "address", "Dirección no permitida"


def _network(text: str) -> str:
    """As it is compared. Raises ValueError for what is neither an address nor a network."""
    try:
        found = ipaddress.ip_network(text.strip())
    except ValueError:
        raise ValueError(_NO_NETWORK) from None
    return str(found.network_address) if found.num_addresses == 1 else str(found)


TokenId = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{10}$")]
Network = Annotated[str, Field(max_length=60), AfterValidator(_network)]


class Token(Model):
    """What is told of a token; never its secret."""

    id: str  # the part of it that may be read by anybody
    name: str  # of the system
    username: str  # in whose name it asks
    full_name: str
    scopes: list[str]  # permissions; of these it has what the user's role has, too
    networks: list[str]  # from where it is taken; empty: from anywhere
    requests_a_minute: int
    expires_on: date  # its last day
    created_at: datetime
    created_by: str  # as people call them
    last_used_at: datetime | None  # to the minute
    last_source: str  # network address
    revoked_at: datetime | None
    revoked_by: str | None
    state: TokenState


class IssuedToken(Token):
    """A token just made, with its value, which is kept nowhere and told once."""

    value: Annotated[str | None, SECRET] = None  # None: it was told before


class NewToken(Model):
    """A way in for another system."""

    name: Annotated[Line, Field(min_length=3, max_length=60)]
    username: Username
    scopes: Annotated[list[PermissionCode], Field(min_length=1, max_length=200)]
    expires_on: Day
    networks: Annotated[list[Network], Field(max_length=50)] = []
    requests_a_minute: Annotated[Whole, Field(ge=1, le=60_000)] = 600


class Admission(Model):
    """Whom a token acts for at this moment, and how often it may ask yet."""

    actor: Actor
    role_name: str
    expires_at: datetime
    limit: int  # requests a minute
    remaining: int  # at once
    reset_seconds: int  # until all of them are there again


@procedure("identity", scope=OPEN)
def check_api_token(
    token: Annotated[str, Field(max_length=100), SECRET], source: str = ""
) -> Admission:
    """Admit a system that shows this token from this network address.

    Denied: it is none of ours, is over, is not taken from there or its user cannot log in (which
    of these is not told); or, with the seconds to wait as field `retry_after`, it asks too often,
    or too many wrong ones came from there.
    """


@procedure("identity", scope=HOUSE)
def list_api_tokens(after: str | None = None, limit: Limit = 50) -> Page[Token]:
    """List the tokens of other systems, newest first.

    Also those that are over; never with their secrets.
    """


@procedure("identity", scope=SELF)
def list_own_api_tokens() -> list[Token]:
    """List the tokens that act in the actor's name now."""


@procedure("identity", scope=HOUSE)
def get_api_token(token_id: TokenId) -> Token:
    """Get a token of another system.

    Never with its secret.

    NotFound: there is no such token.
    """


@procedure(
    "identity",
    scope=HOUSE,
    in_person=True,
    example={
        "name": "Facturación",
        "username": "jefe",
        "scopes": ["campaign.read"],
        "expires_on": "2027-06-30",
        "networks": ["190.15.2.0/24"],
        "requests_a_minute": 600,
    },
)
def create_api_token(new: NewToken) -> IssuedToken:
    """Create a token with which another system asks in a user's name.

    It may do what is among its `scopes` and what the user's role may at that moment, until the
    end of `expires_on` in Ecuador, from the `networks` alone where there are any. `value` is told
    this once: the same `Idempotency-Key` again is answered without it.

    Denied: another system asks.
    Invalid: a field is wrong, the name is taken, the user cannot log in, a scope is beyond the
    user's role or not for systems, or the last day is past or more than 366 days ahead.
    """


@procedure("identity", scope=HOUSE, in_person=True)
def revoke_api_token(token_id: TokenId) -> Token:
    """Revoke a token, for good and from the next request on.

    One that is revoked stays as it is.

    NotFound: there is no such token.
    Denied: another system asks.
    """
