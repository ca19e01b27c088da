"""Uploaded files on their way into the file store, where rooms and jobs find them by key."""

from pathlib import PurePath

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from shared import files
from shared.errors import Invalid

MEGABYTE = 1 << 20


async def store_upload(
    upload: UploadFile, *, suffixes: tuple[str, ...], megabytes: int, field: str = "file"
) -> str:
    """Store an uploaded file and return its key, which ends in its suffix.

    The name tells only the format to expect; whoever reads the file checks what it is.
    Raises Invalid at `field` for another suffix, an empty file and one over the limit.
    """
    suffix = PurePath(upload.filename or "").suffix.lower()
    if suffix not in suffixes:
        raise Invalid.field(field, f"Elija un archivo {_listed(suffixes)}.")
    if not upload.size:
        raise Invalid.field(field, "El archivo está vacío.")
    if upload.size > megabytes * MEGABYTE:
        raise Invalid.field(field, f"El archivo tiene más de {megabytes} MB. Divídalo en partes.")
    return await run_in_threadpool(files.put, upload.file, suffix)


def _listed(suffixes: tuple[str, ...]) -> str:
    *others, last = (suffix.removeprefix(".").upper() for suffix in suffixes)
    return f"{', '.join(others)} o {last}" if others else last
