"""The word in an unsubscribe link: it says to us alone which mail it was in; nobody can make one.

Mailing and customer are enciphered, with an authenticator that is also the cipher's start (SIV, as
in RFC 5297, made of HMAC-SHA-256), so the same mail has the same word and it tells nothing. It
holds for ever: also after the key was changed, while the former one is listed in the settings, and
so do the signed words of earlier mails.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from itsdangerous import BadSignature, URLSafeSerializer

from shared.errors import NotFound
from shared.settings import settings

_SIDE = 16  # bytes of the authenticator, and of what is enciphered
_LENGTH = 43  # characters of a word
_UNKNOWN = "Este enlace no es válido. Copie la dirección completa del correo."


@dataclass(frozen=True)
class Link:
    """The mail a link came in; a test's changes nothing."""

    mailing_id: int
    customer_id: int

    @property
    def is_test(self) -> bool:
        """Whether it came in a test, which belongs to no run."""
        return self.mailing_id == 0


TEST = Link(0, 0)


@dataclass(frozen=True)
class _Key:
    """What one secret of the settings is used for here."""

    authenticator: bytes
    cipher: bytes

    @classmethod
    def of(cls, secret: str) -> "_Key":
        """The two keys derived from a secret."""
        return cls(*(_hash(secret.encode(), b"unsubscribe " + use) for use in (b"auth", b"cipher")))

    def seal(self, link: Link) -> str:
        """The word of a link."""
        plain = b"".join(part.to_bytes(8, "big") for part in (link.mailing_id, link.customer_id))
        side = _hash(self.authenticator, plain)[:_SIDE]
        return urlsafe_b64encode(side + self._turn(side, plain)).decode().rstrip("=")

    def open(self, word: bytes) -> Link | None:
        """The link of a word; None for one that was not made with this key."""
        side, hidden = word[:_SIDE], word[_SIDE:]
        plain = self._turn(side, hidden)
        if not hmac.compare_digest(_hash(self.authenticator, plain)[:_SIDE], side):
            return None
        return Link(int.from_bytes(plain[:8], "big"), int.from_bytes(plain[8:], "big"))

    def _turn(self, side: bytes, text: bytes) -> bytes:
        stream = _hash(self.cipher, side)
        return bytes(one ^ other for one, other in zip(text, stream, strict=False))


def _hash(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, sha256)


@lru_cache
def _keys() -> tuple[_Key, ...]:
    return tuple(map(_Key.of, settings().secret_keys))


@lru_cache
def _signer() -> URLSafeSerializer:
    """Of mails before words were enciphered; the last key is the one it would sign with."""
    return URLSafeSerializer([*reversed(settings().secret_keys)], salt="unsubscribe")


def sign(link: Link) -> str:
    """The word; the same for the same mail."""
    return _keys()[0].seal(link)


def read(token: str) -> Link:
    """What the word says. Raises NotFound for one that is not ours."""
    found = next(_opened(token), None) if len(token) == _LENGTH else _read_signed(token)
    if found is None:
        raise NotFound(_UNKNOWN)
    return found


def _opened(token: str) -> Iterator[Link]:
    try:
        word = urlsafe_b64decode(f"{token}=")
    except ValueError:
        return
    if urlsafe_b64encode(word).decode().rstrip("=") == token:  # one way to write it
        yield from filter(None, (key.open(word) for key in _keys()))


def _read_signed(token: str) -> Link | None:
    try:
        mailing_id, customer_id = _signer().loads(token)
    except (BadSignature, ValueError, TypeError):
        return None
    return Link(int(mailing_id), int(customer_id))


def url(link: Link) -> str:
    """The address of the unsubscribe page."""
    return f"{settings().public_url.rstrip('/')}/baja/{sign(link)}"
