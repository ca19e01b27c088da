"""The calendar of agreed calls."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.routes.calendar import View, span_of
from services.gateway.session import COOKIE
from shared.contracts import telemarketing
from shared.contracts.identity import Role
from shared.contracts.telemarketing import Callback
from tests.unit.gateway.conftest import Browser, FakeAsk

AT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)  # still the 23rd in Ecuador


@pytest.fixture
def browser(client: Browser, rooms: FakeAsk) -> Browser:
    """One agreed call, whoever asks."""
    callback = Callback(
        id=1,
        customer_id=5,
        customer_name="Rosa Mora",
        phone="+593991234567",
        campaign_id=7,
        campaign_name="Fibra",
        advisor="ana",
        at=AT,
        note="Después de las nueve",
        done=False,
    )
    rooms.answers["list_callbacks"] = lambda **_: [callback]
    client.cookies.set(COOKIE, Role.ADVISOR)
    return client


@pytest.mark.parametrize("view", ["mes", "semana", "dia"])
def test_every_view_shows_the_call_on_its_day_in_ecuador(browser: Browser, view: str) -> None:
    page = browser.get(f"/agenda?vista={view}&fecha=2026-11-23").text
    assert "21:30" in page
    assert "Rosa Mora" in page
    assert "Lunes, 23 nov 2026" in page


def test_a_month_asks_for_whole_weeks(browser: Browser, rooms: FakeAsk) -> None:
    browser.get("/agenda?fecha=2026-11-23")
    [heard] = rooms.heard_of(telemarketing.list_callbacks)
    assert heard.arguments["from_at"] == "2026-10-26T00:00:00-05:00"
    assert heard.arguments["to_at"] == "2026-12-07T00:00:00-05:00"


def test_only_who_may_see_all_chooses_an_advisor(browser: Browser) -> None:
    assert 'name="asesor"' not in browser.get("/agenda").text
    browser.cookies.set(COOKIE, Role.SUPERVISOR)
    assert 'name="asesor"' in browser.get("/agenda").text


def test_an_empty_calendar_says_where_calls_come_from(browser: Browser, rooms: FakeAsk) -> None:
    rooms.answers["list_callbacks"] = lambda **_: []
    assert "No hay llamadas agendadas" in browser.get("/agenda?vista=dia").text


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "2100-01-01", "9999-12-31"])
@pytest.mark.parametrize("view", ["mes", "semana", "dia"])
def test_a_day_on_which_no_call_is_agreed_is_refused(browser: Browser, view: str, day: str) -> None:
    assert browser.get(f"/agenda?fecha={day}&vista={view}").status_code == 422


@pytest.mark.parametrize("day", ["2000-01-01", "2099-12-31"])
@pytest.mark.parametrize("view", ["mes", "semana", "dia"])
def test_the_first_and_the_last_day_are_shown(browser: Browser, view: str, day: str) -> None:
    assert browser.get(f"/agenda?fecha={day}&vista={view}").status_code == 200


def test_a_wrong_date_is_refused(browser: Browser) -> None:
    assert browser.get("/agenda?fecha=ayer").status_code == 422


@given(
    day=st.dates(min_value=date(2000, 2, 1), max_value=date(2100, 1, 1)),
    view=st.sampled_from(list(View)),
)
def test_a_span_holds_its_day_and_its_arrows_leave_it(day: date, view: View) -> None:
    span = span_of(view, day)
    assert day in span.days
    assert len(span.days) in {1, 7, 28, 35, 42}
    following: Any = span_of(view, span.next)
    assert span_of(view, following.previous).title == span.title
    assert span.previous < day < span.next or view is not View.DAY
    assert span.next - span.previous > timedelta(days=1)
