"""The second step of a log-in, setting it up, and what a restricted session reaches: no more."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest

from services.gateway.asking import Asker
from services.gateway.session import COOKIE, TICKET, SecondFactorMissing
from shared import clock
from shared.contracts import customer_query, identity
from shared.contracts.identity import (
    Session,
    Ticket,
)
from shared.errors import Conflict, Denied, FieldError, Invalid
from shared.permissions import Role
from shared.settings import settings
from tests.unit.gateway.conftest import Browser, FakeAsk, make_session
from tests.unit.gateway.factors import CODES, refuse, set_up
from tests.unit.gateway.test_permissions import EVERYBODY, TABLE, doors, split, value_of

PAIR = {"username": "rosa", "password": "correcta"}
OPEN_WHEN_RESTRICTED = {
    ("GET", "/cuenta/verificacion"),
    ("POST", "/cuenta/verificacion"),
    ("GET", "/cuenta/verificacion/confirmar"),
    ("GET", "/cuenta/verificacion/confirmado"),
    ("GET", "/ingresar/codigo"),  # for everybody, and leads to the log-in
    ("GET", "/ingresar/recuperar"),  # for everybody
    ("POST", "/ingresar/recuperar"),
    ("GET", "/ingresar/proveedor/salida"),  # as well
    ("POST", "/salir"),  # as well
}


@pytest.fixture
def asked(rooms: FakeAsk, client: Browser) -> Browser:
    """A browser of a user with a second factor; the code is 123456."""
    until = clock.now() + timedelta(minutes=5)

    def finish(ticket: str, code: str, **_: Any) -> Session:
        if ticket != "the-ticket":
            raise Denied("El ingreso tomó más de cinco minutos. Ingrese de nuevo.")
        if code not in ("123456", "aaaabbbbccccdddd"):
            raise Invalid.field("code", "El código no es correcto.")
        return make_session(Role.ADMIN)

    rooms.answers["log_in"] = lambda **_: Ticket(ticket="the-ticket", expires_at=until)
    rooms.answers["finish_log_in"] = finish
    rooms.answers["log_out"] = lambda token: None
    return client


# --- the second step, by pages ---


def test_the_password_alone_leads_to_the_code_and_sets_no_session(asked: Browser) -> None:
    answer = asked.post("/ingresar", data=PAIR | {"next": "/campanas/3"})
    assert answer.headers["location"] == "/ingresar/codigo?volver=/campanas/3"
    cookie = answer.headers["set-cookie"]
    assert f"{TICKET}=the-ticket" in cookie
    assert "HttpOnly" in cookie
    assert "Path=/ingresar" in cookie
    assert COOKIE not in cookie
    page = asked.get("/ingresar/codigo?volver=/campanas/3").text
    assert 'inputmode="numeric"' in page
    assert 'autocomplete="one-time-code"' in page
    assert "autofocus" in page
    assert page.count('name="next" value="/campanas/3"') == 2
    assert "the-ticket" not in page


def test_the_code_opens_the_session_and_goes_on(asked: Browser, rooms: FakeAsk) -> None:
    asked.post("/ingresar", data=PAIR)
    answer = asked.post("/ingresar/codigo", data={"code": " 123 456", "next": "/campanas/3"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/campanas/3")
    assert asked.cookies[COOKIE] == Role.ADMIN
    assert TICKET not in asked.cookies
    (heard,) = rooms.heard_of(identity.finish_log_in)
    assert (heard.arguments["code"], heard.arguments["source"]) == ("123456", "127.0.0.1")


def test_a_recovery_code_is_sent_like_a_code(asked: Browser) -> None:
    asked.post("/ingresar", data=PAIR)
    answer = asked.post("/ingresar/codigo", data={"recovery": CODES[0].upper(), "next": "/"})
    assert answer.status_code == 303
    assert asked.cookies[COOKIE] == Role.ADMIN


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("code", "000000", "El código no es correcto."),
        ("code", "", "Escriba el código."),
        ("recovery", "nada", "El código no es correcto."),
        ("code", "9" * 70, "como máximo 60"),
    ],
)
def test_a_wrong_code_is_told_at_its_field_and_may_be_mended(
    asked: Browser, field: str, typed: str, told: str
) -> None:
    asked.post("/ingresar", data=PAIR)
    answer = asked.post("/ingresar/codigo", data={field: typed, "next": "/campanas/3"})
    assert answer.status_code == 422
    assert re.search(rf'id="error-{field}">[^<]*{told}', answer.text)
    assert 'value="/campanas/3"' in answer.text
    assert ("<details" in answer.text and " open>" in answer.text) == (field == "recovery")
    assert not typed or f'value="{typed}"' not in answer.text
    assert asked.post("/ingresar/codigo", data={"code": "123456"}).status_code == 303


def test_an_old_ticket_leads_back_to_the_log_in_with_where_one_was_going(asked: Browser) -> None:
    asked.cookies.set(TICKET, "too-old", path="/ingresar")
    answer = asked.post("/ingresar/codigo", data={"code": "123456", "next": "/campanas/3"})
    assert answer.headers["location"] == "/ingresar?volver=/campanas/3"
    assert f'{TICKET}=""' in str(answer.headers.get_list("set-cookie"))
    assert "más de cinco minutos" in asked.get("/ingresar?volver=/campanas/3").text


def test_without_the_first_step_there_is_no_second(asked: Browser) -> None:
    answer = asked.get("/ingresar/codigo?volver=https://otro.example/")
    assert answer.headers["location"] == "/ingresar"


def test_too_many_codes_are_429(asked: Browser, rooms: FakeAsk) -> None:
    wait = Denied("Demasiados intentos fallidos.", [FieldError("retry_after", "20")])
    rooms.answers["finish_log_in"] = refuse(wait)
    asked.post("/ingresar", data=PAIR)
    answer = asked.post("/ingresar/codigo", data={"code": "123456"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "20")
    assert "Demasiados intentos fallidos." in answer.text
    told = asked.post("/api/v1/token/second-factor", json={"ticket": "t", "code": "1"})
    assert (told.status_code, told.headers["retry-after"]) == (429, "20")


# --- the second step, by the API ---


def test_a_program_is_given_a_ticket_and_for_that_and_a_code_its_token(asked: Browser) -> None:
    first = asked.post("/api/v1/token", data=PAIR)
    assert first.status_code == 401
    assert first.headers["content-type"] == "application/problem+json"
    told = first.json()
    assert (told["code"], told["ticket"]) == ("second_factor_required", "the-ticket")
    assert 290 < told["expires_in"] <= 300
    second = {"ticket": told["ticket"], "code": "123 456"}
    token = asked.post("/api/v1/token/second-factor", json=second)
    assert token.json()["access_token"] == Role.ADMIN
    for wrong, field in ({"code": "000000"}, "code"), ({"ticket": "other"}, None):
        answer = asked.post("/api/v1/token/second-factor", json=second | wrong)
        assert answer.status_code == 401
        assert [error["field"] for error in answer.json()["errors"]] == ([field] if field else [])


def test_a_usual_problem_says_nothing_of_second_factors(asked: Browser, rooms: FakeAsk) -> None:
    rooms.answers["log_in"] = refuse(Denied("El usuario o la contraseña no son correctos."))
    told = asked.post("/api/v1/token", data=PAIR).json()
    assert set(told) == {"type", "title", "status", "detail", "errors", "code", "trace_id"}
    assert told["code"] == ""


# --- restricted ---


@pytest.fixture
def restricted(rooms: FakeAsk, client: Browser) -> Browser:
    """Of a user whose role requires what is not set up yet; rooms would answer all the same."""
    session = make_session(Role.ADMIN).model_copy(update={"restricted": True})
    rooms.answers[identity.get_session.name] = lambda token: session
    set_up(rooms)
    client.cookies.set(COOKIE, Role.ADMIN)
    return client


def test_every_page_leads_to_the_set_up_and_every_call_of_the_api_names_the_remedy(
    restricted: Browser, rooms: FakeAsk
) -> None:
    lines = [line.split() for line in TABLE.read_text().splitlines()]
    public = {(method, path) for method, path, *who in lines if who == [EVERYBODY]}
    for route in doors():
        for method in sorted(route.methods or ()):
            path = "".join(value_of(part) for part in split(route.path))
            if (method, route.path) in OPEN_WHEN_RESTRICTED | public:
                continue
            answer = restricted.ask(method, path)
            if path.startswith("/api/"):
                assert answer.status_code == 403, path
                assert method == "HEAD" or answer.json()["code"] == "second_factor_set_up_required"
            else:
                assert answer.headers.get("location") == "/cuenta/verificacion", path
    assert {heard.name for heard in rooms.heard} == {identity.get_session.name}


def test_the_remedy_is_an_address(restricted: Browser) -> None:
    told = restricted.get("/api/v1/me").json()["detail"]
    assert f"{settings().public_url}/cuenta/verificacion" in told


def test_htmx_moves_the_whole_page_to_the_set_up(restricted: Browser) -> None:
    answer = restricted.get("/avisos/campana", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/cuenta/verificacion")


def test_no_room_is_asked_in_a_restricted_name_whatever_the_route(rooms: FakeAsk) -> None:
    actor = make_session(Role.ADMIN).actor
    asker = Asker(rooms, actor, None, restricted=True)
    for procedure in (customer_query.list_customers, identity.list_users):
        with pytest.raises(SecondFactorMissing):
            asyncio.run(asker(procedure))
    assert rooms.heard == []


def test_the_set_up_page_shows_what_a_telephone_reads_and_nothing_else(
    restricted: Browser,
) -> None:
    answer = restricted.get("/cuenta/verificacion")
    assert "JBSW Y3DP EHPK 3PXP" in answer.text
    assert "<svg" in answer.text
    assert "Su rol la exige" in answer.text
    assert 'action="/salir"' in answer.text
    assert "Menú" not in answer.text
    assert "style=" not in answer.text
    assert "https://" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "style-src" not in answer.headers["content-security-policy"]


# --- administrators ---


def test_an_administrator_may_reset_that_of_others(admin: Browser, rooms: FakeAsk) -> None:
    reset: list[int] = []
    rooms.answers["reset_second_factor"] = lambda user_id: reset.append(user_id)
    answer = admin.post("/usuarios/7/verificacion/quitar")
    assert (answer.status_code, answer.headers["location"]) == (303, "/usuarios/7")
    assert admin.ask("DELETE", "/api/v1/users/8/second-factor").status_code == 204
    assert reset == [7, 8]
    rooms.answers["reset_second_factor"] = refuse(Conflict("No la tiene."))
    assert admin.post("/usuarios/7/verificacion/quitar").status_code == 303
