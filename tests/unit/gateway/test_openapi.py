"""The document of the API, compared with its routes and with the contracts' procedures."""

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from fastapi.routing import APIRoute

from services.gateway import api
from services.gateway.app import create_app
from shared.contract import READING, Page, Procedure
from shared.contracts import ROOMS
from shared.contracts import campaign as campaigns
from shared.errors import Conflict, Denied, Invalid, NotFound, PregonError, Unavailable
from tests.unit.gateway.conftest import Browser, FakeAsk

PREFIX = "/api/v1"
BODIES = ("POST", "PUT", "PATCH")
# Routes that are no procedure of their own: they have the name of their function.
OF_THE_GATEWAY = {"create_token", "get_me", "get_rejected_customers", "get_rejected_risks"}
PROCEDURES: dict[str, Procedure[..., Any]] = {
    value.name: value
    for room in ROOMS
    for value in vars(import_module(f"shared.contracts.{room}")).values()
    if isinstance(value, Procedure) and value.service == room
}
DOCUMENT = create_app(FakeAsk()).openapi()


def operations() -> Iterator[Any]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield pytest.param(
                SimpleNamespace(path=path, method=method.upper(), **operation),
                id=f"{method.upper()} {path}",
            )


def routes() -> list[APIRoute]:
    modules = [
        import_module(f"{api.__name__}.{info.name}") for info in pkgutil.iter_modules(api.__path__)
    ]
    found = [route for module in modules for route in module.api.router.routes]
    return [route for route in found if isinstance(route, APIRoute)]


every_operation = pytest.mark.parametrize("operation", list(operations()))


