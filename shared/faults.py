"""What may be written down of an error: its class, where it happened, and never whose data it had.

Messages quote what was wrong: PostgreSQL the row (`Failing row contains …`) and the line of a COPY,
pydantic the input, Python the value or, in the `repr` of a UnicodeDecodeError, the whole file.
Logs and parked messages get errors through here.
"""

import re
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from pydantic import ValidationError

from shared.errors import PregonError

MOST = 300
_QUOTED = re.compile(r"""\bb?'(?:[^'\\]|\\.)*'|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|«[^»]*»""")
_NUMBER = re.compile(r"\d{6,}")
_VALUE = re.compile(r': ".*$|= ?\(.*$', re.DOTALL)
_AFTER = re.compile(
    r"(?im)^\s*(?:DETAIL|CONTEXT|QUERY|STATEMENT|HINT|LINE \d+):.*$"
    r"|Failing row contains.*$|\bCOPY \w+, line \d+.*$"
    r"|\[SQL: .*?\]$|\[parameters: .*$|\binput_value=.*$"
)
_TOKEN = re.compile(r"(?<=/baja/)[^\s\"'?<>]+|(?<=/ingresar/clave/)[^\s\"'?<>]+")
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def brief(error: BaseException) -> str:
    """One line: the class and what it says without the values it says it of."""
    return f"{type(error).__name__}: {_said(error)}"[:MOST].rstrip(": ")


def whole(error: BaseException) -> str:
    """The traceback, with the errors that led to it, each in brief."""
    return "\n\n".join(_chain(error, set()))


def render(exc_info: ExcInfo) -> str:
    """As structlog wants it."""
    return whole(exc_info[1])


def redact(text: str) -> str:
    """A text of a library's own, without what it quotes of rows, and without words of links."""
    if "\n" in text or "=" in text or "COPY" in text or "row contains" in text:
        text = _AFTER.sub("…", text)
    return _TOKEN.sub("…", text) if "/baja/" in text or "/clave/" in text else text


def _said(error: BaseException) -> str:
    if isinstance(error, PregonError):
        return str(error)
    if isinstance(error, ValidationError):
        return _wrong_places(error)
    if isinstance(cause := getattr(error, "orig", None), BaseException):  # SQLAlchemy's
        return brief(cause)
    if hasattr(error, "pgcode"):  # psycopg2's; not imported, the gateway has no database
        return _of_database(error, error.pgcode)
    return _without_values(_first_line(error))


def _wrong_places(error: ValidationError) -> str:
    places = (f"{_place(item['loc'])} {item['type']}" for item in error.errors(include_input=False))
    return f"{error.title}: {', '.join(places)}"


def _place(path: tuple[int | str, ...]) -> str:
    """Names of fields; a key that came with the data is none."""
    return ".".join(str(part) if str(part).isidentifier() else "…" for part in path)


def _of_database(error: BaseException, code: str | None) -> str:
    """The constraint's name is ours and says most; after a colon stands the value."""
    message = _VALUE.sub("", _first_line(error))
    return f"{code} {message}" if code else _NUMBER.sub("#", message)


def _first_line(error: BaseException) -> str:
    if isinstance(error, UnicodeError):
        return error.args[-1] if error.args else ""
    text = str(error)
    return text.splitlines()[0] if text else ""


def _without_values(text: str) -> str:
    return _NUMBER.sub("#", _QUOTED.sub("…", redact(text)))


def _chain(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _chain(before, seen)
    frames = "".join(traceback.format_tb(error.__traceback__))
    yield f"{frames}{brief(error)}"
    for inner in _inner(error):
        if id(inner) not in seen:
            yield from _chain(inner, seen)


def _inner(error: Any) -> tuple[BaseException, ...]:
    return error.exceptions if isinstance(error, BaseExceptionGroup) else ()
