"""What must be read again and by nobody else: sealed with a key made from `PREGON_SECRET_KEY`.

What a former key sealed is read as long as that key stands among `PREGON_FORMER_KEYS`; a job seals
it anew with the present one. A seal is a user's: copied to another's row it opens nothing.
"""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.settings import settings

_SECOND_FACTOR = b"second factor"


def seal(user_id: int, secret: str) -> str:
    """The secret, unreadable, and the user's whose it is."""
    return _box().encrypt(f"{user_id}:{secret}".encode()).decode()


def unseal(user_id: int, sealed: str) -> str | None:
    """The user's secret; None of another's, and of one whose key is not known any more."""
    try:
        owner, _, secret = _box().decrypt(sealed.encode()).decode().partition(":")
    except InvalidToken:
        return None
    return secret if owner == str(user_id) else None


def renew(sealed: str) -> str | None:
    """The same by the present key; None where it is that already, or can be read by none."""
    if _is_of(settings().secret_key, sealed) or not _is_of(settings().secret_keys, sealed):
        return None
    return _box().rotate(sealed.encode()).decode()


def _is_of(keys: str | tuple[str, ...], sealed: str) -> bool:
    try:
        _open(keys if isinstance(keys, tuple) else (keys,)).decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True


def box_of(purpose: bytes) -> MultiFernet:
    """What seals for this purpose alone: a seal of another one is none here."""
    return _open(settings().secret_keys, purpose)


def _box() -> MultiFernet:
    return box_of(_SECOND_FACTOR)


@lru_cache(8)
def _open(keys: tuple[str, ...], purpose: bytes = _SECOND_FACTOR) -> MultiFernet:
    """Seals with the first one, and reads with any."""
    return MultiFernet([Fernet(_derive(key, purpose)) for key in keys])


def _derive(secret_key: str, purpose: bytes) -> bytes:
    """For this alone: links and cookies are signed with others of the same secret."""
    found = HKDF(SHA256(), 32, salt=None, info=purpose).derive(secret_key.encode())
    return base64.urlsafe_b64encode(found)
