"""Every route asked as every role and as nobody, compared with the table beside this file.

A route that is new, gone or opened to others changes `permissions.txt`, for a person to look at:
`make permissions` writes it anew.
"""

import pkgutil
from collections.abc import Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.routing import APIRoute

from services.gateway import api, live, routes
from shared.contracts.identity import Role, get_session
from shared.errors import Unavailable
from tests.unit.gateway.conftest import Browser, FakeAsk, app_over, find_session

TABLE = Path(__file__).with_name("permissions.txt")
NOBODY = "nobody"
EVERYBODY = "everybody"
LOG_IN = "/ingresar"


class NoRooms(FakeAsk):
    """Knows sessions and nothing else: whoever passes a guard learns that the rooms are away."""

    async def ask(self, procedure: Any, *args: Any, **kwargs: Any) -> Any:
        if procedure is get_session:
            return await super().ask(procedure, *args, **kwargs)
        raise Unavailable("Nadie.")

    @asynccontextmanager
    async def listen(self, *_events: Any, missed: Any) -> Any:
        raise Unavailable("Nadie.")
        yield  # noqa: V201  # a generator by it


def ask() -> Iterator[tuple[str, str, list[str]]]:
    """(method, path, who got past the guard) of every route."""
    app = app_over(NoRooms(answers={get_session.name: find_session}))
    for route in doors():
        for method in sorted(route.methods or ()):
            passed = [who for who in (*Role, NOBODY) if passes(app, method, route.path, who)]
            yield method, route.path, passed


def doors() -> Iterator[APIRoute]:
    """The routes of all modules of `api/` and `routes/`."""
    for package, name in ((api, "api"), (routes, "pages")):
        for module in pkgutil.iter_modules(package.__path__):
            found = import_module(f"{package.__name__}.{module.name}")
            router = getattr(found, name).router
            yield from (route for route in router.routes if isinstance(route, APIRoute))


def passes(app: Any, method: str, path: str, who: str) -> bool:
    """Whether a request by this role is more than refused at the guard."""
    headers = {} if who == NOBODY else {"authorization": f"Bearer {who}"}
    concrete = "".join(value_of(part) for part in split(path))
    answer = Browser(app).ask(method, concrete, headers=headers)
    to_log_in = answer.is_redirect and answer.headers["location"].startswith(LOG_IN)
    return answer.status_code not in (401, 403) and not to_log_in


def split(path: str) -> list[str]:
    """The fixed and the variable parts of a path."""
    return path.replace("{", "\0{").replace("}", "}\0").split("\0")


def value_of(part: str) -> str:
    if not part.startswith("{"):
        return part
    if part == "{token_id}":
        return "1" * 10  # as they all are
    if part == "{name}":
        return "sistema"
    return str(UUID(int=1)) if part.endswith(":uuid}") else "1"


def table() -> str:
    lines = []
    for method, path, passed in ask():
        allowed = EVERYBODY if len(passed) == len(Role) + 1 else " ".join(sorted(passed)) or NOBODY
        lines.append(f"{method:6} {path:60} {allowed}")
    return "\n".join(sorted(lines)) + "\n"


def test_every_route_is_open_to_those_in_the_table_and_to_nobody_else(
    monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    monkeypatch.setattr(live, "LIFETIME_SECONDS", 0)
    found = table()
    if pytestconfig.getoption("--write-table"):
        TABLE.write_text(found)
    assert found == TABLE.read_text()
