"""The app over rooms that answer from the test: faked at the RPC client and nowhere else."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, ParamSpec, TypeVar

import httpx
import pytest
from fastapi import FastAPI

from services.gateway.app import create_app, open_doors
from services.gateway.session import COOKIE
from shared import clock, trace
from shared.client import Client
from shared.contract import Actor, Event, Page, Procedure
from shared.contracts import identity
from shared.contracts.identity import Grant, Session, User, UserRole
from shared.errors import Denied, Unavailable
from shared.permissions import Role, granted
from shared.settings import settings
from tests.make.actors import make_actor

P = ParamSpec("P")
R = TypeVar("R")
ORIGIN = "http://testserver"
TEAM = ("ana", "berta", "luis")  # whom whoever leads a team leads

_SETTINGS = {
    "AMQP_URL": "pyamqp://nowhere",
    "DATABASE_URL": "postgresql://nowhere",
    "REDIS_URL": "redis://nowhere",
    "SMTP_URL": "smtp://nowhere",
    "SECRET_KEY": "k" * 32,
    "SOAP_PASSWORD": "nobody",
    "ALLOWED_HOSTS": "testserver",
    "LOG_LEVEL": "CRITICAL",
}


@dataclass
class Heard:
    """A call as the room would see it."""

    name: str
    arguments: dict[str, Any]
    actor: Actor | None
    trace_id: str
    idempotency_key: str | None


@dataclass
class FakeAsk(Client):
    """Answers by procedure; arguments and replies pass the contract both ways."""

    answers: dict[str, Callable[..., Any]] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    events: "asyncio.Queue[Event]" = field(default_factory=asyncio.Queue)
    connected: bool = True
    stuck: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    async def start(self) -> None:
        """There is nothing to connect to."""

    async def stop(self) -> None:
        """Nor to close."""

    async def check_health(self, service: str) -> str:
        """Every room is well, but for what a test says."""
        if service in self.gone:
            raise Unavailable(f"{service} is away")
        return self.stuck.get(service, "ok")

    async def ask(self, procedure: Procedure[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The test's answer, as it would come over the wire."""
        arguments = procedure.encode_arguments(*args, **kwargs)
        context = (trace.find_actor(), trace.trace_id(), trace.idempotency_key())
        self.heard.append(Heard(procedure.name, arguments, *context))
        reply = self.answers[procedure.name](**procedure.decode_arguments(arguments))
        shown = procedure.shown(reply, trace.find_actor())
        return procedure.decode_reply(procedure.encode_reply(shown))

    @asynccontextmanager
    async def listen(
        self, *events: type[Event], missed: Callable[[], None]
    ) -> AsyncIterator["asyncio.Queue[Event]"]:
        """The events the test puts in."""
        yield self.events

    def heard_of(self, procedure: Procedure[..., Any]) -> list[Heard]:
        """The calls of one procedure."""
        return [heard for heard in self.heard if heard.name == procedure.name]


def make_user(**changes: Any) -> User:
    """A plausible user."""
    usual = {
        "id": 7,
        "username": "ana",
        "full_name": "Ana Lucía Zambrano Vera",
        "role": Role.ADVISOR,
        "role_name": "Asesor",
        "active": True,
        "last_login_at": None,
        "version": 3,
    }
    return User(**usual | changes)


def make_role(code: str, *permissions: str, **changes: Any) -> UserRole:
    """A role that somebody has made."""
    at = datetime(2026, 11, 3, 15, tzinfo=UTC)
    grants = [Grant(permission=item, granted_by="Eva Paz", granted_at=at) for item in permissions]
    usual = {
        "code": code,
        "name": f"Rol {code}",
        "builtin": False,
        "users": 2,
        "grants": grants,
        "version": 4,
    }
    return UserRole(**usual | changes)


def make_session(role: Role) -> Session:
    """A session whose token is the role's name."""
    return Session(
        token=role,
        actor=make_actor(role, role, full_name="Rosa Quishpe", team=TEAM),
        role_name=role.word,
        permissions=granted(role),
        expires_at=clock.now() + timedelta(hours=12),
    )


def find_session(token: str) -> Session:
    """As identity answers."""
    if token not in list(Role):
        raise Denied("La sesión expiró. Ingrese de nuevo.")
    return make_session(Role(token))


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[None]:
    for name, value in {**_SETTINGS, "FILES_URL": f"file://{tmp_path}"}.items():
        monkeypatch.setenv(f"PREGON_{name}", value)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def rooms() -> FakeAsk:
    """Rooms that know the sessions `admin`, `advisor`, …"""
    return FakeAsk(
        answers={
            identity.get_session.name: find_session,
            identity.get_list_choice.name: lambda **_: identity.ListChoice(),
            identity.list_viewers.name: lambda **_: Page(items=[]),
            identity.record_export.name: lambda **_: None,
            identity.get_password_link.name: lambda **_: None,
        }
    )


class Browser:
    """Asks the app without a server between; keeps cookies, follows no redirects."""

    def __init__(self, app: FastAPI) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._http = httpx.AsyncClient(transport=transport, base_url=ORIGIN)
        self.headers = self._http.headers
        self.cookies = self._http.cookies
        self.headers["Origin"] = ORIGIN

    def ask(self, method: str, address: str, **options: Any) -> httpx.Response:
        """One request and its whole answer."""
        return asyncio.run(self._http.request(method, address, **options))

    def get(self, address: str, **options: Any) -> httpx.Response:
        """Open a page."""
        return self.ask("GET", address, **options)

    def post(self, address: str, **options: Any) -> httpx.Response:
        """Send a form or a command."""
        return self.ask("POST", address, **options)


@cache
def _app() -> FastAPI:
    """Its routes, made once: most of what a test would take."""
    return create_app(FakeAsk())


def app_over(rooms: Client) -> FastAPI:
    """The app as it stands before its first request."""
    open_doors(_app(), rooms)
    return _app()


@pytest.fixture
def client(rooms: FakeAsk) -> Browser:
    """A browser that is not logged in."""
    return Browser(app_over(rooms))


@pytest.fixture
def admin(client: Browser) -> Browser:
    """A browser with an administrator's session."""
    client.cookies.set(COOKIE, Role.ADMIN)
    return client
