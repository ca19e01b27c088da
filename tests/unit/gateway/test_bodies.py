"""What is read of bodies, and when: every route, asked by the app's own interface."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.types import Message

from services.gateway import bodies
from services.gateway.session import COOKIE
from shared.contracts.identity import get_session
from shared.permissions import Role
from tests.unit.gateway.conftest import FakeAsk, app_over, find_session
from tests.unit.gateway.test_permissions import NoRooms, doors, split, value_of

PART = b"a" * (64 << 10)
KINDS = (
    b"multipart/form-data; boundary=x",
    b"application/json",
    b"application/x-www-form-urlencoded",
)
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


@dataclass
class Sender:
    """A body without an end, and what was taken of it before the answer began."""

    headers: list[tuple[bytes, bytes]]
    taken: int = 0
    lingered: int = 0
    status: int = 0
    answer: dict[bytes, bytes] = field(default_factory=dict)

    async def receive(self) -> Message:
        if self.status:
            self.lingered += len(PART)
        else:
            self.taken += len(PART)
        return {"type": "http.request", "body": PART, "more_body": True}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.answer = dict(message["headers"])


def put(app: FastAPI, method: str, path: str, *headers: tuple[bytes, bytes]) -> Sender:
    """Send a body that never ends."""
    usual = [(b"host", b"testserver"), (b"transfer-encoding", b"chunked")]
    sender = Sender([*usual, *headers])
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": sender.headers,
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        "state": {},
    }
    asyncio.run(app(scope, sender.receive, sender.send))
    return sender


def routes() -> list[tuple[str, str]]:
    """Method and address of every route that takes a body."""
    found = []
    for route in doors():
        address = "".join(value_of(part) for part in split(route.path))
        found += [(method, address) for method in sorted((route.methods or set()) & UNSAFE)]
    return found


PUBLIC = {
    ("POST", "/ingresar"),
    ("POST", "/ingresar/codigo"),
    ("POST", "/ingresar/recuperar"),
    ("POST", "/ingresar/clave/1"),
    ("POST", "/salir"),
    ("POST", "/api/v1/token"),
    ("POST", "/api/v1/token/second-factor"),
    ("POST", "/baja/1"),
}


@pytest.fixture
def app() -> FastAPI:
    return app_over(NoRooms(answers={get_session.name: find_session}))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shown", ["nothing", "bearer", "cookie"])
def test_nothing_is_read_of_a_body_before_it_is_known_who_asks(
    app: FastAPI, shown: str, kind: bytes
) -> None:
    who = {
        "nothing": [],
        "bearer": [(b"authorization", b"Bearer made-up")],
        "cookie": [(b"cookie", f"{COOKIE}=made-up".encode()), (b"origin", b"http://testserver")],
    }[shown]
    for method, path in sorted(set(routes()) - PUBLIC):
        sender = put(app, method, path, (b"content-type", kind), *who)
        assert (sender.taken, sender.status in {303, 401}) == (0, True), (method, path)
        assert sender.answer[b"connection"] == b"close"
        assert sender.lingered <= bodies.LINGER_BYTES


def test_nothing_is_read_of_those_who_may_not(app: FastAPI) -> None:
    who = (b"authorization", f"Bearer {Role.ADVISOR}".encode())
    sender = put(app, "POST", "/api/v1/risk-loads", who, (b"content-type", KINDS[0]))
    assert (sender.taken, sender.status, sender.answer[b"connection"]) == (0, 403, b"close")


@pytest.mark.parametrize("path", ["/nothing-here", "/static/nothing", "/health/live"])
def test_nothing_is_read_where_nobody_takes_it(app: FastAPI, path: str) -> None:
    sender = put(app, "POST", path)
    assert (sender.taken, sender.answer[b"connection"]) == (0, b"close")
    assert sender.status in {404, 405}


@pytest.mark.parametrize("kind", KINDS)
def test_every_route_stops_reading_at_its_limit(app: FastAPI, kind: bytes) -> None:
    """But for the six that take files, which have the limit of those; see below."""
    files = {
        ("POST", "/api/v1/customers/imports"),
        ("POST", "/api/v1/designs"),
        ("POST", "/api/v1/risk-loads"),
        ("POST", "/central-de-riesgos/cargas"),
        ("POST", "/clientes/importar"),
        ("POST", "/disenos/nuevo"),
    }
    every = set(routes())
    assert files < every
    for method, path in sorted(every - files):
        limit = bodies.SMALL if (method, path) in PUBLIC else bodies.USUAL
        statuses = {}
        for role in Role:
            who = (b"authorization", f"Bearer {role}".encode())
            sender = put(app, method, path, who, (b"content-type", kind))
            assert sender.taken <= limit + len(PART), (method, path, role)
            statuses[sender.status] = sender.answer[b"connection"]
        assert set(statuses.values()) == {b"close"}, (method, path, statuses)


def test_a_page_with_a_file_takes_ten_megabytes_and_no_more(app: FastAPI) -> None:
    who = (b"authorization", f"Bearer {Role.MARKETING_HEAD}".encode())
    sender = put(app, "POST", "/api/v1/designs", who, (b"content-type", b"application/json"))
    assert sender.status == 413
    assert 11 << 20 <= sender.taken <= (11 << 20) + 2 * len(PART)


def test_a_length_that_is_announced_too_large_is_not_even_read(app: FastAPI) -> None:
    length = str(bodies.SMALL + 1).encode()
    said = ((b"content-length", length), (b"content-type", KINDS[2]))
    sender = put(app, "POST", "/ingresar", *said)
    assert (sender.status, sender.taken) == (413, 0)


def test_a_body_that_comes_too_slowly_is_answered_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(bodies, "LINGER_SECONDS", 0.05)

    async def trickle(_sender: Sender) -> Message:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"a", "more_body": True}

    monkeypatch.setattr(Sender, "receive", trickle)
    app = app_over(FakeAsk(answers={}))
    sender = put(app, "POST", "/api/v1/token", (b"content-type", KINDS[2]))
    assert (sender.status, sender.answer[b"connection"]) == (408, b"close")


def test_a_stream_of_a_user_is_not_cut_by_the_pace_of_bodies(monkeypatch: Any) -> None:
    """Whoever sends no body may wait for ever."""
    exchange = bodies.Exchange({"type": "http", "headers": []}, _late, _late)  # type: ignore[arg-type]
    monkeypatch.setattr(bodies, "PATIENCE_SECONDS", 0.01)
    assert asyncio.run(exchange.receive())["type"] == "http.disconnect"


async def _late(*_: Any) -> Message:
    await asyncio.sleep(0.05)
    return {"type": "http.disconnect"}
