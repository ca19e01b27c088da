"""Uploaded files on their way into the file store, where rooms and jobs find them by key."""

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import PurePath

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from services.gateway import contents
from services.gateway.asking import Asker
from services.gateway.bodies import MEGABYTE
from shared import files
from shared.errors import Invalid
from shared.settings import settings


@dataclass(frozen=True)
class FileKind:
    """What a page or a route takes as a file."""

    suffixes: tuple[str, ...]
    megabytes: int

    @property
    def accept(self) -> str:
        """For the file input of a form."""
        return ",".join(self.suffixes)

    @property
    def takes(self) -> int:
        """The limit of a body with such a file, for the route: the other parts are small."""
        return (self.megabytes + 1) * MEGABYTE


CUSTOMER_FILE = FileKind((".csv", ".txt", ".xlsx"), megabytes=500)
RISK_FILE = FileKind((".csv", ".txt", ".xlsx"), megabytes=500)
DESIGN_FILE = FileKind((".html", ".htm", ".zip"), megabytes=10)

_NAME_LENGTH = 200  # as rooms keep it; the end tells what it is


async def store_named(ask: Asker, upload: UploadFile, kind: FileKind) -> dict[str, str]:
    """`store_upload`, with the name it came by: the two fields by which rooms know a file."""
    key = await store_upload(ask, upload, kind)
    return {"file_key": key, "file_name": (upload.filename or "")[-_NAME_LENGTH:]}


async def store_upload(ask: Asker, upload: UploadFile, kind: FileKind) -> str:
    """Store an uploaded file and return its key, which ends in its suffix.

    A request that is sent again with its idempotency key and the same content gets the same file
    key, so that the room knows it for the same. The content has to be what the name says.
    Raises Invalid at `file` for another suffix, an empty file, one over the limit, and one whose
    content is none of its suffix.
    """
    suffix = PurePath(upload.filename or "").suffix.lower()
    if suffix not in kind.suffixes:
        raise Invalid.field("file", f"Elija un archivo {_listed(kind.suffixes)}.")
    if not upload.size:
        raise Invalid.field("file", "El archivo está vacío.")
    if upload.size > kind.megabytes * MEGABYTE:
        text = f"El archivo tiene más de {kind.megabytes} MB. Divídalo en partes."
        raise Invalid.field("file", text)
    return await run_in_threadpool(_store, ask, upload, suffix)


def _store(ask: Asker, upload: UploadFile, suffix: str) -> str:
    contents.check(upload.file, suffix)
    return files.put(upload.file, key=files.new_key(suffix, _name_again(ask, upload)))


def _name_again(ask: Asker, upload: UploadFile) -> str | None:
    """The same for the same content of a user's request with the same key, and no one's to guess.

    Content alone does not name a file: two people's files would be one, and whoever has a copy
    could tell that somebody else uploaded it.
    """
    if ask.key is None:
        return None
    content = hashlib.file_digest(upload.file, "sha256").hexdigest()  # type: ignore[arg-type]  # a file
    upload.file.seek(0)
    words = "\n".join((ask.username, ask.key, content))
    return hmac.new(settings().secret_key.encode(), words.encode(), "sha256").hexdigest()[:32]


def _listed(suffixes: tuple[str, ...]) -> str:
    *others, last = (suffix.removeprefix(".").upper() for suffix in suffixes)
    return f"{', '.join(others)} o {last}" if others else last
