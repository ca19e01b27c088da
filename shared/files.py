"""The store through which uploads, images, attachments and exports pass between processes.

A local folder or S3-compatible storage (`PREGON_FILES_URL`); files have keys, never paths.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import IO, Any, BinaryIO, Protocol
from uuid import uuid4

import fsspec

from shared.errors import NotFound
from shared.settings import settings

_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}(\.[a-z0-9]{1,8})?")
_BLOCK = 1 << 20


class Store(Protocol):
    """Where files lie; `key` is one of `new_key`."""

    def create(self, key: str) -> AbstractContextManager[IO[bytes]]:
        """A stream to write to; the file appears whole when the block ends, or not at all."""

    def open(self, key: str) -> IO[bytes]:
        """A stream to read, to be closed. Raises FileNotFoundError."""

    def remove(self, key: str) -> None:
        """Forget a file; one that is gone already is no error."""


class Folder:
    """Files of a file system that fsspec knows."""

    def __init__(self, url: str) -> None:
        self._system: Any
        self._system, root = fsspec.core.url_to_fs(url)
        self._root = root.rstrip("/")

    @contextmanager
    def create(self, key: str) -> Iterator[IO[bytes]]:
        """Written beside its place, then moved there."""
        path = f"{self._root}/{key}"
        self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
        partial = f"{path}.{uuid4().hex}.part"  # two may bring the same file at once
        try:
            with self._system.open(partial, "wb") as target:
                yield target
        except BaseException:
            self._system.rm(partial)
            raise
        self._system.mv(partial, path)

    def open(self, key: str) -> IO[bytes]:
        """As the file system does."""
        found: IO[bytes] = self._system.open(f"{self._root}/{key}", "rb")
        return found

    def remove(self, key: str) -> None:
        """As the file system does."""
        path = f"{self._root}/{key}"
        if self._system.exists(path):
            self._system.rm(path)


def new_key(suffix: str = "", name: str | None = None) -> str:
    """A fresh key; `suffix` like `.csv` tells readers the format, and is not trusted.

    `name`, 32 hex digits that nobody can guess, makes the same key of the same name.
    """
    name = name or uuid4().hex
    return f"{name[:2]}/{name}{suffix.lower()}"


def put(source: BinaryIO, suffix: str = "", key: str | None = None) -> str:
    """Store a stream and return its key; under a given one it replaces what was there."""
    key = key or new_key(suffix)
    with create(key) as target:
        while block := source.read(_BLOCK):
            target.write(block)
    return key


def create(key: str) -> AbstractContextManager[IO[bytes]]:
    """Write a file under a key; it appears whole when the block ends, or not at all."""
    return _store().create(_checked(key))


@contextmanager
def open_key(key: str) -> Iterator[IO[bytes]]:
    """Read a stored file. Raises NotFound."""
    try:
        source = _store().open(_checked(key))
    except FileNotFoundError:
        raise NotFound("El archivo ya no existe.") from None
    with source:
        yield source


def remove(key: str) -> None:
    """Forget a file; one that is gone already is no error."""
    _store().remove(_checked(key))


@lru_cache
def _store() -> Store:
    url = settings().files_url
    if url.startswith("s3://"):
        from shared.s3 import Bucket  # a second's import that most processes do without

        return Bucket(url)
    return Folder(url)


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise NotFound("El archivo no existe.")
    return key
