"""The keys by which the product's parts know each other's word; see `shared.signing`.

`python -m infra.native.signing_keys` prints new ones as `.env` has them.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.native.run import Run

TRUSTED = "PREGON_TRUSTED_KEYS"
OWN = "PREGON_SIGNING_KEY"  # as the process knows it that signs
PRIVATE = {"gateway": "PREGON_GATEWAY_KEY", "beat": "PREGON_BEAT_KEY"}


def of(run: Run, given: Mapping[str, str]) -> dict[str, str]:
    """The stack's keys: those that the user gave, or such as the directory's secrets make."""
    if TRUSTED in given:
        return {}
    number = run.generated.number("signing")
    found = make(_seeds(run, number))
    if number > 1:  # what the former ones signed is still on its way
        found[TRUSTED] += f" {make(_seeds(run, number - 1))[TRUSTED]}"
    return found


def _seeds(run: Run, number: int) -> dict[str, str]:
    last = "" if number == 1 else f"_{number}"
    return {issuer: run.generated.secret(f"{issuer}_key{last}") for issuer in PRIVATE}


def make(seeds: Mapping[str, str]) -> dict[str, str]:
    """Settings from 32 secret bytes for each issuer, URL-safe in base 64."""
    halves = {issuer: _halves(issuer, seed) for issuer, seed in seeds.items()}
    private = {PRIVATE[issuer]: own for issuer, (own, _) in halves.items()}
    return private | {TRUSTED: " ".join(public for _, public in halves.values())}


def without(environ: Mapping[str, str]) -> dict[str, str]:
    """What every process may know: no private half."""
    return {name: value for name, value in environ.items() if name not in PRIVATE.values()}


def of_gateway(environ: Mapping[str, str]) -> dict[str, str]:
    """For what speaks for users beside the gateway: the demo's data, tests."""
    return {OWN: environ.get(PRIVATE["gateway"], "")}


def _halves(issuer: str, seed: str) -> tuple[str, str]:
    private = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(f"{seed}="))
    public = private.public_key().public_bytes_raw()
    key_id = hashlib.sha256(public).hexdigest()[:8]
    half = base64.urlsafe_b64encode(public).decode().rstrip("=")
    return f"{issuer}.{key_id}.{seed}", f"{issuer}.{key_id}.{half}"


if __name__ == "__main__":
    for name, value in make({issuer: secrets.token_urlsafe(32) for issuer in PRIVATE}).items():
        print(f"{name}={value}")
