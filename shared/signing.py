"""Who vouches for what travels: a signed token names the issuer and the user it acts for.

The gateway vouches for users, whom it has seen log in; the clock that starts jobs vouches for
itself alone. Both sign with a key of their own (Ed25519, as a JWT), every other process knows the
public halves and passes on what it was given. So whoever has no more than the broker's password
can ask no room anything.

    PREGON_SIGNING_KEY   gateway.7f3a.<private half>
    PREGON_TRUSTED_KEYS  gateway.7f3a.<public half> gateway.02bc.<public half> beat.91d0.<…>

A key has an id, and an issuer may have several: a new one is trusted everywhere before it signs,
and an old one until nothing that it signed is on its way any more.
"""

import base64
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.contract import Actor
from shared.errors import Denied
from shared.settings import settings

GATEWAY, BEAT = "gateway", "beat"
ISSUERS = (GATEWAY, BEAT)
CALL_SECONDS = 600  # how old the token of a call may be; events and jobs may wait for days
_ALGORITHM = "EdDSA"
_MINUTE = 60
_CLOCKS_DIFFER = 60
_KEPT = 4096
_FORGED = "La operación no viene de una parte conocida del sistema y no se hizo."


@dataclass(frozen=True)
class Voucher:
    """What a token says: who issued it, when (Unix seconds), and for which user if for any."""

    issuer: str
    at: int
    actor: Actor | None


@dataclass(frozen=True)
class Key:
    """Half of a key, as the settings write it."""

    issuer: str
    id: str
    raw: bytes

    @classmethod
    def parse(cls, text: str) -> "Key":
        """From `issuer.id.half`. Raises ValueError."""
        issuer, key_id, half = text.split(".")
        if issuer not in ISSUERS:
            raise ValueError(f"{issuer} is none of {', '.join(ISSUERS)}")
        return cls(issuer, key_id, base64.urlsafe_b64decode(half + "=" * (-len(half) % 4)))


def sign(actor: Actor | None) -> str:
    """A token of this process for a user, or for none.

    Without a key it is empty, which is enough to ask for health; Raises Denied for a user.
    """
    return _signed(settings().signing_key, actor, int(time.time()) // _MINUTE)


@lru_cache(_KEPT)
def _signed(key: str, actor: Actor | None, minute: int) -> str:
    """The same for a minute: a page asks a dozen questions."""
    if not key and actor is None:
        return ""
    if not key:
        raise Denied("Este proceso no actúa por nadie: le falta su clave.")
    own = Key.parse(key)
    claims: dict[str, Any] = {"iss": own.issuer, "iat": minute * _MINUTE}
    if actor is not None:
        claims["actor"] = actor.model_dump(mode="json")
    private = Ed25519PrivateKey.from_private_bytes(own.raw)
    return jwt.encode(claims, private, _ALGORITHM, headers={"kid": own.id})


def read(token: str) -> Voucher:
    """What a token says. Raises Denied where nobody trusted signed it."""
    return _read(settings().trusted_keys, token)


def read_for_call(token: str) -> Voucher:
    """The same for a call, which comes at once. Raises Denied where it is an old one, too."""
    found = read(token)
    if time.time() - found.at > CALL_SECONDS:
        raise Denied(_FORGED)
    return found


@lru_cache(_KEPT)
def _read(trusted: str, token: str) -> Voucher:
    try:
        key = _trusted(trusted)[jwt.get_unverified_header(token)["kid"]]
        claims = _verified(token, key)
        actor = Actor.model_validate(claims["actor"]) if "actor" in claims else None
    except (jwt.InvalidTokenError, KeyError, ValueError):
        raise Denied(_FORGED) from None
    if claims["iss"] != key.issuer or (actor is not None and key.issuer != GATEWAY):
        raise Denied(_FORGED)
    return Voucher(key.issuer, claims["iat"], actor)


def _verified(token: str, key: Key) -> dict[str, Any]:
    public = Ed25519PublicKey.from_public_bytes(key.raw)
    must: Any = {"require": ["iss", "iat"]}
    return jwt.decode(token, public, algorithms=[_ALGORITHM], options=must, leeway=_CLOCKS_DIFFER)


@lru_cache(8)
def _trusted(keys: str) -> dict[str, Key]:
    found = [Key.parse(word) for word in keys.split()]
    return {key.id: key for key in found}
