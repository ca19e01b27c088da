"""Bodies with bytes of any kind in them, as no client library would write them."""

from collections.abc import Mapping
from urllib.parse import quote

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_BOUNDARY = "odd"
_FILE = b"cedula,nombres,apellidos\n1710034065,Ana,Mora\n"


def urlencoded(values: Mapping[str, bytes]) -> bytes:
    """A form's body."""
    return "&".join(
        f"{quote(name)}={quote(text, safe='')}" for name, text in values.items()
    ).encode()


def multipart(values: Mapping[str, bytes], file: str = "datos.csv") -> tuple[bytes, str]:
    """A form's body with its content type; the field `file` is a file unless it is odd."""
    parts = []
    for name, value in values.items():
        is_file = name == "file"
        file_name = f'; filename="{file}"' if is_file else ""
        head = f'Content-Disposition: form-data; name="{name}"{file_name}\r\n\r\n'.encode()
        parts.append(b"--odd\r\n" + head + (value or _FILE if is_file else value) + b"\r\n")
    return b"".join(parts) + b"--odd--\r\n", f"{MULTIPART}; boundary={_BOUNDARY}"
