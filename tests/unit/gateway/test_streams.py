"""Live parts: drawn at once, after each event that concerns the page, and closed in time."""

import asyncio

import pytest
from fastapi import Request
from sse_starlette import ServerSentEvent

from services.gateway import streams
from shared.contract import Event
from tests.unit.gateway.conftest import FakeAsk


class RunMoved(Event, service="test"):
    """A run made progress."""

    run_id: int


def test_stream_draws_for_its_own_events_and_ends(
    rooms: FakeAsk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(streams, "_LIFETIME_SECONDS", 0.2)
    drawn = asyncio.run(_collect(rooms))
    assert drawn == ["1", "2"]


async def _collect(rooms: FakeAsk) -> list[str]:
    count = 0

    async def draw() -> str:
        nonlocal count
        count += 1
        return str(count)

    for run_id in (8, 7):
        rooms.events.put_nowait(RunMoved(run_id=run_id))
    app = type("App", (), {"state": type("State", (), {"client": rooms})})
    request = Request({"type": "http", "app": app})

    def about(event: Event) -> bool:
        return isinstance(event, RunMoved) and event.run_id == 7

    response = streams.stream(request, draw, RunMoved, about=about)
    return [
        str(item.data) async for item in response.body_iterator if isinstance(item, ServerSentEvent)
    ]
