"""Tokens of other systems: where they are taken, what they open, and the pages to make them."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.gateway import systems
from services.gateway.app import create_app
from services.gateway.session import COOKIE
from shared import clock
from shared.contract import Page
from shared.contracts import identity
from shared.contracts.identity import IN_PERSON, Admission, IssuedToken, Role, TokenState
from shared.contracts.identity import Token as ApiToken
from shared.errors import Denied, FieldError, Invalid, Unavailable
from shared.permissions import list_permissions
from tests.make.actors import make_actor
from tests.unit.gateway.conftest import Browser, FakeAsk, make_user

VALUE = f"pgn_0123456789_{'x' * 43}"
BEARER = {"Authorization": f"Bearer {VALUE}"}
ME = "/api/v1/me"
NOW = datetime(2026, 11, 3, 15, tzinfo=UTC)
FORM = {
    "name": "Facturación",
    "username": "jefe",
    "expires_on": "2027-01-31",
    "networks": "190.15.2.0/24\r\n 10.0.0.7 ",
    "requests_a_minute": "60",
    "scopes": ["", "campaign.read"],
}


def make_token(**changes: Any) -> ApiToken:
    usual = {
        "id": "0123456789",
        "name": "Facturación <de prueba>",
        "username": "jefe",
        "full_name": "Eva Paz",
        "scopes": ["campaign.read"],
        "networks": [],
        "requests_a_minute": 600,
        "expires_on": date(2027, 1, 31),
        "created_at": NOW,
        "created_by": "Ada Paz",
        "last_used_at": None,
        "last_source": "",
        "revoked_at": None,
        "revoked_by": None,
        "state": TokenState.RUNNING,
    }
    return ApiToken(**usual | changes)


def issue(value: str | None) -> Callable[..., IssuedToken]:
    return lambda new: IssuedToken(**make_token(name=new.name).model_dump(), value=value)


def refuse(error: Exception) -> Callable[..., Any]:
    def answer(**_: Any) -> Any:
        raise error

    return answer


@pytest.fixture
def system(rooms: FakeAsk) -> Callable[..., None]:
    """`system("campaign.read")`: the token is good, and may that."""

    def know(*permissions: str) -> None:
        actor = make_actor().model_copy(
            update={"permissions": frozenset(permissions), "system": "Facturación"}
        )
        admission = Admission(
            actor=actor,
            role_name="Jefe de marketing",
            expires_at=clock.now() + timedelta(days=1),
            limit=600,
            remaining=598,
            reset_seconds=2,
        )
        rooms.answers[identity.check_api_token.name] = lambda token, source: admission

    return know


@pytest.fixture
def form(rooms: FakeAsk) -> None:
    people: Page[Any] = Page(items=[make_user()])
    rooms.answers[identity.list_users.name] = lambda **_: people


# --- at the API ---


def test_a_system_opens_the_api_in_its_users_name(
    client: Browser, rooms: FakeAsk, system: Callable[..., None]
) -> None:
    system("campaign.read")
    answer = client.get(ME, headers=BEARER)
    assert (answer.json()["username"], answer.json()["permissions"]) == ("jefe", ["campaign.read"])
    [asked] = rooms.heard
    assert asked.arguments == {"token": VALUE, "source": "127.0.0.1"}
    measures = {name: answer.headers[f"ratelimit-{name}"] for name in ("limit", "remaining")}
    assert measures == {"limit": "600", "remaining": "598"}


def test_rooms_know_which_system_asks_and_from_where(
    client: Browser, rooms: FakeAsk, system: Callable[..., None]
) -> None:
    system("campaign.read")
    empty: Page[Any] = Page(items=[])
    rooms.answers["list_campaigns"] = lambda **_: empty
    assert client.get("/api/v1/campaigns", headers=BEARER).status_code == 200
    actor = rooms.heard[-1].actor
    assert actor is not None
    assert (actor.username, actor.system, actor.source) == ("jefe", "Facturación", "127.0.0.1")


def test_a_system_may_what_its_scopes_name_and_nothing_else(
    client: Browser, system: Callable[..., None]
) -> None:
    system("campaign.read")
    answer = client.get("/api/v1/audit", headers=BEARER)
    assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (403, "598")
    assert answer.json()["detail"].startswith("El acceso de este sistema no permite esto.")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users"),
        ("POST", "/users"),
        ("PATCH", "/users/7"),
        ("POST", "/roles"),
        ("DELETE", "/roles/auditor"),
        ("GET", "/tokens"),
        ("POST", "/tokens"),
        ("POST", "/tokens/0123456789/revoke"),
    ],
)
def test_accounts_are_for_persons(
    client: Browser, rooms: FakeAsk, system: Callable[..., None], method: str, path: str
) -> None:
    """As identity admits it: without these, whatever its scopes and its user's role are."""
    system(*({item.value for item in list_permissions()} - IN_PERSON))
    answer = client.ask(method, f"/api/v1{path}", headers=BEARER, json={})
    assert answer.status_code == 403
    assert answer.json()["detail"] == (
        "Un sistema no administra usuarios, roles ni accesos: debe hacerlo una persona."
    )
    assert [heard.name for heard in rooms.heard] == ["check_api_token"]


