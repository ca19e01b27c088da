"""The store through which uploads, images, attachments and exports pass between processes.

A local folder or any fsspec URL (`PREGON_FILES_URL`); files have keys, never paths.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import IO, Any, BinaryIO
from uuid import uuid4

import fsspec

from shared.errors import NotFound
from shared.settings import settings

_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}(\.[a-z0-9]{1,8})?")
_BLOCK = 1 << 20


def new_key(suffix: str = "") -> str:
    """A fresh key; `suffix` like `.csv` tells readers the format, and is not trusted."""
    name = uuid4().hex
    return f"{name[:2]}/{name}{suffix.lower()}"


def put(source: BinaryIO, suffix: str = "") -> str:
    """Store a stream and return its key."""
    key = new_key(suffix)
    with create(key) as target:
        while block := source.read(_BLOCK):
            target.write(block)
    return key


@contextmanager
def create(key: str) -> Iterator[IO[bytes]]:
    """Write a file under a key; it appears whole when the block ends, or not at all."""
    system, path = _locate(key)
    system.makedirs(path.rpartition("/")[0], exist_ok=True)
    partial = f"{path}.part"
    try:
        with system.open(partial, "wb") as target:
            yield target
    except BaseException:
        system.rm(partial)
        raise
    system.mv(partial, path)


@contextmanager
def open_key(key: str) -> Iterator[IO[bytes]]:
    """Read a stored file. Raises NotFound."""
    system, path = _locate(key)
    try:
        source = system.open(path, "rb")
    except FileNotFoundError:
        raise NotFound("El archivo ya no existe.") from None
    with source:
        yield source


def remove(key: str) -> None:
    """Forget a file; one that is gone already is no error."""
    system, path = _locate(key)
    if system.exists(path):
        system.rm(path)


@lru_cache
def _store() -> tuple[Any, str]:
    system, root = fsspec.core.url_to_fs(settings().files_url)
    return system, root.rstrip("/")


def _locate(key: str) -> tuple[Any, str]:
    if not _KEY.fullmatch(key):
        raise NotFound("El archivo no existe.")
    system, root = _store()
    return system, f"{root}/{key}"
