"""The stream of what changes: who hears what, once, also after being away."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator

import pytest

from services.gateway import live
from services.gateway.live import EVERYTHING, Live, Topic
from services.gateway.session import COOKIE
from shared import clock
from shared.contract import Event, Page
from shared.contracts.identity import (
    Notice,
    NoticesChanged,
    get_session,
    list_notices,
    open_notice,
    read_notices,
)
from shared.contracts.mailer import MailingChanged, MailingState, MailPermission
from shared.permissions import Role
from tests.unit.gateway.conftest import Browser, FakeAsk, make_session

LIFETIME = live.LIFETIME_SECONDS
HEAD = make_session(Role.MARKETING_HEAD)
ADVISOR = make_session(Role.ADVISOR)


def moved(mailing_id: int) -> Event:
    return MailingChanged(
        mailing_id=mailing_id, campaign_id=1, state=MailingState.SENDING, target=1, version=1
    )


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(live, "LIFETIME_SECONDS", 0.3)


async def follow(
    heard: Live, session: object = HEAD, after: str | None = None
) -> AsyncIterator[tuple[str, list[str]]]:
    async for event in heard.follow(session, after):  # type: ignore[arg-type]
        yield str(event.id), sorted(json.loads(str(event.data)))


def test_a_browser_hears_of_what_happens_until_its_time_is_over() -> None:
    async def whole() -> list[list[str]]:
        heard = Live()
        heard.note(moved(1))
        got: list[list[str]] = []

        async def listen() -> None:
            async for _, topics in follow(heard):
                got.append(topics)

        task = asyncio.create_task(listen())
        await asyncio.sleep(0.05)
        for mailing_id in (7, 7, 9):
            heard.note(moved(mailing_id))
        await asyncio.sleep(0.05)
        heard.note(moved(8))
        await asyncio.wait_for(task, 5)
        return got

    assert asyncio.run(whole()) == [["mailing:7", "mailing:9"], ["mailing:8"]]


def collect(heard: Live, session: object = HEAD, after: str | None = None) -> list[list[str]]:
    async def all_of_it() -> list[list[str]]:
        return [topics async for _, topics in follow(heard, session, after)]

    return asyncio.run(all_of_it())


def test_it_goes_on_where_the_browser_was() -> None:
    async def play() -> tuple[str, list[list[str]]]:
        heard = Live()
        following = follow(heard)
        task = asyncio.ensure_future(anext(following))
        await asyncio.sleep(0.02)
        heard.note(moved(1))
        last, _ = await task
        heard.note(moved(2))  # while it was away
        return last, [topics async for _, topics in follow(heard, after=last)]

    _, got = asyncio.run(play())
    assert got == [["mailing:1", "mailing:2"]]  # those of the last seconds once more


def test_what_was_dropped_for_newer_signals_is_looked_at_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "KEPT", 2)
    heard = Live()
    now = str(int(clock.now().timestamp() * 1000) + 1)
    for mailing_id in (1, 2):
        heard.note(moved(mailing_id))
    monkeypatch.setattr(heard, "_signals", heard._signals.__class__(heard._signals, maxlen=2))
    time.sleep(0.01)
    for mailing_id in (3, 4):
        heard.note(moved(mailing_id))
    assert collect(heard, after=now)[0] == [EVERYTHING]


@pytest.mark.parametrize("after", ["x", "-5", "1", "9" * 30])
def test_whoever_was_away_too_long_looks_at_everything(after: str) -> None:
    heard = Live()
    heard.note(moved(1))
    assert collect(heard, after=after)[0] == [EVERYTHING]


def test_each_hears_only_of_what_the_own_pages_may_show() -> None:
    mail = Topic("mailing:7", MailPermission.READ)
    own = Topic("notices", username=HEAD.actor.username)
    assert (mail.is_heard_by(HEAD), mail.is_heard_by(ADVISOR)) == (True, False)
    assert (own.is_heard_by(HEAD), own.is_heard_by(ADVISOR)) == (True, False)
    assert Topic(EVERYTHING).is_heard_by(ADVISOR)


def test_a_notice_is_heard_by_its_user_alone() -> None:
    for session, topics in ((HEAD, [["notices"]]), (ADVISOR, [])):
        heard = Live()
        now = str(int(clock.now().timestamp() * 1000) + 1)
        heard.note(NoticesChanged(usernames=[HEAD.actor.username]))
        assert collect(heard, session, now) == topics


def test_a_process_hears_by_one_queue_and_tells_of_a_gap(rooms: FakeAsk) -> None:
    async def play() -> list[list[str]]:
        heard = Live()
        got: list[list[str]] = []

        async def listen() -> None:
            async for _, topics in follow(heard):
                got.append(topics)

        following = asyncio.create_task(listen())
        await asyncio.sleep(0.01)
        listening = asyncio.create_task(heard.listen(rooms))
        await asyncio.sleep(0.05)
        rooms.events.put_nowait(moved(7))
        await asyncio.sleep(0.05)
        heard.note_gap()
        await following
        listening.cancel()
        return got

    assert asyncio.run(play()) == [[EVERYTHING], ["mailing:7"], [EVERYTHING]]


def test_the_stream_is_for_those_who_are_logged_in(client: Browser) -> None:
    assert client.get("/vivo").status_code == 303
    client.cookies.set(COOKIE, Role.ADVISOR)
    answer = client.get("/vivo", headers={"Last-Event-ID": "1"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert '["all"]' in answer.text


def test_what_happened_since_the_page_was_drawn_is_told_to_its_new_stream(
    client: Browser, rooms: FakeAsk
) -> None:
    client.cookies.set(COOKIE, Role.ADVISOR)
    rooms.answers[list_notices.name] = lambda after, limit: Page(items=[])
    seen = re.findall(r'<body data-seen="(\d+)">', client.get("/avisos").text)
    app = client._http._transport.app  # type: ignore[attr-defined]  # the one it asks
    app.state.live.note(NoticesChanged(usernames=[Role.ADVISOR]))
    assert '["notices"]' in client.get(f"/vivo?desde={seen[0]}").text


def test_the_bell_counts_what_is_unread_and_asks_anew_when_it_changes(
    client: Browser, rooms: FakeAsk
) -> None:
    def unread(count: int) -> None:
        session = make_session(Role.ADVISOR).model_copy(update={"unread": count})
        rooms.answers[get_session.name] = lambda token: session

    client.cookies.set(COOKIE, Role.ADVISOR)
    unread(3)
    bell = client.get("/avisos/campana").text
    assert 'data-live="notices"' in bell
    assert "Avisos: 3 sin leer" in bell
    unread(0)
    assert "sin leer" not in client.get("/avisos/campana").text
    unread(100)
    assert "99+" in client.get("/avisos/campana").text


def test_notices_are_shown_escaped_and_lead_to_their_page(client: Browser, rooms: FakeAsk) -> None:
    notice = Notice(
        id=5, title="Terminó <b>", detail="", link="/envios/7", created_at=clock.now(), read=False
    )
    rooms.answers |= {
        list_notices.name: lambda after, limit: Page(items=[notice]),
        open_notice.name: lambda notice_id: notice,
        read_notices.name: lambda: None,
    }
    client.cookies.set(COOKIE, Role.ADVISOR)
    page = client.get("/avisos").text
    assert "Terminó &lt;b&gt;" in page
    assert 'href="/avisos/5"' in page
    answer = client.get("/avisos/5")
    assert (answer.status_code, answer.headers["location"]) == (303, "/envios/7")
    assert client.post("/avisos/leer").headers["location"] == "/avisos"
    assert len(rooms.heard_of(read_notices)) == 1
    rooms.answers[list_notices.name] = lambda after, limit: Page(items=[])
    assert "No tiene avisos" in client.get("/avisos").text


def test_a_session_is_checked_again_within_minutes() -> None:
    assert LIFETIME <= 600
