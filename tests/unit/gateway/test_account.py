"""One's own account: what it shows, another password, other sessions."""

from datetime import timedelta
from typing import Any

import pytest

from services.gateway import agents
from services.gateway.session import COOKIE
from shared import clock
from shared.contracts import identity
from shared.contracts.identity import OpenSession
from shared.errors import Denied, FieldError, Invalid, NotFound
from shared.permissions import Role
from tests.unit.gateway.conftest import Browser, FakeAsk, make_user

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36"
)
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
)
FORM = {"current": "la de siempre", "password": "correo lluvia mesa"}
FORM["repeated"] = FORM["password"]


def make_open(name: str = "a" * 16, **changes: Any) -> OpenSession:
    usual = {
        "name": name,
        "current": False,
        "started_at": clock.now(),
        "source": "10.1.2.3",
        "agent": FIREFOX,
        "expires_at": clock.now() + timedelta(hours=12),
    }
    return OpenSession(**usual | changes)


@pytest.fixture
def account(rooms: FakeAsk, client: Browser) -> Browser:
    """A user with two sessions."""
    client.cookies.set(COOKIE, Role.ADVISOR)
    own = make_open("b" * 16, current=True, agent=CHROME, started_at=None, source="")
    rooms.answers |= {
        "get_user": lambda user_id: make_user(id=user_id),
        "list_sessions": lambda token: [make_open(), own],
        "change_password": lambda token, current, password, source: None,
        "end_session": lambda name: None,
        "end_other_sessions": lambda token: None,
    }
    return client


def test_it_shows_who_one_is_and_where_one_is_logged_in(account: Browser) -> None:
    page = account.get("/cuenta").text
    assert "Ana Lucía Zambrano Vera" in page
    assert "Firefox en Windows" in page
    assert "10.1.2.3" in page
    assert "Chrome en Android" in page
    assert page.count("/cuenta/sesiones/aaaaaaaaaaaaaaaa/cerrar") == 1
    assert "/cuenta/sesiones/bbbbbbbbbbbbbbbb/cerrar" not in page  # its own is ended by leaving


def test_a_new_password_is_sent_with_the_session_that_stays(
    account: Browser, rooms: FakeAsk
) -> None:
    answer = account.post("/cuenta/contrasena", data=FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/cuenta")
    [heard] = rooms.heard_of(identity.change_password)
    assert heard.arguments == {
        "token": Role.ADVISOR,
        "current": FORM["current"],
        "password": FORM["password"],
        "source": "127.0.0.1",
    }


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"repeated": "otra cosa distinta"}, "No es igual a la contraseña nueva."),
        ({"password": "corta", "repeated": "corta"}, "al menos 10"),
        ({"current": ""}, "obligatorio"),
    ],
)
def test_what_cannot_be_is_told_at_its_field_and_nothing_is_changed(
    account: Browser, rooms: FakeAsk, changes: dict[str, str], told: str
) -> None:
    answer = account.post("/cuenta/contrasena", data=FORM | changes)
    assert answer.status_code == 422
    assert told in answer.text
    assert "la de siempre" not in answer.text
    assert "lluvia" not in answer.text.replace("varias palabras", "")
    assert rooms.heard_of(identity.change_password) == []


def test_a_wrong_present_password_is_told_at_its_field(account: Browser, rooms: FakeAsk) -> None:
    def refuse(token: str, current: str, password: str, source: str) -> None:
        raise Invalid.field("current", "No es su contraseña actual.")

    rooms.answers["change_password"] = refuse
    answer = account.post("/cuenta/contrasena", data=FORM)
    assert answer.status_code == 422
    assert "No es su contraseña actual." in answer.text


def test_who_guesses_too_often_is_told_to_wait(account: Browser, rooms: FakeAsk) -> None:
    def refuse(token: str, current: str, password: str, source: str) -> None:
        raise Denied("Espere 10 segundos.", [FieldError("retry_after", "10")])

    rooms.answers["change_password"] = refuse
    answer = account.post("/cuenta/contrasena", data=FORM)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
    assert "Espere 10 segundos." in answer.text


def test_other_sessions_are_ended_one_by_one_or_all(account: Browser, rooms: FakeAsk) -> None:
    assert account.post(f"/cuenta/sesiones/{'a' * 16}/cerrar").status_code == 303
    assert account.post("/cuenta/sesiones/cerrar").status_code == 303
    [one] = rooms.heard_of(identity.end_session)
    [all_] = rooms.heard_of(identity.end_other_sessions)
    assert (one.arguments, all_.arguments) == ({"name": "a" * 16}, {"token": Role.ADVISOR})


def test_a_session_that_ended_meanwhile_is_not_found(account: Browser, rooms: FakeAsk) -> None:
    def miss(name: str) -> None:
        raise NotFound("Esa sesión ya terminó.")

    rooms.answers["end_session"] = miss
    assert account.post(f"/cuenta/sesiones/{'a' * 16}/cerrar").status_code == 404


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        (FIREFOX, "Firefox en Windows"),
        (EDGE, "Edge en Windows"),
        (CHROME, "Chrome en Android"),
        ("Chrome/1", "Chrome"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "Programa desconocido"),
        ("x" * 300, "x" * 40),
    ],
)
def test_a_browser_is_named_as_people_call_it(agent: str, shown: str) -> None:
    assert agents.describe(agent) == shown
