"""Errors as programs and people get them."""

import httpx
import pytest

from services.gateway.session import COOKIE
from shared import bounds
from shared.contract import Page
from shared.contracts import identity
from shared.errors import Conflict, NotFound
from shared.permissions import Role
from tests.unit.gateway.conftest import Browser, FakeAsk

BEARER = {"Authorization": "Bearer admin"}


def test_wrong_body_names_the_fields_in_spanish(client: Browser) -> None:
    answer = client.post("/api/v1/users", json={"username": "ana", "age": 3}, headers=BEARER)
    body = answer.json()
    assert (answer.status_code, body["status"]) == (422, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["trace_id"] == answer.headers["x-trace-id"]
    errors = {error["field"]: error["message"] for error in body["errors"]}
    assert errors["full_name"] == "Este campo es obligatorio."
    assert errors["age"] == "Este campo no existe."


def test_body_that_is_no_json_is_told_so(client: Browser) -> None:
    answer = client.post(
        "/api/v1/users", content="{", headers={**BEARER, "Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"] == "El JSON no es válido."


def test_wrong_query_names_the_parameter(client: Browser) -> None:
    answer = client.get("/api/v1/users?limit=0", headers=BEARER)
    assert answer.json()["errors"] == [{"field": "limit", "message": "Debe ser 1 o más."}]


def test_rooms_error_becomes_a_problem(client: Browser, rooms: FakeAsk) -> None:
    def fail(**_: object) -> None:
        raise NotFound("El usuario no existe.")

    rooms.answers[identity.update_user.name] = fail
    answer = client.ask("PATCH", "/api/v1/users/9", json={}, headers=BEARER)
    assert answer.status_code == 404
    assert answer.json()["detail"] == "El usuario no existe."
    assert answer.json()["title"] == "No encontrado"


def test_unknown_address_and_method_are_problems_too(client: Browser) -> None:
    assert client.get("/api/v1/nothing").json()["status"] == 404
    assert client.ask("PUT", "/api/v1/me").json()["status"] == 405


def test_overlong_idempotency_key_is_refused(client: Browser) -> None:
    headers = {**BEARER, "Idempotency-Key": "k" * 201}
    answer = client.ask("PATCH", "/api/v1/users/9", json={}, headers=headers)
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


def test_page_that_is_not_there_is_a_page(client: Browser) -> None:
    answer = client.get("/nada")
    assert answer.status_code == 404
    assert "No encontrado" in answer.text


def test_htmx_gets_a_part_for_the_notices(admin: Browser, rooms: FakeAsk) -> None:
    def fail(user_id: int) -> None:
        raise NotFound("El usuario no existe.")

    rooms.answers[identity.get_user.name] = fail
    answer = admin.get("/usuarios/9", headers={"HX-Request": "true"})
    assert answer.status_code == 404
    assert "<html" not in answer.text
    assert "El usuario no existe." in answer.text


def test_openapi_documents_the_api_and_nothing_else(client: Browser) -> None:
    document = client.get("/api/v1/openapi.json").json()
    assert all(path.startswith("/api/v1/") for path in document["paths"])
    me = document["paths"]["/api/v1/me"]["get"]
    assert me["security"] == [{"Pregón": []}, {"Sistema": []}]
    assert "application/problem+json" in me["responses"]["401"]["content"]
    flow = document["components"]["securitySchemes"]["Pregón"]["flows"]["password"]
    assert flow["tokenUrl"] == "/api/v1/token"


def test_what_a_form_could_not_do_leads_back_to_its_page(admin: Browser, rooms: FakeAsk) -> None:
    def refuse(load_id: int) -> None:
        raise Conflict("La carga ya terminó.")

    rooms.answers["cancel_load"] = refuse
    address = "/central-de-riesgos/cargas/3/cancelar"
    page = "http://testserver/central-de-riesgos/cargas/3"
    answer = admin.post(address, headers={"Referer": page})
    assert answer.status_code == 409
    assert 'href="/central-de-riesgos/cargas/3"' in answer.text
    assert "Volver a la página" not in admin.post(address).text


def test_who_comes_from_no_address_is_led_home(client: Browser) -> None:
    answer = client.post("/usuarios/nuevo", headers={"Referer": "http://[x"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/ingresar?volver=/")
    part = {"HX-Request": "true", "HX-Current-URL": "http://[::1"}
    assert client.get("/usuarios", headers=part).headers["hx-redirect"] == "/ingresar?volver=/"


# --- what no value may be ---

JSON = {**BEARER, "Content-Type": "application/json"}
NINES = "9" * 5000


def fields_of(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {item["field"]: item["message"] for item in answer.json()["errors"]}


@pytest.mark.parametrize("body", [b'{"full_name": "\xff"}', f'{{"version": {NINES}}}'.encode()])
def test_json_that_python_cannot_read_is_refused(client: Browser, body: bytes) -> None:
    answer = client.ask("PATCH", "/api/v1/users/9", content=body, headers=JSON)
    assert fields_of(answer)["body"].startswith("El JSON no se puede leer")
    assert "intente de nuevo" not in answer.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"full_name": "Ana\\u0000 Mora"}', "full_name"),
        ('{"full_name": "Ana\\ud800 Mora"}', "full_name"),
        ('{"full_name": "Ana\\u001b Mora"}', "full_name"),
        ('{"full_name": "Ana\\r\\nBcc: x@y.ec"}', "full_name"),
        ('{"\\ud800": 1}', "body"),
        ('{"version": 1e1000000}', "version"),
        ('{"version": NaN}', "version"),
        ('{"version": 9223372036854775808}', "version"),
        (f'{{"version": "{NINES}"}}', "version"),
        (f'{{"version": {"[" * 300}{"]" * 300}}}', "version"),
    ],
)
def test_what_no_value_may_be_is_told_at_its_field(client: Browser, body: str, field: str) -> None:
    answer = client.ask("PATCH", "/api/v1/users/9", content=body, headers=JSON)
    assert set(fields_of(answer)) == {field}


def test_a_number_in_an_address_has_at_most_64_bits(admin: Browser) -> None:
    assert admin.get(f"/segmentos/{NINES}").status_code == 404
    assert admin.get(f"/usuarios/{NINES}").status_code == 422
    assert admin.get(f"/usuarios/{2**63}").status_code == 422
    answer = admin.ask("PATCH", f"/api/v1/users/{NINES}", json={})
    assert set(fields_of(answer)) == {"user_id"}


@pytest.mark.parametrize(
    "charset",
    ["charset=idna", "charset=undefined", "charset=utf-7", "charset=utf-8; charset=unicode_escape"],
)
def test_a_form_is_read_as_utf8_or_not_at_all(client: Browser, charset: str) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="username"\r\n\r\n\\ud800\r\n--b--\r\n'
    headers = {"Content-Type": f"multipart/form-data; boundary=b; {charset}"}
    answer = client.post("/ingresar", content=part, headers=headers)
    assert answer.status_code == 422
    assert "UTF-8" in answer.text


@pytest.mark.parametrize("token", ["a\x85b", "a\x9fb"])
def test_a_session_of_odd_characters_is_none(client: Browser, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode("latin-1")}
    assert client.get("/api/v1/me", headers=headers).status_code == 401


def test_an_odd_idempotency_key_is_refused(admin: Browser) -> None:
    answer = admin.post("/usuarios/nuevo", data={"idempotency_key": "a\0b"})
    assert answer.status_code == 422
    assert bounds.ODD_TEXT in answer.text


@pytest.mark.parametrize("campaign", ["abc", NINES, "²", "-1"])
def test_what_is_no_campaign_is_no_defect(client: Browser, rooms: FakeAsk, campaign: str) -> None:
    client.cookies.set(COOKIE, Role.MARKETING_HEAD)
    rooms.answers |= {
        "list_campaigns": lambda **_: Page(items=[]),
        "list_mailings": lambda **_: Page(items=[]),
    }
    answer = client.post(
        "/envios/mensual", data={"day": "1", "hour": "9", "campaign_ids": campaign}
    )
    assert answer.status_code == 422


@pytest.mark.parametrize("number", ["abc", NINES, "²"])
def test_what_is_no_number_filters_nothing(client: Browser, rooms: FakeAsk, number: str) -> None:
    client.cookies.set(COOKIE, Role.SUPERVISOR)
    rooms.answers |= {
        "list_campaigns": lambda **_: Page(items=[]),
        "list_calls": lambda **_: Page(items=[]),
    }
    assert client.get(f"/llamadas/historial?cliente={number}").status_code == 200
