"""The company's OpenID Connect provider: the way there, and who it is that comes back."""

import threading
import time
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit

from authlib.integrations.base_client import OAuthError
from pydantic import BaseModel, ConfigDict, ValidationError

from services.identity import id_tokens
from services.identity.id_tokens import RefusedError, UnknownKeyError
from services.identity.provider_wire import DownError, Patience, connect
from services.identity.trips import Trip
from shared.settings import settings

KEPT_SECONDS = 3600.0  # what it says of itself, and its keys
ASKED_AGAIN_SECONDS = 30.0  # for keys, however many come with a strange one
_DESCRIBED_AT = "/.well-known/openid-configuration"
_ANEW = {"max_age": "0", "prompt": "login"}  # whatever session there is
_POST, _BASIC = "client_secret_post", "client_secret_basic"


class Description(BaseModel):
    """What we need of its discovery document."""

    model_config = ConfigDict(strict=True, extra="ignore")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: list[str] = [_BASIC]

    @property
    def method(self) -> str:
        """How we prove there who we are."""
        basic = _BASIC in self.token_endpoint_auth_methods_supported
        return _BASIC if basic else _POST


class Provider:
    """What is known of it in this process; workers share it."""

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._description: tuple[float, Description] | None = None
        self._keys: tuple[float, dict[str, Any]] | None = None

    def way(self, trip: Trip) -> str:
        """The address where somebody proves there who it is. Raises DownError."""
        patience = Patience()
        found = self._describe(patience)
        asked = {"state": trip.state, "nonce": trip.nonce, "code_verifier": trip.verifier}
        if trip.proves:
            asked |= _ANEW
        with connect(patience) as client:
            address, _ = client.create_authorization_url(found.authorization_endpoint, **asked)
        return str(address)

    def prove(self, code: str, trip: Trip) -> dict[str, Any]:
        """What it says of whom it sent back with this code. Raises RefusedError, DownError."""
        patience = Patience()
        token = self._exchange(code, trip, patience)
        try:
            claims = id_tokens.check(token, self._list_keys(patience), trip.nonce)
        except UnknownKeyError:
            claims = id_tokens.check(token, self._list_keys(patience, anew=True), trip.nonce)
        if trip.proves:
            id_tokens.check_fresh(claims, trip.asked_at)
        return claims

    def find_log_out(self) -> str | None:
        """Where its own session is ended. Raises DownError."""
        found = self._describe(Patience()).end_session_endpoint
        if not found:
            return None
        query = {
            "client_id": settings().oidc_client_id,
            "post_logout_redirect_uri": f"{settings().public_url}/ingresar",
        }
        return f"{found}{'&' if urlsplit(found).query else '?'}{urlencode(query)}"

    def _exchange(self, code: str, trip: Trip, patience: Patience) -> str:
        """The ID token for a code, straight from the provider."""
        found = self._describe(patience)
        given = {"grant_type": "authorization_code", "code_verifier": trip.verifier}
        with connect(patience, found.method) as client:
            try:
                answer = client.fetch_token(found.token_endpoint, code=code, **given)
            except OAuthError as error:
                raise RefusedError(f"code: {_word(error.error)}") from None
            except (ValueError, OSError):  # not JSON, or a status of 500
                raise DownError("token") from None
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise RefusedError("no token")
        return token

    def _describe(self, patience: Patience) -> Description:
        if self._description and self._description[0] > time.monotonic():
            return self._description[1]
        try:
            address = settings().oidc_issuer.rstrip("/") + _DESCRIBED_AT
            found = Description.model_validate(_get(address, patience))
        except ValidationError:
            raise DownError("description") from None
        _check(found)
        self._description = (time.monotonic() + KEPT_SECONDS, found)
        return found

    def _list_keys(self, patience: Patience, *, anew: bool = False) -> dict[str, Any]:
        """Its JWKS, `anew` when there is a key that we do not know, but not all the time."""
        now = time.monotonic()
        if self._keys:
            read_at, keys = self._keys
            kept = ASKED_AGAIN_SECONDS if anew else KEPT_SECONDS
            if now - read_at < kept:
                return keys
        keys = _get(self._describe(patience).jwks_uri, patience)
        if not isinstance(keys.get("keys"), list):
            raise DownError("keys")
        self._keys = (now, keys)
        return keys


def _get(address: str, patience: Patience) -> dict[str, Any]:
    with connect(patience) as client:
        response = client.get(address, withhold_token=True, allow_redirects=False)
    try:
        found = response.json()
    except (ValueError, RecursionError):
        raise DownError("form") from None
    if response.status_code != 200 or not isinstance(found, dict):
        raise DownError(f"status {response.status_code}")
    return found


def _check(found: Description) -> None:
    """It is the one that we asked for, and by TLS where that was: or it could be anybody."""
    if found.issuer != settings().oidc_issuer:
        raise DownError("issuer")
    ways = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri)
    scheme = urlsplit(settings().oidc_issuer).scheme
    for address in filter(None, (*ways, found.end_session_endpoint)):
        if urlsplit(address).scheme not in {"https", scheme}:
            raise DownError("address")


def _word(text: object) -> str:
    """An error's code of RFC 6749; anything else stays out of our log."""
    return text if isinstance(text, str) and text.replace("_", "").isalpha() else "?"


@lru_cache
def shared_provider() -> Provider:
    """The one of this process."""
    return Provider()
