"""What a provider says of somebody, believed only when its own key has signed it for us, now.

As OpenID Connect Core, 3.1.3.7 asks: signature, issuer, audience, times, nonce.
"""

import warnings
from collections.abc import Mapping
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import InvalidKeyIdError, JoseError, SecurityWarning
from joserfc.jwk import KeySet
from pydantic import TypeAdapter, ValidationError

from shared import bounds, clock
from shared.contracts.staff import Username
from shared.settings import settings

# What keys of these kinds sign with, and nothing else: no `none`, nothing that a secret signs
ALGORITHMS = {"RS256": "RSA", "ES256": "EC", "EdDSA": "OKP", "Ed25519": "OKP"}
_USERNAME: TypeAdapter[str] = TypeAdapter(Username)
CLOCKS_DIFFER = 60  # seconds
_LONGEST_SUBJECT = 255


class RefusedError(Exception):
    """It is not believed; `str(error)` says why, in words that name nobody."""


class UnknownKeyError(RefusedError):
    """No key that we know of signed it: there may be a new one."""


def check(token: str, keys: Mapping[str, Any], nonce: str) -> dict[str, Any]:
    """The claims of an ID token by the provider's keys (a JWKS). Raises RefusedError."""
    try:
        algorithm = str(_header(token).get("alg"))
        if algorithm not in ALGORITHMS:
            raise RefusedError("algorithm")
        claims = _read(token, _fitting(keys, ALGORITHMS[algorithm]), algorithm)
        return _validated(claims, nonce)
    except InvalidKeyIdError:
        raise UnknownKeyError("key") from None
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise RefusedError(_reason(error)) from None


def _header(token: str) -> Mapping[str, Any]:
    return jws.extract_compact(token.encode()).headers()


def _fitting(keys: Mapping[str, Any], kind: str) -> KeySet:
    """Those that may sign: a key is for what it says, and is of the algorithm's own kind."""
    fit = [key for key in keys["keys"] if key.get("kty") == kind and key.get("use", "sig") == "sig"]
    if not fit:
        raise UnknownKeyError("key")
    return KeySet.import_key_set({"keys": fit})


def _read(token: str, keys: KeySet, algorithm: str) -> dict[str, Any]:
    with warnings.catch_warnings():  # EdDSA has another name since RFC 9864
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.decode(token, keys, algorithms=[algorithm]).claims


def _validated(claims: dict[str, Any], nonce: str) -> dict[str, Any]:
    own = settings().oidc_client_id
    must = {
        "iss": {"essential": True, "value": settings().oidc_issuer},
        "aud": {"essential": True, "value": own},
        "sub": {"essential": True},
        "exp": {"essential": True},
        "iat": {"essential": True},
        "nonce": {"essential": True, "value": nonce},
    }
    about = {"nonce": nonce, "client_id": own}
    CodeIDToken(claims, {}, must, about).validate(leeway=CLOCKS_DIFFER)
    subject = claims["sub"]
    if not 0 < len(subject) <= _LONGEST_SUBJECT or bounds.is_odd(subject):
        raise RefusedError("sub")
    return claims


def check_fresh(claims: Mapping[str, Any], asked_at: int) -> None:
    """Raises RefusedError when the person did not sign in there after we asked for it.

    The browser carried what we asked for, and could leave it out: `auth_time` is what counts.
    """
    at = claims.get("auth_time")
    if type(at) is not int:
        raise RefusedError("auth_time")
    latest = int(clock.now().timestamp()) + CLOCKS_DIFFER
    if not asked_at - CLOCKS_DIFFER <= at <= latest:
        raise RefusedError("auth_time")


def _reason(error: Exception) -> str:
    """Which claim or which step it was; the values may be somebody's."""
    return str(getattr(error, "claim", "") or getattr(error, "error", "") or "form")


def username_of(claims: Mapping[str, Any]) -> str:
    """Which user the provider names; empty where it names none that we may believe.

    What is not ASCII is refused before it is folded: `K` of Kelvin would become the letter.
    """
    name = claims.get(settings().oidc_claim)
    if not isinstance(name, str) or not name.isascii():
        return ""
    if settings().oidc_claim == "email" and claims.get("email_verified") is not True:
        return ""
    name, domain = name.strip().lower(), settings().oidc_domain.lower()
    if domain:
        name, _, of = name.rpartition("@")
        name = name if of == domain else ""
    return name if _is_username(name) else ""


def _is_username(name: str) -> bool:
    """What is none is not even looked for."""
    try:
        _USERNAME.validate_python(name)
    except ValidationError:
        return False
    return True


def says_two_factors(claims: Mapping[str, Any]) -> bool:
    """Whether the provider itself asked for more than one (RFC 8176)."""
    methods = claims.get("amr")
    return isinstance(methods, list) and "mfa" in methods
