"""Asking the bureau's door as another system, and what stands on record then."""

import base64
import io
from collections.abc import Callable
from typing import Any

from redis import Redis

from services.risk_central import lines as in_stream
from services.risk_central.door import Door
from shared.redis import key
from tests.soap.people import PEOPLE, cedula
from tests.soap.test_limits import message

KNOWN, STRANGER = PEOPLE[0]["cedula"], cedula("179999999")
ONE = message("GetRiskByCedula", f"<cedula>{KNOWN}</cedula>")
SECRET, FORMER, OTHER = "secreto", "anterior", "de-otro"


class Reply:
    """What came back."""

    def __init__(self, status: str, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.text = int(status.split()[0]), headers, body.decode()


def ask(
    door: Door, body: bytes = ONE, name: str = "cobranzas", secret: str = SECRET, **changes: Any
) -> Reply:
    """A question in this process."""
    told: list[Any] = []
    shown = base64.b64encode(f"{name}:{secret}".encode()).decode()
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/risk-central",
        "REMOTE_ADDR": "10.0.0.1",
        "HTTP_AUTHORIZATION": f"Basic {shown}",
        "CONTENT_TYPE": "text/xml",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    } | changes

    def start(status: str, headers: Any, *_: object) -> Callable[[bytes], object]:
        told.extend((status, dict(headers)))
        return io.BytesIO().write

    content = b"".join(door(environ, start))
    return Reply(told[0], told[1], content)


def many(*cedulas: str) -> bytes:
    """A batch."""
    strings = "".join(f"<string>{item}</string>" for item in cedulas)
    return message("GetRisks", f"<cedulas>{strings}</cedulas>")


def lines(redis: Redis) -> list[list[str]]:
    """Client, operation, persons, address, milliseconds, people, outcome, known, number."""
    found: Any = redis.xrange(key("risk_central:soap:lines"))
    return [_told(line) for line in in_stream.read(found)]


def _told(line: in_stream.Line) -> list[str]:
    assert line.is_whole
    begins = (line.client, line.operation, line.persons, line.address, line.milliseconds)
    ends = (" ".join(in_stream.unpack(line.people)), line.outcome, line.known, line.number)
    return [str(item) for item in (*begins, *ends)]
