"""Errors as programs and people get them."""

from shared.contracts import identity
from shared.errors import NotFound
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
    assert me["security"] == [{"Pregón": []}]
    assert "application/problem+json" in me["responses"]["401"]["content"]
    flow = document["components"]["securitySchemes"]["Pregón"]["flows"]["password"]
    assert flow["tokenUrl"] == "/api/v1/token"
