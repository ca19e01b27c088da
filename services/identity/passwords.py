"""Argon2id hashes; the work is done in a thread so that the room goes on answering."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from eventlet import tpool

_hasher = PasswordHasher()
# Checked when the user does not exist, so that the answer takes as long either way.
_NOBODY = _hasher.hash("nobody")


def make_hash(password: str) -> str:
    """The hash to store."""
    hashed: str = tpool.execute(_hasher.hash, password)
    return hashed


def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is the hash's; None (no such user) costs the same and never is."""
    return bool(tpool.execute(_matches, password_hash or _NOBODY, password)) and bool(password_hash)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
