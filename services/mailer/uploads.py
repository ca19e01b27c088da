"""Reading an uploaded design: an HTML file, or a zip with one and its images."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping

from shared import files
from shared.errors import Invalid

ZIP_BYTES = 10_000_000
IMAGE_BYTES = 2_000_000
MAX_FILES = 100
DIRECTORY_BYTES = 200_000  # of the list of its files
_TOO_MANY = f"El zip pasa de {MAX_FILES} archivos o de {ZIP_BYTES // 1_000_000} MB."
# bzip2 and LZMA may ask for gigabytes by their first bytes
_COMPRESSION = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)
# How a file of each kind begins: what a name says is not trusted.
IMAGE_KINDS: Mapping[str, tuple[bytes, ...]] = {
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".gif": (b"GIF87a", b"GIF89a"),
}


def read(key: str) -> tuple[str, dict[str, str]]:
    """The HTML of a stored upload, and the file keys of its images by name.

    Raises NotFound, and Invalid on `file` for anything that is neither.
    """
    with files.open_key(key) as source:
        content = source.read(ZIP_BYTES + 1)
    if len(content) > ZIP_BYTES:
        raise _wrong(f"El archivo pasa de {ZIP_BYTES // 1_000_000} MB.")
    if content.startswith(b"PK\x03\x04"):
        return _read_zip(content)
    return decode(content), {}


def decode(content: bytes) -> str:
    """Text as UTF-8 or, where it is not, as Windows writes it. Raises Invalid for no text."""
    if b"\x00" in content:
        raise _wrong("El archivo no es HTML. Suba un .html o un .zip con su HTML e imágenes.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _read_zip(content: bytes) -> tuple[str, dict[str, str]]:
    try:
        _check_directory(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = list(_members(archive))
            pages = [item for item in members if _suffix(item) in (".html", ".htm")]
            if len(pages) != 1:
                raise _wrong(f"El zip debe traer un solo archivo .html; trae {len(pages)}.")
            html = decode(_read_member(archive, pages[0]))
            return html, dict(_store_images(archive, members))
    except _DAMAGED:
        raise _wrong("El zip está dañado o tiene contraseña.") from None


def _check_directory(content: bytes) -> None:
    """A list of files that is too long is not read: zipfile would make an object of each."""
    end = content.rfind(b"PK\x05\x06")
    size = int.from_bytes(content[end + 12 : end + 16], "little") if end != -1 else 0
    if size > DIRECTORY_BYTES:
        raise _wrong(_TOO_MANY)


def _members(archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    found = [item for item in archive.infolist() if not item.is_dir()]
    if len(found) > MAX_FILES or sum(item.file_size for item in found) > ZIP_BYTES:
        raise _wrong(_TOO_MANY)
    if any(item.compress_type not in _COMPRESSION for item in found):
        raise _wrong("El zip usa una compresión poco común. Comprímalo como zip normal.")
    return (item for item in found if not item.filename.startswith("__MACOSX/"))


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Never more than the member says it holds."""
    with archive.open(member) as source:
        return source.read(member.file_size)


def _store_images(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]
) -> Iterator[tuple[str, str]]:
    for member in members:
        if _suffix(member) in IMAGE_KINDS:
            yield _name(member), _store_image(_suffix(member), archive, member)


def _store_image(suffix: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    content = _read_member(archive, member)
    if len(content) > IMAGE_BYTES:
        raise _wrong(f"La imagen {_name(member)} pasa de {IMAGE_BYTES // 1_000_000} MB.")
    if not content.startswith(IMAGE_KINDS[suffix]):
        raise _wrong(f"El archivo {_name(member)} no es una imagen {suffix[1:].upper()}.")
    return files.put(io.BytesIO(content), suffix)


def _name(member: zipfile.ZipInfo) -> str:
    return member.filename.rpartition("/")[2].lower()


def _suffix(member: zipfile.ZipInfo) -> str:
    name = _name(member)
    return f".{name.rpartition('.')[2]}" if "." in name else ""


def _wrong(text: str) -> Invalid:
    return Invalid.field("file", text)
