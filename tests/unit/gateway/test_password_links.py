"""Pages of links by mail: they tell nobody anything, and their address goes nowhere."""

import re
from typing import Any

import pytest

from services.gateway.session import COOKIE
from shared import faults
from shared.contracts import identity
from shared.contracts.identity import LinkHolder, LinkPurpose, LinkState, PasswordLink, Session
from shared.errors import Conflict, Denied, FieldError, Invalid, NotFound, Unavailable
from shared.permissions import Role
from tests.unit.gateway.conftest import Browser, FakeAsk, make_session, make_user

ASK, LINK = "/ingresar/recuperar", "/ingresar/clave/the-word"
CHOSEN = {"password": "correo lluvia mesa", "repeated": "correo lluvia mesa"}


@pytest.fixture
def invited(rooms: FakeAsk, client: Browser) -> Browser:
    """A browser whose user has the link `the-word`."""
    holder = LinkHolder(purpose=LinkPurpose.INVITATION, username="eva", full_name="Eva <Mora>")

    def find(token: str, **_: Any) -> LinkHolder:
        if token != "the-word":
            raise NotFound("El enlace ya se usó.")
        return holder

    rooms.answers["get_link_holder"] = find
    rooms.answers["use_password_link"] = find
    rooms.answers["ask_password_reset"] = lambda **_: None
    rooms.answers["log_out"] = lambda token: None
    return client


def refuse(rooms: FakeAsk, name: str, error: Exception) -> None:
    def answer(**_: Any) -> None:
        raise error

    rooms.answers[name] = answer


def test_the_log_in_leads_to_the_page_where_a_link_is_asked_for(invited: Browser) -> None:
    assert f'href="{ASK}"' in invited.get("/ingresar").text
    assert 'name="who"' in invited.get(ASK).text


def test_the_answer_holds_nothing_of_what_was_typed(invited: Browser, rooms: FakeAsk) -> None:
    answers = [invited.post(ASK, data={"who": who}) for who in ("eva", "nadie@correo.example")]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    heard = rooms.heard_of(identity.ask_password_reset)
    assert [item.arguments["who"] for item in heard] == ["eva", "nadie@correo.example"]


def test_too_often_is_429_with_the_time_to_wait(invited: Browser, rooms: FakeAsk) -> None:
    wait = Denied("Espere una hora.", [FieldError("retry_after", "3600")])
    refuse(rooms, "ask_password_reset", wait)
    answer = invited.post(ASK, data={"who": "eva"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
    assert "Espere una hora." in answer.text
    assert invited.post(ASK, data={"who": ""}).status_code == 422


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_to_look_at_a_link_shows_the_form_and_uses_nothing(
    invited: Browser, rooms: FakeAsk, method: str
) -> None:
    answer = invited.ask(method, LINK)
    assert answer.status_code == 200
    assert rooms.heard_of(identity.use_password_link) == []
    if method == "GET":
        assert "Eva &lt;Mora&gt;, su usuario es" in answer.text


def test_the_address_of_a_link_goes_nowhere(invited: Browser) -> None:
    dead, used = invited.get("/ingresar/clave/other"), invited.post(LINK, data=CHOSEN)
    for answer in (invited.get(LINK), dead, used, invited.post(LINK, data={})):
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
    assert (dead.status_code, "ya se usó" in dead.text) == (404, True)
    for text in (invited.get(LINK).text, dead.text):
        assert "the-word" not in text
        assert "clave/other" not in text
        assert not re.search(r"<form[^>]* id=", text)  # drafts keep the page's address


@pytest.mark.parametrize("quote", ["", '"', "'", " "])
def test_no_log_holds_the_word_of_a_link(quote: str) -> None:
    told = faults.redact(f"GET {quote}https://x.example/ingresar/clave/a-b_C9{quote} refused")
    assert "a-b_C9" not in told
    assert "refused" in told


def test_a_password_is_chosen_and_whoever_was_logged_in_here_is_no_more(
    invited: Browser, rooms: FakeAsk
) -> None:
    invited.cookies.set(COOKIE, Role.ADMIN)
    answer = invited.post(LINK, data=CHOSEN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/ingresar")
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]
    assert rooms.heard_of(identity.log_out)[0].arguments == {"token": "admin"}
    (used,) = rooms.heard_of(identity.use_password_link)
    assert used.arguments["password"] == CHOSEN["password"]


def test_a_form_from_a_page_without_referrer_is_taken(invited: Browser) -> None:
    """Without TLS browsers send `Origin: null` from such a page, and nothing else."""
    answer = invited.post(LINK, data=CHOSEN, headers={"Origin": "null"})
    assert answer.status_code == 303
    assert invited.post(ASK, data={"who": "eva"}, headers={"Origin": "null"}).status_code == 403


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (Invalid.field("password", "Se adivina."), 422, "Se adivina."),
        (Denied("Espere.", [FieldError("retry_after", "60")]), 429, "Espere."),
        (Unavailable("Un momento."), 503, "Un momento."),
        (NotFound("Venció."), 404, "Venció."),
    ],
)
def test_a_refusal_says_why_and_keeps_no_password(
    invited: Browser, rooms: FakeAsk, error: Exception, status: int, told: str
) -> None:
    refuse(rooms, "use_password_link", error)
    answer = invited.post(LINK, data=CHOSEN)
    assert (answer.status_code, told in answer.text) == (status, True)
    assert CHOSEN["password"] not in answer.text