def test_a_wrong_one_is_401_in_words_of_its_own(client: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.check_api_token.name] = refuse(Denied("El acceso no sirve."))
    answer = client.get(ME, headers=BEARER)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "El acceso no sirve."


@pytest.mark.parametrize("odd", ["pgn_" + "x" * 300, "pgn_\x00", "pgn_ñ"])
def test_what_cannot_be_one_is_401(client: Browser, rooms: FakeAsk, odd: str) -> None:
    rooms.answers[identity.check_api_token.name] = refuse(Denied("El acceso no sirve."))
    headers = [(b"authorization", b"Bearer " + odd.encode("latin-1"))]
    assert client.get(ME, headers=headers).status_code == 401


def test_identity_away_is_503(client: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.check_api_token.name] = refuse(Unavailable("No responde."))
    assert client.get(ME, headers=BEARER).status_code == 503


def test_who_asks_too_often_is_told_when_to_come_again_and_costs_no_room(
    client: Browser, rooms: FakeAsk
) -> None:
    wait = Denied("Este acceso admite 3.", [FieldError("retry_after", "7")])
    rooms.answers[identity.check_api_token.name] = refuse(wait)
    answers = [client.get(ME, headers=BEARER) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {429}
    assert {answer.json()["status"] for answer in answers} == {429}
    assert {answer.headers["retry-after"] for answer in answers} == {"7"}
    assert len(rooms.heard) == 1
    other = {"Authorization": f"Bearer pgn_9876543210_{'x' * 43}"}
    client.get(ME, headers=other)
    assert len(rooms.heard) == 2  # nobody else waits


def test_a_wait_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    waits, now = systems.Waits(), 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    waits.note(VALUE, "10.0.0.1", Denied("Espere.", [FieldError("retry_after", "7")]))
    now += 6.5
    with pytest.raises(Denied) as caught:
        waits.check(VALUE, "10.0.0.1")
    assert caught.value.fields == (FieldError("retry_after", "1"),)
    waits.check(VALUE, "10.0.0.2")  # elsewhere it was told nothing
    now += 0.6
    waits.check(VALUE, "10.0.0.1")


def test_no_more_waits_are_kept_than_fit() -> None:
    waits = systems.Waits()
    for number in range(2500):
        waits.note(str(number), "", Denied("Espere.", [FieldError("retry_after", "60")]))
    assert len(waits._until) <= 1000


# --- and nowhere else ---


@pytest.mark.parametrize("path", ["/", "/campanas", "/vivo", "/cuenta", "/auditoria/registro.csv"])
def test_no_page_is_opened_by_a_token(
    client: Browser, rooms: FakeAsk, system: Callable[..., None], path: str
) -> None:
    system(*(item.value for item in list_permissions()))
    as_bearer = client.get(path, headers=BEARER)
    client.cookies.set(COOKIE, VALUE)
    as_cookie = client.get(path)
    for answer in (as_bearer, as_cookie):
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/ingresar")
    assert rooms.heard_of(identity.check_api_token) == []


def test_no_cookie_opens_the_api_with_a_token(
    client: Browser, rooms: FakeAsk, system: Callable[..., None]
) -> None:
    system("campaign.read")
    client.cookies.set(COOKIE, VALUE)
    assert client.get(ME).status_code == 401
    assert rooms.heard_of(identity.check_api_token) == []


def test_the_document_names_both_ways_in() -> None:
    document = create_app(FakeAsk()).openapi()
    schemes = document["components"]["securitySchemes"]
    assert (schemes["Pregón"]["type"], schemes["Sistema"]["type"]) == ("oauth2", "http")
    assert "pgn_" in schemes["Sistema"]["description"]
    [told] = {str(document["paths"][path]["get"]["security"]) for path in (ME, "/api/v1/users")}
    assert told == "[{'Pregón': []}, {'Sistema': []}]"


# --- pages ---


def test_none_yet_says_what_one_is_for(admin: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.list_api_tokens.name] = lambda **_: Page(items=[])
    page = admin.get("/accesos").text
    assert "Ningún otro sistema entra" in page
    assert 'href="/accesos/nuevo"' in page


def test_they_are_listed_with_whom_they_act_for_and_their_last_use(
    admin: Browser, rooms: FakeAsk
) -> None:
    gone = make_token(
        id="9876543210",
        state=TokenState.REVOKED,
        revoked_at=NOW,
        revoked_by="Ada Paz",
        networks=["190.15.2.0/24"],
        last_used_at=NOW,
        last_source="190.15.2.9",
    )
    found: Page[ApiToken] = Page(items=[make_token(), gone], next="x")
    rooms.answers[identity.list_api_tokens.name] = lambda **_: found
    page = admin.get("/accesos").text
    assert "Facturación &lt;de prueba&gt;" in page
    assert "<li>Ver campañas</li>" in page
    assert ("cualquier dirección" in page, "190.15.2.0/24" in page) == (True, True)
    assert ("nunca" in page, "190.15.2.9" in page) == (True, True)
    assert 'action="/accesos/0123456789/revocar"' in page
    assert 'data-confirm="¿Revocar el acceso Facturación &lt;de prueba&gt;?"' in page
    assert "/accesos/9876543210/revocar" not in page


def test_the_form_offers_nothing_for_persons(admin: Browser, form: None) -> None:
    page = admin.get("/accesos/nuevo").text
    offered = {item.value for item in list_permissions() if f'value="{item.value}"' in page}
    assert offered == {item.value for item in list_permissions()} - IN_PERSON


def test_a_new_one_is_shown_once_and_not_kept(admin: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.create_api_token.name] = issue(VALUE)
    answer = admin.post("/accesos/nuevo", data=FORM)
    assert answer.status_code == 200
    assert f'value="{VALUE}" readonly' in answer.text
    assert f'data-copy="{VALUE}"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    (heard,) = rooms.heard_of(identity.create_api_token)
    assert heard.arguments["new"] == {
        "name": "Facturación",
        "username": "jefe",
        "scopes": ["campaign.read"],
        "expires_on": "2027-01-31",
        "networks": ["190.15.2.0/24", "10.0.0.7"],
        "requests_a_minute": 60,
    }


def test_sent_again_it_says_that_it_was_shown(admin: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.create_api_token.name] = issue(None)
    page = admin.post("/accesos/nuevo", data=FORM).text
    assert "El valor ya se mostró" in page
    assert "data-copy" not in page


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"networks": "10.0.0.7/24"}, "networks", "Escriba una dirección como"),
        ({"networks": "aquí"}, "networks", "Escriba una dirección como"),
        ({"scopes": ""}, "scopes", '<div class="invalid-feedback d-block mb-2">'),
        ({"requests_a_minute": "0"}, "requests_a_minute", ""),
        ({"name": "x"}, "name", ""),
        ({"expires_on": ""}, "expires_on", ""),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_kept(
    admin: Browser, form: None, changes: dict[str, Any], field: str, told: str
) -> None:
    answer = admin.post("/accesos/nuevo", data=FORM | changes)
    assert answer.status_code == 422
    assert told in answer.text
    assert field == "scopes" or f'id="error-{field}"' in answer.text
    if field == "networks":
        assert f">{changes['networks']}</textarea>" in answer.text
        assert 'value="campaign.read" checked' in answer.text


