"""The room with its database and its keys, both empty."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from services.identity import provider, provider_wire
from shared import clock
from shared.redis import connect
from shared.settings import settings
from tests.databases import forget_keys
from tests.provider.running import Running, running
from tests.rooms.identity.telephones import make


@pytest.fixture
def redis() -> Iterator[Redis]:
    client = connect()
    forget_keys(client)
    yield client
    client.close()


@pytest.fixture
def identity(database: Any, door: Any, redis: Redis) -> Any:
    return door("identity", database("identity"), redis=redis)


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`moment(seconds)` moves the clock, which stands still otherwise."""
    now = [datetime(2026, 11, 22, 15, 0, 10, tzinfo=UTC)]
    monkeypatch.setattr(clock, "now", lambda: now[0])

    def move(seconds: float) -> None:
        now[0] += timedelta(seconds=seconds)

    return move


@pytest.fixture
def ana(identity: Any) -> Any:
    return make(identity)


# --- the company's provider ---


@pytest.fixture(scope="module")
def company() -> Iterator[Running]:
    with running() as started:
        yield started


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`setting(only="1")`: PREGON_OIDC_ONLY and what is remembered by former ones."""

    def forget() -> None:
        settings.cache_clear()
        provider.shared_provider.cache_clear()
        provider_wire._breaker.cache_clear()
        provider_wire._places.cache_clear()

    def change(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"PREGON_OIDC_{name.upper()}", value)
        forget()

    yield change
    monkeypatch.undo()
    forget()


@pytest.fixture
def of_the_company(
    company: Running, setting: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    for name, value in company.settings().items():
        monkeypatch.setenv(name, value)
    setting()
    company.know("ana")
    yield
    company.tell("wrong", "")
