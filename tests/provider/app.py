"""The provider: what a good one does and, by `POST /_wrong/<what>`, what a bad one might.

It looks at the client's secret, the redirection's address and PKCE, and gives each code once.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, Key, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

CLIENT_ID = "pregon"
CLIENT_SECRET = "solo-de-pruebas:+/"  # with what Basic has to escape
ISSUER = os.environ.get("PROVIDER_ISSUER", "")


@dataclass
class State:
    """All that it knows; `wrong` is what it does wrong now."""

    wrong: str = ""
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    published: list[Key] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)

    def rotate(self, kind: str = "RSA") -> None:
        """Sign with a new key, and with none of the former ones any more."""
        about: Any = {"kid": secrets.token_hex(4), "use": "sig"}
        made: Key = (
            RSAKey.generate_key(2048, about)
            if kind == "RSA"
            else ECKey.generate_key("P-256", about)
        )
        self.published = [made]


STATE = State()
STATE.rotate()


async def describe(_: Request) -> Response:
    """The discovery document."""
    STATE.asked["description"] = STATE.asked.get("description", 0) + 1
    about = {
        "issuer": "https://otro.example" if STATE.wrong == "description" else ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/keys",
        "end_session_endpoint": f"{ISSUER}/end",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }
    if STATE.wrong == "plain_token_endpoint":
        about["token_endpoint"] = "ftp://otro.example/token"
    return JSONResponse(about)


async def keys(_: Request) -> Response:
    """The JWKS, with a key that is for nothing of ours."""
    STATE.asked["keys"] = STATE.asked.get("keys", 0) + 1
    other = RSAKey.generate_key(2048, {"kid": "box", "use": "enc"})
    shown = [key.as_dict(private=False) for key in (other, *STATE.published)]
    return JSONResponse({"keys": [{"kty": "ML-DSA", "kid": "of-tomorrow"}, *shown]})


async def show(request: Request) -> Response:
    """Its log-in page."""
    query = request.query_params
    assert query["response_type"] == "code"
    assert query["code_challenge_method"] == "S256"
    assert (query["client_id"], "openid" in query["scope"].split()) == (CLIENT_ID, True)
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in query.items()
    )
    return HTMLResponse(
        f'<!doctype html><html lang="es"><title>Mi empresa</title><h1>Mi empresa</h1>'
        f'<form method="post">{hidden}<label>Cuenta <input name="account"></label>'
        '<button>Entrar</button><button name="cancel" value="1">Cancelar</button></form></html>'
    )


async def decide(request: Request) -> Response:
    """Back to the client, with a code or without."""
    form = {name: str(value) for name, value in (await request.form()).items()}
    back: dict[str, str] = {"state": form["state"]}
    if "cancel" in form or form["account"] not in STATE.people:
        back |= {"error": "access_denied", "error_description": "<b>no</b>"}
    else:
        back["code"] = secrets.token_urlsafe(24)
        STATE.codes[back["code"]] = form
    return RedirectResponse(f"{form['redirect_uri']}?{urlencode(back)}", 303)


async def token(request: Request) -> Response:
    """The ID token for a code."""
    if STATE.wrong in _ODD_ANSWERS:
        return await _ODD_ANSWERS[STATE.wrong]()
    form = await request.form()
    if not _knows_secret(request):
        return JSONResponse({"error": "invalid_client"}, 401)
    asked = STATE.codes.pop(str(form["code"]), None)
    if asked is None or not _proves(asked, str(form["code_verifier"])):
        return JSONResponse({"error": "invalid_grant"}, 400)
    assert form["redirect_uri"] == asked["redirect_uri"]
    answer = {"access_token": "a", "token_type": "Bearer", "id_token": _sign(_claims(asked))}
    if STATE.wrong == "no_token":
        del answer["id_token"]
    return JSONResponse(answer)


def _knows_secret(request: Request) -> bool:
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    expected = f"{CLIENT_ID}:{CLIENT_SECRET}"
    return kind == "Basic" and base64.b64decode(given).decode() == expected


def _proves(asked: dict[str, str], verifier: str) -> bool:
    digest = hashlib.sha256(verifier.encode()).digest()
    return asked["code_challenge"] == _b64(digest)


def _claims(asked: dict[str, str]) -> dict[str, Any]:
    now = int(time.time())
    good = {"iss": ISSUER, "aud": CLIENT_ID, "iat": now, "exp": now + 300}
    wrong: dict[str, Any] = {
        "nonce": {"nonce": "de-otro"},
        "no_nonce": {"nonce": None},
        "aud": {"aud": "otro"},
        "azp": {"aud": [CLIENT_ID, "otro"], "azp": "otro"},
        "no_azp": {"aud": [CLIENT_ID, "otro"]},
        "expired": {"iat": now - 900, "exp": now - 90},
        "early": {"iat": now + 600, "exp": now + 900},
        "no_exp": {"exp": None},
        "issuer": {"iss": "https://otro.example"},
        "no_sub": {"sub": None},
        "number_sub": {"sub": 7},
        "long_ago": {"auth_time": now - 600},  # it had a session, and asked for nothing
        "just_before": {"auth_time": now - 30},
        "no_auth_time": {"auth_time": None},
        "auth_time_in_words": {"auth_time": str(now)},
        "auth_time_to_come": {"auth_time": now + 600},
        "skewed": {"iat": now + 40},  # within what clocks may differ
    }
    if "max_age" in asked:  # then it has to say it
        good["auth_time"] = now
    person = STATE.people[asked["account"]]
    claims = {**good, "nonce": asked["nonce"], **person, **wrong.get(STATE.wrong, {})}
    return {name: value for name, value in claims.items() if value is not None}


def _sign(claims: dict[str, Any]) -> str:
    key: Any = STATE.published[0]
    algorithm = "RS256" if key.key_type == "RSA" else "ES256"
    header = {"alg": algorithm, "kid": str(key.kid)}
    if STATE.wrong == "none":
        return _by_hand({"alg": "none"}, claims, None)
    if STATE.wrong == "hs256":
        public = key.as_bytes(encoding="PEM", private=False)
        return _by_hand({**header, "alg": "HS256"}, claims, public)
    if STATE.wrong in {"strange_key", "unpublished_key"}:
        key = RSAKey.generate_key(2048) if algorithm == "RS256" else ECKey.generate_key("P-256")
    if STATE.wrong == "unpublished_key":
        header["kid"] = "nobody-knows"
    if STATE.wrong == "garbage":
        return "esto.no.es"
    return jwt.encode(dict(header), claims, key)


def _by_hand(header: dict[str, str], claims: dict[str, Any], key: bytes | None) -> str:
    """As no library of today does it."""
    signed = ".".join(_b64(json.dumps(part).encode()) for part in (header, claims))
    mark = _b64(hmac.digest(key, signed.encode(), hashlib.sha256)) if key else ""
    return f"{signed}.{mark}"


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


async def _huge() -> Response:
    padded = b'{"id_token": "x"' + b" " * 50_000_000 + b"}"  # it could be read
    return Response(padded, media_type="application/json")


async def _slow() -> Response:
    await asyncio.sleep(30)
    return Response(b"{}")


async def _drip() -> Response:
    async def drops() -> AsyncIterator[bytes]:
        for _ in range(60):
            yield b" "
            await asyncio.sleep(0.5)

    return StreamingResponse(drops(), media_type="application/json")


async def _broken() -> Response:
    return Response("<html>", 500)


async def _list() -> Response:
    return JSONResponse([1, 2])


async def _away() -> Response:
    return RedirectResponse("http://127.0.0.1:1/", 307)


_ODD_ANSWERS = {
    "huge": _huge,
    "slow": _slow,
    "drip": _drip,
    "status_500": _broken,
    "list": _list,
    "redirects": _away,
}


async def end(_: Request) -> Response:
    """Its log-out."""
    return HTMLResponse("<h1>Sesión de la empresa cerrada</h1>")


async def command(request: Request) -> Response:
    """What a test wants of it."""
    what, value = request.path_params["what"], await request.json()
    if what == "wrong":
        STATE.wrong = value
    elif what == "people":
        STATE.people[value.pop("account")] = value
    elif what == "rotate":
        STATE.rotate(value)
    return JSONResponse(STATE.asked)


app = Starlette(
    routes=[
        Route("/.well-known/openid-configuration", describe),
        Route("/keys", keys),
        Route("/authorize", show),
        Route("/authorize", decide, methods=["POST"]),
        Route("/token", token, methods=["POST"]),
        Route("/end", end),
        Route("/_{what}", command, methods=["POST"]),
    ]
)
