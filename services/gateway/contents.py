"""What an uploaded file is, by its content: a name says it only."""

import zipfile
from collections.abc import Callable, Mapping
from typing import IO

from shared.errors import Invalid
from shared.loads.encodings import is_text

_HEAD = 1 << 16
_ZIP = b"PK\x03\x04"
_WORKBOOK = "xl/workbook.xml"
_UNPACKED_BYTES = 4 << 30  # a full sheet of a million rows and thirty columns
_BINARY = (_ZIP, b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"%PDF-", b"\xd0\xcf\x11\xe0", b"\x1f\x8b")


def check(stream: IO[bytes], suffix: str) -> None:
    """Leaves the stream at its beginning. Raises Invalid on `file` for what is not as its name."""
    try:
        _CHECKS[suffix](stream)
    finally:
        stream.seek(0)


def _check_table(stream: IO[bytes]) -> None:
    _check_text(stream, "El archivo no es una tabla de texto (CSV).")


def _check_page(stream: IO[bytes]) -> None:
    _check_text(stream, "El archivo no es HTML.")


def _check_text(stream: IO[bytes], wrong: str) -> None:
    head = stream.read(_HEAD)
    if head.startswith(_ZIP) and _is_workbook(stream):
        raise _invalid("El archivo es un libro de Excel: su nombre debe terminar en .xlsx.")
    if head.startswith(_BINARY) or not is_text(head):
        raise _invalid(wrong)


def _check_workbook(stream: IO[bytes]) -> None:
    if not _is_workbook(stream):
        raise _invalid("El archivo no es un libro de Excel (.xlsx).")


def _check_archive(stream: IO[bytes]) -> None:
    _names(stream, "El zip está dañado o no es un zip.")


def _is_workbook(stream: IO[bytes]) -> bool:
    return _WORKBOOK in _names(stream, "El archivo XLSX está dañado o no es de Excel.")


def _names(stream: IO[bytes], wrong: str) -> list[str]:
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError):
        raise _invalid(wrong) from None
    if sum(member.file_size for member in members) > _UNPACKED_BYTES:
        raise _invalid("El archivo es demasiado grande al abrirse: divídalo en partes.")
    return [member.filename for member in members]


def _invalid(text: str) -> Invalid:
    return Invalid.field("file", text)


_CHECKS: Mapping[str, Callable[[IO[bytes]], None]] = {
    ".csv": _check_table,
    ".txt": _check_table,
    ".xlsx": _check_workbook,
    ".html": _check_page,
    ".htm": _check_page,
    ".zip": _check_archive,
}