def test_two_different_passwords_use_no_link(invited: Browser, rooms: FakeAsk) -> None:
    answer = invited.post(LINK, data=CHOSEN | {"repeated": "otra"})
    assert (answer.status_code, "No es igual" in answer.text) == (422, True)
    assert rooms.heard_of(identity.use_password_link) == []


# --- who is logged in ---


def test_who_is_logged_in_is_led_on_from_the_log_in(admin: Browser) -> None:
    for address, leads_to in (
        ("/ingresar", "/"),
        ("/ingresar?volver=/campanas/3", "/campanas/3"),
        ("/ingresar?volver=//otro.example", "/"),
    ):
        answer = admin.get(address)
        assert (answer.status_code, answer.headers["location"]) == (303, leads_to)


def test_an_ended_session_and_a_room_that_is_away_lead_to_the_form(
    admin: Browser, rooms: FakeAsk
) -> None:
    for error in (Denied("La sesión expiró."), Unavailable("Un momento.")):
        refuse(rooms, "get_session", error)
        assert 'name="password"' in admin.get("/ingresar").text


@pytest.mark.parametrize("second_step", [False, True])
def test_a_new_log_in_ends_the_browsers_session_whichever_way_it_comes(
    invited: Browser, rooms: FakeAsk, second_step: bool
) -> None:
    given: Session = make_session(Role.ADMIN)
    rooms.answers["log_in"] = rooms.answers["finish_log_in"] = lambda **_: given
    invited.cookies.set(COOKIE, "former")
    path, data = ("/ingresar/codigo", {"code": "123456"}) if second_step else ("/ingresar", CHOSEN)
    assert invited.post(path, data=data | {"username": "rosa"}).status_code == 303
    assert rooms.heard_of(identity.log_out)[0].arguments == {"token": "former"}


# --- the administrator's page ---


def user_page(admin: Browser, rooms: FakeAsk, link: PasswordLink | None, **values: Any) -> str:
    user = make_user(id=7, **values)
    rooms.answers["get_user"] = lambda **_: user
    rooms.answers["get_password_link"] = lambda **_: link
    rooms.answers["list_roles"] = lambda **_: []
    refuse(rooms, "list_assignments", Denied("no"))
    return admin.get("/usuarios/7").text


def make_link(state: LinkState, **values: Any) -> PasswordLink:
    times = {"asked_at": "2026-11-22T15:00:00Z", "expires_at": "2026-11-22T15:30:00Z"}
    about = {"purpose": LinkPurpose.INVITATION, "asked_by": "Rosa", "failure": ""}
    missing = {"sent_at": None, "used_at": None}
    return PasswordLink.model_validate({"state": state} | times | about | missing | values)


def test_the_page_of_the_invited_says_what_became_of_the_mail(
    admin: Browser, rooms: FakeAsk
) -> None:
    failed = make_link(LinkState.FAILED, failure="550 no such user")
    page = user_page(
        admin, rooms, failed, invited=True, has_password=False, email="eva@correo.example"
    )
    assert "Invitado" in page
    assert "No salió" in page
    assert "550 no such user" in page
    assert 'action="/usuarios/7/invitacion"' in page
    page = user_page(admin, rooms, make_link(LinkState.USED, used_at="2026-11-22T15:20:00Z"))
    assert "Usado el" in page
    assert "/usuarios/7/invitacion" not in page
    assert 'id="password-link"' not in user_page(admin, rooms, None)


def test_an_invitation_is_sent_again_by_a_button(admin: Browser, rooms: FakeAsk) -> None:
    rooms.answers["send_invitation"] = lambda **_: make_link(LinkState.WAITING)
    answer = admin.post("/usuarios/7/invitacion")
    assert (answer.status_code, answer.headers["location"]) == (303, "/usuarios/7")
    refuse(rooms, "send_invitation", Conflict("ya tiene"))
    assert admin.post("/usuarios/7/invitacion").status_code == 303