def test_what_identity_refuses_is_told_at_its_field(
    admin: Browser, rooms: FakeAsk, form: None
) -> None:
    error = Invalid.field("scopes", "El rol de Eva no tiene: audit.read.")
    rooms.answers[identity.create_api_token.name] = refuse(error)
    answer = admin.post("/accesos/nuevo", data=FORM)
    assert (answer.status_code, "no tiene: audit.read" in answer.text) == (422, True)


def test_one_is_revoked(admin: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.revoke_api_token.name] = lambda token_id: make_token(id=token_id)
    answer = admin.post("/accesos/0123456789/revocar")
    assert answer.headers["location"] == "/accesos"


def test_a_user_sees_which_systems_act_in_the_own_name(client: Browser, rooms: FakeAsk) -> None:
    client.cookies.set(COOKIE, Role.ADVISOR)
    rooms.answers[identity.list_own_api_tokens.name] = lambda: [make_token()]
    page = client.get("/cuenta/accesos").text
    assert ("Facturación &lt;de prueba&gt;" in page, "creado por Ada Paz" in page) == (True, True)
    rooms.answers[identity.list_own_api_tokens.name] = list
    assert "Ningún sistema actúa en su nombre." in client.get("/cuenta/accesos").text


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMIN])
def test_they_are_for_administrators(client: Browser, role: Role) -> None:
    client.cookies.set(COOKIE, role)
    answers: list[httpx.Response] = [client.get("/accesos"), client.get("/api/v1/tokens")]
    assert [answer.status_code for answer in answers] == [403, 403]
