"""Links in letters that nobody keeps: made of a number and the address when the mail is composed.

    seed = mail_links.make_seed()          # stored, sent, parked: it opens nothing
    word = mail_links.word(seed, address)  # of which the asker keeps only the hash
    mail_links.url(seed, address)          # by the mailer, at the moment it composes the mail

A seed names the key that it goes with, so a link that was asked for before the keys rotated is the
same after it. Whoever diverts a letter to another address gets a link that opens nothing.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode

from shared.settings import settings

PATH = "/ingresar/clave/"
FIELD = "link"  # of a letter: asked for with a seed, filled in with the address


def make_seed() -> str:
    """A new number, of the present key."""
    return f"{_name(settings().secret_key)}.{secrets.token_hex(16)}"


def word(seed: str, address: str) -> str:
    """The 32 bytes of a link, as its address has them. Raises LookupError when the key is gone."""
    wanted = seed.partition(".")[0]
    for secret in settings().secret_keys:
        if _name(secret) == wanted:
            made = _hash(_hash(secret.encode(), b"mail link"), f"{seed} {address}".encode())
            return urlsafe_b64encode(made).decode().rstrip("=")
    raise LookupError("the key of this link is no longer in use")


def url(seed: str, address: str) -> str:
    """The page behind the link."""
    return f"{settings().public_url.rstrip('/')}{PATH}{word(seed, address)}"


def fingerprint(text: str) -> str:
    """What is kept of a word."""
    return hashlib.sha256(text.encode()).hexdigest()


def _name(secret: str) -> str:
    return _hash(secret.encode(), b"name of this key").hex()[:8]


def _hash(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, hashlib.sha256)
