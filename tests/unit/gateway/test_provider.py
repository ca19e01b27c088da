"""The way to the company's provider and back, as the browser sees it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.gateway.session import BY_PROVIDER, COOKIE, TRIP
from shared import clock
from shared.contracts.identity import ProviderWay, Ticket, finish_provider_log_in
from shared.errors import Conflict, Denied, FieldError, Unavailable
from shared.permissions import Role
from shared.settings import settings
from tests.unit.gateway.conftest import Browser, FakeAsk, make_role, make_session, make_user

THERE = "https://ingreso.empresa.example/authorize?state=s"
BACK = "/ingresar/proveedor/regreso?state=the-state&code=the-code"


def refuse(error: Exception) -> Callable[..., Any]:
    def answer(**_: Any) -> None:
        raise error

    return answer


@pytest.fixture(autouse=True)
def _set(monkeypatch: pytest.MonkeyPatch, rooms: FakeAsk) -> None:
    for name, value in {
        "ISSUER": "https://ingreso.empresa.example",
        "CLIENT_ID": "pregon",
        "CLIENT_SECRET": "secreto",
        "NAME": "Mi Empresa",
    }.items():
        monkeypatch.setenv(f"PREGON_OIDC_{name}", value)
    settings.cache_clear()
    rooms.answers["begin_provider_log_in"] = lambda: ProviderWay(address=THERE, kept="sealed")
    rooms.answers["finish_provider_log_in"] = lambda **_: make_session(Role.ADMIN)
    rooms.answers["log_out"] = lambda token: None


def set_out(client: Browser, leads_to: str = "/campanas/3") -> None:
    client.get(f"/ingresar/proveedor?volver={leads_to}")


def test_the_page_offers_it_by_a_link_and_keeps_where_one_was_going(
    client: Browser, rooms: FakeAsk
) -> None:
    page = client.get("/ingresar?volver=/campanas/3%3Fa%3D1").text
    assert 'href="/ingresar/proveedor?volver=/campanas/3%3Fa%3D1"' in page
    assert "Ingresar con Mi Empresa" in page
    assert "<details" not in page
    rooms.answers["log_in"] = refuse(Denied("No son correctos."))
    answer = client.post("/ingresar", data={"username": "a", "password": "b"})
    assert "Ingresar con Mi Empresa" in answer.text


def test_without_a_provider_there_is_no_such_link(
    client: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREGON_OIDC_ISSUER", "")
    settings.cache_clear()
    assert "/ingresar/proveedor" not in client.get("/ingresar").text


def test_with_it_alone_the_password_is_put_aside_for_administrators(
    client: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREGON_OIDC_ONLY", "1")
    settings.cache_clear()
    page = client.get("/ingresar").text
    assert page.index("Ingresar con Mi Empresa") < page.index("<details")
    assert "autofocus" not in page


def test_the_way_there_is_kept_by_this_browser_for_ten_minutes(client: Browser) -> None:
    answer = client.get("/ingresar/proveedor?volver=/campanas/3")
    assert (answer.status_code, answer.headers["location"]) == (303, THERE)
    cookie = answer.headers["set-cookie"]
    for part in (f"{TRIP}=", "HttpOnly", "Max-Age=600", "Path=/ingresar", "SameSite=lax"):
        assert part in cookie


def test_who_comes_back_is_in_and_where_it_was_going(client: Browser, rooms: FakeAsk) -> None:
    set_out(client)
    answer = client.get(BACK)
    assert (answer.status_code, answer.headers["location"]) == (303, "/campanas/3")
    assert client.cookies[COOKIE] == Role.ADMIN
    assert TRIP not in client.cookies
    (heard,) = rooms.heard_of(finish_provider_log_in)
    brought = {name: heard.arguments[name] for name in ("kept", "state", "code", "source")}
    assert brought == {
        "kept": "sealed",
        "state": "the-state",
        "code": "the-code",
        "source": "127.0.0.1",
    }


@pytest.mark.parametrize("leads_to", ["https://otro.example/", "//otro.example", "/" + "x" * 3000])
def test_it_leads_to_no_other_site(client: Browser, leads_to: str) -> None:
    set_out(client, leads_to)
    assert client.get(BACK).headers["location"] == "/"


def test_a_cookie_that_somebody_wrote_leads_nowhere_else(client: Browser) -> None:
    client.cookies.set(TRIP, "sealed.https%3A%2F%2Fotro.example", path="/ingresar")
    assert client.get(BACK).headers["location"] == "/"


def test_the_former_session_of_the_browser_ends(client: Browser, rooms: FakeAsk) -> None:
    ended: list[str] = []
    rooms.answers["log_out"] = lambda token: ended.append(token)
    client.cookies.set(COOKIE, "former")
    set_out(client)
    client.get(BACK)
    assert ended == ["former"]


def test_a_second_factor_is_asked_for(client: Browser, rooms: FakeAsk) -> None:
    until = clock.now() + timedelta(minutes=5)
    rooms.answers["finish_provider_log_in"] = lambda **_: Ticket(ticket="t", expires_at=until)
    set_out(client)
    answer = client.get(BACK)
    assert answer.headers["location"] == "/ingresar/codigo?volver=/campanas/3"
    assert COOKIE not in client.cookies


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("error=access_denied&error_description=<b>x</b>", 403, "se canceló"),
        ("error=server_error", 503, "no está disponible"),
        ("error=<script>", 403, "no completó el ingreso"),
        ("", 403, "no completó el ingreso"),
        (f"state=s&code={'c' * 5000}", 403, "no completó el ingreso"),
        ("state=s&code=%00", 403, "no completó el ingreso"),
    ],
)
def test_what_goes_wrong_is_said_in_our_words(
    client: Browser, query: str, status: int, words: str
) -> None:
    set_out(client)
    answer = client.get(f"/ingresar/proveedor/regreso?{query}")
    assert (answer.status_code, words in answer.text) == (status, True)
    assert "<b>x" not in answer.text
    assert "<script>" not in answer.text
    assert 'href="/ingresar/proveedor?volver=/campanas/3"' in answer.text
    assert COOKIE not in client.cookies
    assert TRIP not in client.cookies


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Denied("Su cuenta no tiene un usuario."), 403),
        (Unavailable("No responde."), 503),
        (Denied("Espere.", [FieldError("retry_after", "20")]), 429),
    ],
)
def test_what_identity_refuses_is_shown(
    client: Browser, rooms: FakeAsk, error: Exception, status: int
) -> None:
    rooms.answers["finish_provider_log_in"] = refuse(error)
    set_out(client)
    answer = client.get(BACK)
    assert answer.status_code == status
    assert str(error) in answer.text
    assert (status == 429) == ("retry-after" in answer.headers)


@pytest.mark.parametrize("error", [Unavailable("No responde."), Conflict("No hay ninguna.")])
def test_a_way_that_is_not_there_is_said(client: Browser, rooms: FakeAsk, error: Exception) -> None:
    rooms.answers["begin_provider_log_in"] = refuse(error)
    answer = client.get("/ingresar/proveedor?volver=/campanas/3")
    assert str(error) in answer.text
    assert 'href="/ingresar?volver=/campanas/3"' in answer.text


def test_who_logs_out_is_offered_to_log_out_there_as_well(client: Browser, rooms: FakeAsk) -> None:
    address = "https://ingreso.empresa.example/end?client_id=pregon&x=1"
    rooms.answers["find_provider_log_out"] = lambda: address
    set_out(client)
    client.get(BACK)
    answer = client.post("/salir")
    assert answer.headers["location"] == "/ingresar/proveedor/salida"
    assert BY_PROVIDER not in client.cookies
    page = client.get("/ingresar/proveedor/salida").text
    assert 'href="https://ingreso.empresa.example/end?client_id=pregon&amp;x=1"' in page
    assert "La sesión se cerró." in page
    assert client.post("/salir").headers["location"] == "/ingresar"


@pytest.mark.parametrize("answer", [lambda: None, refuse(Unavailable("No."))])
def test_where_that_cannot_be_it_is_not_offered(
    client: Browser, rooms: FakeAsk, answer: Callable[..., Any]
) -> None:
    rooms.answers["find_provider_log_out"] = answer
    assert client.get("/ingresar/proveedor/salida").headers["location"] == "/ingresar"


def test_an_administrator_unlinks(admin: Browser, rooms: FakeAsk) -> None:
    gone: list[int] = []
    rooms.answers |= {
        "unlink_provider_account": lambda user_id: gone.append(user_id),
        "get_user": lambda user_id: make_user(id=user_id, provider_account=True),
        "list_roles": lambda: [make_role("advisor")],
        "list_assignments": refuse(Unavailable("No.")),
    }
    assert "Desvincular cuenta de la empresa" in admin.get("/usuarios/8").text
    answer = admin.post("/usuarios/8/cuenta-de-la-empresa/quitar")
    assert (answer.headers["location"], gone) == ("/usuarios/8", [8])
    rooms.answers["unlink_provider_account"] = refuse(Conflict("No tiene."))
    assert admin.post("/usuarios/8/cuenta-de-la-empresa/quitar").status_code == 303
    rooms.answers["get_user"] = lambda user_id: make_user(id=user_id)
    assert "Desvincular" not in admin.get("/usuarios/8").text