def test_every_route_is_documented_and_nothing_else() -> None:
    declared = {(method, route.path) for route in routes() for method in route.methods or ()}
    documented = {
        (method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods
    }
    assert documented == declared
    assert all(path.startswith(PREFIX) for _, path in documented)


def test_every_operation_has_its_own_name() -> None:
    names = [operation.values[0].operationId for operation in operations()]
    assert len(set(names)) == len(names)
    assert set(names) - PROCEDURES.keys() == OF_THE_GATEWAY


@every_operation
def test_it_says_what_it_does_in_sentences(operation: Any) -> None:
    assert re.fullmatch(r"[A-Z].+[^.]", operation.summary)
    assert re.fullmatch(r"[A-Z`].+\.", operation.description, re.DOTALL)
    assert operation.summary not in operation.description


@every_operation
def test_its_parameters_are_the_procedures(operation: Any) -> None:
    procedure = PROCEDURES.get(operation.operationId)
    if procedure is None:
        return
    shown = {item["name"] for item in parameters(operation) if item["in"] != "header"}
    asked = {parameter.name for parameter in procedure.parameters}
    renamed = {"from": "from_at", "to": "to_at"}
    assert {renamed.get(name, name) for name in shown} <= asked | {"reason"}
    if operation.method not in BODIES:
        assert len(shown) == len(asked)


@every_operation
def test_what_it_must_have_is_required(operation: Any) -> None:
    for item in parameters(operation):
        assert item["required"] or item["in"] != "path"


def parameters(operation: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = getattr(operation, "parameters", [])
    return found


# --- bodies ---


@every_operation
def test_every_body_has_an_example_that_fits_its_schema(operation: Any) -> None:
    for content in getattr(operation, "requestBody", {"content": {}})["content"].values():
        shown = examples(content)
        assert shown
        for example in shown:
            jsonschema.validate(example, {**content["schema"], **only_components()})


def examples(content: dict[str, Any]) -> list[Any]:
    """Beside the schema or in it."""
    found = [item["value"] for item in content.get("examples", {}).values()]
    found += [content["example"]] if "example" in content else []
    return [*found, *content["schema"].get("examples", [])]


def only_components() -> dict[str, Any]:
    return {"components": DOCUMENT["components"]}


@pytest.mark.parametrize(
    "procedure",
    [item for item in PROCEDURES.values() if item.example is not None],
    ids=lambda item: item.name,
)
def test_an_example_is_understood_by_the_procedure(procedure: Procedure[..., Any]) -> None:
    (*_, last) = procedure.parameters
    ids: dict[str, Any] = {
        item.name: 1 for item in procedure.parameters if item.name.endswith("_id")
    }
    named = {"code": "auditor", "advisor": "asesor1", "name": "auditor"}
    ids |= {name: value for name, value in named.items() if name in procedure.signature.parameters}
    plain = procedure.example or {}
    whole = {last.name: plain}
    arguments = plain if plain.keys() <= {item.name for item in procedure.parameters} else whole
    assert procedure.decode_arguments(ids | dict(arguments))


# --- answers ---

PROBLEM = {"$ref": "#/components/schemas/Problem"}
ASKING = {"$ref": "#/components/schemas/SecondFactorProblem"}  # which has all of a problem


def test_a_problem_is_described_once() -> None:
    problem = DOCUMENT["components"]["schemas"]["Problem"]
    assert set(problem["required"]) == set(problem["properties"])


@every_operation
def test_every_answer_is_described_and_every_error_is_a_problem(operation: Any) -> None:
    for status, answer in operation.responses.items():
        assert answer["description"]
        if int(status) >= 400:
            (kind, content), *others = answer["content"].items()
            assert (kind, others) == ("application/problem+json", [])
            asks_code = (operation.operationId, status) == ("create_token", "401")
            assert content["schema"] == ({"anyOf": [PROBLEM, ASKING]} if asks_code else PROBLEM)


def told(operation: Any) -> set[int]:
    return {int(status) for status in operation.responses}


@every_operation
def test_what_every_route_can_answer_is_told(operation: Any) -> None:
    assert 503 in told(operation)
    assert 401 in told(operation)
    has_parameters = any(item["in"] != "header" for item in parameters(operation))
    assert 422 in told(operation) or not has_parameters


@every_operation
def test_a_body_can_be_unreadable_or_too_large_and_nothing_else_can(operation: Any) -> None:
    has_body = hasattr(operation, "requestBody")
    assert told(operation) & {400, 413} == ({400, 413} if has_body else set())


LOG_INS = {"create_token", "finish_log_in"}  # for nobody yet, whose keys could count


@every_operation
def test_a_key_counts_where_something_changes(operation: Any) -> None:
    changes = operation.operationId.split("_")[0] not in READING and operation.method != "GET"
    takes_key = "Idempotency-Key" in [item["name"] for item in parameters(operation)]
    assert takes_key is (changes and operation.operationId not in LOG_INS)
    assert 409 in told(operation) or not takes_key


# The file was stored a moment ago: that it is not there cannot happen over REST.
WITHOUT_404 = {"start_load", "create_design"}


@every_operation
def test_what_the_procedure_can_refuse_is_told(operation: Any) -> None:
    procedure = PROCEDURES.get(operation.operationId)
    said = (procedure.__doc__ or "") if procedure is not None else ""
    refused = {error.status for error in (NotFound, Conflict) if f"{error.__name__}: " in said}
    if operation.operationId not in WITHOUT_404:
        assert refused <= told(operation)
    if procedure is not None and "Idempotency-Key" not in str(parameters(operation)):
        assert told(operation) & {404, 409} == refused


# --- each class of error, provoked once ---

BEARER = {"Authorization": "Bearer marketing_head"}
CAMPAIGN = f"{PREFIX}/campaigns/7"


def raising(error: PregonError) -> Any:
    def answer(**_: Any) -> Any:
        raise error

    return answer


@pytest.mark.parametrize(
    "error",
    [
        NotFound("La campaña no existe."),
        Conflict("Ya no se puede."),
        Invalid.field("name", "Muy corto."),
        Unavailable("No responde."),
        Denied("No."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_rooms_error_is_the_problem_that_is_documented(
    client: Browser, rooms: FakeAsk, error: PregonError
) -> None:
    rooms.answers["update_campaign"] = raising(error)
    answer = client.ask("PATCH", CAMPAIGN, json={"goal": "Vender"}, headers=BEARER)
    assert answer.status_code == error.status
    assert_documented(answer, "PATCH", "/api/v1/campaigns/{campaign_id}")
    assert answer.json()["detail"] == error.message


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (422, {"content": b'{"goal": "\xff"}', "headers": {"Content-Type": "application/json"}}),
        (401, {"json": {}, "headers": {"Authorization": "Bearer nobody"}}),
        (403, {"json": {}, "headers": {"Authorization": "Bearer advisor"}}),
        (403, {"json": {}, "headers": {"Origin": "https://otro.example"}}),
        (413, {"content": b"x" * (3 << 20), "headers": {"Content-Type": "application/json"}}),
        (422, {"json": {"budget": "mucho"}}),
        (422, {"json": {}, "headers": {"Idempotency-Key": "k" * 201}}),
    ],
)
def test_a_request_that_is_refused_gets_the_problem_that_is_documented(
    client: Browser, status: int, request_: dict[str, Any]
) -> None:
    headers = BEARER | request_.get("headers", {})
    answer = client.ask("PATCH", CAMPAIGN, **request_ | {"headers": headers})
    assert answer.status_code == status
    assert_documented(answer, "PATCH", "/api/v1/campaigns/{campaign_id}")


def assert_documented(answer: Any, method: str, path: str) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    told = DOCUMENT["paths"][path][method.lower()]["responses"]
    schema = told[str(answer.status_code)]["content"]["application/problem+json"]["schema"]
    jsonschema.validate(answer.json(), {**schema, **only_components()})
    assert answer.json()["status"] == answer.status_code


def test_nothing_to_give_is_204_and_no_body(client: Browser, rooms: FakeAsk) -> None:
    rooms.answers["next_call"] = lambda: None
    headers = {"Authorization": "Bearer advisor"}
    answer = client.post(f"{PREFIX}/calls/next", headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "204" in DOCUMENT["paths"][f"{PREFIX}/calls/next"]["post"]["responses"]


def test_reading_needs_no_key_and_is_not_refused_for_one(client: Browser, rooms: FakeAsk) -> None:
    rooms.answers[campaigns.list_campaigns.name] = lambda **_: Page(items=[])
    headers = {**BEARER, "Idempotency-Key": "k" * 201}
    assert client.get(f"{PREFIX}/campaigns", headers=headers).status_code == 200
