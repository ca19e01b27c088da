"""Who gets in, and what happens to those who do not."""

import pytest

from services.gateway.routing import Pages
from services.gateway.session import COOKIE, local_path
from shared.contracts import identity
from shared.contracts.identity import Role
from shared.errors import Unavailable
from tests.unit.gateway.conftest import Browser, FakeAsk


def test_route_without_allow_stops_the_start() -> None:
    with pytest.raises(TypeError, match="allow"):
        Pages().get("/x")  # type: ignore[call-arg]  # that is the test


def test_page_without_session_leads_to_log_in_and_back(client: Browser) -> None:
    answer = client.get("/usuarios?rol=advisor")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/ingresar?volver=/usuarios%3Frol%3Dadvisor"


def test_form_after_expiry_leads_back_to_its_page(client: Browser) -> None:
    client.cookies.set(COOKIE, "expired")
    answer = client.post("/usuarios/7", headers={"Referer": "http://testserver/usuarios/7"})
    assert answer.headers["location"] == "/ingresar?volver=/usuarios/7"


def test_htmx_after_expiry_moves_the_whole_page(client: Browser) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/envios/3?tab=1"}
    answer = client.get("/usuarios", headers=headers)
    assert answer.status_code == 204
    assert answer.headers["hx-redirect"] == "/ingresar?volver=/envios/3%3Ftab%3D1"


def test_api_without_session_is_401_problem(client: Browser) -> None:
    answer = client.get("/api/v1/me")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


def test_bearer_token_opens_the_api(client: Browser) -> None:
    answer = client.get("/api/v1/me", headers={"Authorization": "Bearer advisor"})
    assert answer.json()["role"] == "advisor"
    assert "call.work" in answer.json()["permissions"]


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMIN])
def test_users_are_for_administrators(client: Browser, role: Role) -> None:
    client.cookies.set(COOKIE, role)
    assert client.get("/usuarios").status_code == 403
    assert client.get("/api/v1/users").status_code == 403


def test_identity_away_is_503_and_keeps_the_session(admin: Browser, rooms: FakeAsk) -> None:
    def away(token: str) -> None:
        raise Unavailable("El servicio identity no responde.")

    rooms.answers[identity.get_session.name] = away
    answer = admin.get("/")
    assert answer.status_code == 503
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "address",
    [None, "", "https://x.example", "//x.example", "/\\x.example", "javascript:alert(1)", "/\t/x"],
)
def test_no_log_in_leads_elsewhere(address: str | None) -> None:
    assert local_path(address) == "/"


def test_local_path_keeps_the_query() -> None:
    assert local_path("/clientes?desde=3") == "/clientes?desde=3"
