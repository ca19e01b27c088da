"""Whose word counts: a token is what its issuer signed, and an issuer says only what it may."""

import base64
import json
import secrets
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.native import signing_keys
from shared import signing, trace
from shared.contract import Actor
from shared.errors import Denied
from shared.settings import Settings, settings

ANA = Actor(
    user_id=1,
    username="ana",
    full_name="Ana Ñ",
    role="advisor",
    permissions=frozenset({"call.work"}),
    team=frozenset({"eva"}),
)
BEAT = secrets.token_urlsafe(32)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """New keys of both issuers; this process is the gateway."""
    made = signing_keys.make({"gateway": secrets.token_urlsafe(32), "beat": BEAT})
    monkeypatch.setattr(settings(), "trusted_keys", made[signing_keys.TRUSTED])
    monkeypatch.setattr(settings(), "signing_key", made["PREGON_GATEWAY_KEY"])
    return made


def forged(claims: dict[str, object], seed: str, key_id: str, **more: str) -> str:
    private = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(f"{seed}="))
    return jwt.encode(claims, private, "EdDSA", headers={"kid": key_id, **more})


def parts(key: str) -> list[str]:
    return key.split(".")


def test_what_the_gateway_says_is_read_whole(keys: dict[str, str]) -> None:
    found = signing.read_for_call(signing.sign(ANA))
    assert (found.issuer, found.actor) == ("gateway", ANA)
    assert abs(found.at - time.time()) <= 60
    assert signing.read(signing.sign(None)).actor is None


def test_headers_pass_a_users_token_on_as_it_came(
    keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with trace.use(actor=ANA):
        headers = trace.to_headers()
    monkeypatch.setattr(settings(), "signing_key", "")  # a room has none
    with trace.from_headers(headers):
        assert trace.actor() == ANA
        assert trace.to_headers()["actor"] == headers["actor"]


def test_who_has_no_key_vouches_for_nobody(
    keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "signing_key", "")
    assert signing.sign(None) == ""
    with pytest.raises(Denied):
        signing.sign(ANA)


@pytest.mark.parametrize("place", ["head", "body", "signature"])
def test_a_token_that_was_touched_is_none(keys: dict[str, str], place: str) -> None:
    words = signing.sign(ANA).split(".")
    at = ["head", "body", "signature"].index(place)
    raw = bytearray(base64.urlsafe_b64decode(words[at] + "=="))
    raw[len(raw) // 2] ^= 1
    words[at] = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    with pytest.raises(Denied):
        signing.read(".".join(words))


def test_a_role_that_was_raised_is_none(keys: dict[str, str]) -> None:
    head, body, signature = signing.sign(ANA).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["actor"]["role"] = "admin"
    raised = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    with pytest.raises(Denied):
        signing.read(f"{head}.{raised}.{signature}")


def test_a_strangers_key_by_a_known_id_is_none(keys: dict[str, str]) -> None:
    claims = {"iss": "gateway", "iat": int(time.time()), "actor": ANA.model_dump(mode="json")}
    key_id = parts(keys["PREGON_GATEWAY_KEY"])[1]
    with pytest.raises(Denied):
        signing.read(forged(claims, secrets.token_urlsafe(32), key_id))
    with pytest.raises(Denied):
        signing.read(forged(claims, secrets.token_urlsafe(32), "nobody"))
    with pytest.raises(Denied):
        signing.read(jwt.encode(claims, "", "none", headers={"kid": key_id}))


@pytest.mark.parametrize("issuer", ["gateway", "beat"])
def test_beat_vouches_for_itself_alone(keys: dict[str, str], issuer: str) -> None:
    key_id = parts(keys["PREGON_BEAT_KEY"])[1]
    claims = {"iss": issuer, "iat": int(time.time()), "actor": ANA.model_dump(mode="json")}
    with pytest.raises(Denied):
        signing.read(forged(claims, BEAT, key_id))
    del claims["actor"]
    token = forged(claims, BEAT, key_id)
    if issuer == "beat":
        assert signing.read(token).issuer == "beat"
        return
    with pytest.raises(Denied):
        signing.read(token)


def test_a_call_with_an_old_token_is_refused_and_a_job_is_done(keys: dict[str, str]) -> None:
    claims = {"iss": "beat", "iat": int(time.time()) - signing.CALL_SECONDS - 5}
    token = forged(claims, BEAT, parts(keys["PREGON_BEAT_KEY"])[1])
    assert signing.read(token).issuer == "beat"
    with pytest.raises(Denied):
        signing.read_for_call(token)


def test_a_former_key_holds_as_long_as_it_is_trusted(
    keys: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = signing.sign(ANA)
    later = signing_keys.make({"gateway": secrets.token_urlsafe(32), "beat": BEAT})
    both = f"{keys[signing_keys.TRUSTED]} {later[signing_keys.TRUSTED]}"
    monkeypatch.setattr(settings(), "trusted_keys", both)
    monkeypatch.setattr(settings(), "signing_key", later["PREGON_GATEWAY_KEY"])
    assert signing.read(token).actor == signing.read(signing.sign(ANA)).actor == ANA
    monkeypatch.setattr(settings(), "trusted_keys", later[signing_keys.TRUSTED])
    with pytest.raises(Denied):
        signing.read(token)


@pytest.mark.parametrize("keys_given", ["", "gateway.a.short", "nobody", "gateway.a"])
def test_keys_that_are_none_stop_the_start(
    monkeypatch: pytest.MonkeyPatch, keys_given: str
) -> None:
    monkeypatch.setenv("PREGON_TRUSTED_KEYS", keys_given or " ")
    with pytest.raises(ValueError, match="trusted_keys"):
        Settings()
