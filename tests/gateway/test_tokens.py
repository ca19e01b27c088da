"""A system with a token of its own at the running product, by a client that knows HTTP alone."""

import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared import clock
from tests.product import Product

pytestmark = pytest.mark.timeout(300)  # with the product's start
SCOPES = ["campaign.read", "customer.read", "customer.read_all"]


class System:
    """Another system with its token."""

    def __init__(self, product: Product, **changes: Any) -> None:
        self.name = f"Facturación {secrets.token_hex(3)}"
        new = {"name": self.name, "username": "jefe", "scopes": SCOPES}
        new["expires_on"] = (clock.today() + timedelta(days=30)).isoformat()
        made = product.client("admin").post("/tokens", json=new | changes)
        self.told = made.raise_for_status().json()
        head = {"Authorization": f"Bearer {self.told['value']}"}
        address = f"{product.address}/api/v1"
        self.http = httpx.Client(base_url=address, headers=head, timeout=30)

    def status(self, path: str) -> int:
        return self.http.get(path).status_code


@pytest.fixture
def system(product: Product) -> Iterator[System]:
    made = System(product)
    yield made
    made.http.close()


def test_a_system_does_what_its_scopes_say_and_it_is_on_record(
    product: Product, system: System, until: Any
) -> None:
    person = {"cedula": "1710034065", "first_names": "Zoraida", "last_names": "Quilumba"}
    head = product.client("jefe")
    known = head.get("/customers", params={"search": person["cedula"]}).json()["items"]
    customer = known[0] if known else head.post("/customers", json=person).json()
    assert system.http.get("/me").json()["permissions"] == sorted(SCOPES)
    seen = system.http.get(f"/customers/{customer['id']}").raise_for_status()
    assert seen.headers["ratelimit-limit"] == "600"
    assert system.http.post("/customers", json=person).status_code == 403
    admin = product.client("admin")
    filters = {"customer_id": customer["id"], "action": "profile_seen"}

    def lines() -> list[dict[str, Any]]:
        items = admin.get("/audit", params=filters).raise_for_status().json()["items"]
        return [item for item in items if item["system"] == system.name]

    until(lines)
    [line] = lines()
    assert line["sentence"] == (
        f"El sistema «{system.name}» (como Prueba jefe, jefe de marketing) "
        f"vio la ficha del cliente {customer['id']}"
    )
    assert (line["username"], line["source"]) == ("jefe", "127.0.0.1")
    assert "The record is whole" in product.ask("services.identity.verify_audit")


def test_a_system_administers_no_accounts(product: Product) -> None:
    scopes = ["team.write", "audit.read"]
    of_admin = System(product, username="admin", scopes=scopes)
    assert (of_admin.status("/audit"), of_admin.status("/teams")) == (200, 200)
    new = {"username": "intruso", "full_name": "Un Intruso", "role": "admin"}
    for path, body in (
        ("/users", new | {"password": "correo-lluvia-mesa"}),
        ("/roles", {"code": "otro", "name": "Otro", "permissions": []}),
        ("/tokens", {"name": "Otro", "username": "admin", "scopes": scopes}),
        (f"/tokens/{of_admin.told['id']}/revoke", {}),
    ):
        answer = of_admin.http.post(path, json=body)
        assert (answer.status_code, "persona" in answer.json()["detail"]) == (403, True)
    answer = product.client("admin").post(
        "/tokens", json={**_new("admin"), "scopes": ["user.write"]}
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "scopes")
    of_admin.http.close()


def _new(username: str) -> dict[str, Any]:
    end = clock.today() + timedelta(days=1)
    return {"name": "Otro", "username": username, "expires_on": end.isoformat()}


def test_a_token_opens_no_page_and_no_stream(product: Product, system: System) -> None:
    value = system.told["value"]
    for path in ("/", "/campanas", "/vivo", "/accesos"):
        for how in ({"headers": system.http.headers}, {"cookies": {"pregon_session": value}}):
            answer = httpx.get(product.address + path, **how, timeout=30)
            assert (answer.status_code, answer.headers["location"][:9]) == (303, "/ingresar")
    as_cookie = httpx.get(f"{system.http.base_url}me", cookies={"pregon_session": value})
    assert as_cookie.status_code == 401


def test_it_ends_at_once_when_it_is_revoked_or_shown_from_elsewhere(
    product: Product, system: System
) -> None:
    assert system.status("/me") == 200
    product.client("admin").post(f"/tokens/{system.told['id']}/revoke").raise_for_status()
    revoked = system.http.get("/me")
    elsewhere = System(product, networks=["192.0.2.0/24"])
    refused = elsewhere.http.get("/me")
    stranger = httpx.get(
        str(system.http.base_url) + "me",
        headers={"Authorization": f"Bearer pgn_0123456789_{'x' * 43}"},
    )
    assert {answer.status_code for answer in (revoked, refused, stranger)} == {401}
    told = [answer.json() for answer in (revoked, refused, stranger)]
    assert len({tuple((k, str(v)) for k, v in one.items() if k != "trace_id") for one in told}) == 1
    elsewhere.http.close()


def test_who_asks_too_often_waits_and_nobody_else(product: Product, system: System) -> None:
    greedy = System(product, requests_a_minute=5)
    answers = [greedy.http.get("/me") for _ in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 7
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 12
    assert answers[-1].headers["content-type"] == "application/problem+json"
    assert (system.status("/me"), product.client("jefe").get("/me").status_code) == (200, 200)
    greedy.http.close()


def test_a_user_who_may_less_takes_it_from_the_system(product: Product) -> None:
    admin = product.client("admin")
    user = {"username": f"s{secrets.token_hex(4)}", "full_name": "Por un Sistema"}
    secret = {"password": "correo-lluvia-mesa", "role": "marketing_head"}
    user_id = admin.post("/users", json=user | secret).raise_for_status().json()["id"]
    own = System(product, username=user["username"])
    assert own.status("/campaigns") == 200
    admin.patch(f"/users/{user_id}", json={"role": "backoffice"}).raise_for_status()
    assert set(own.http.get("/me").json()["permissions"]) < set(SCOPES)
    assert own.status("/campaigns") == 403
    admin.patch(f"/users/{user_id}", json={"active": False}).raise_for_status()
    assert own.status("/me") == 401
    own.http.close()


def test_the_same_key_again_tells_no_secret(product: Product) -> None:
    admin, key = product.client("admin"), {"Idempotency-Key": secrets.token_hex(8)}
    new = _new("jefe") | {"name": f"Otro {secrets.token_hex(3)}", "scopes": SCOPES}
    first = admin.post("/tokens", json=new, headers=key).raise_for_status().json()
    again = admin.post("/tokens", json=new, headers=key).raise_for_status().json()
    assert first.pop("value").startswith(f"pgn_{first['id']}_")
    assert again == first | {"value": None}


def test_no_log_holds_a_token(product: Product, system: System) -> None:
    secret = system.told["value"].rpartition("_")[2]
    system.http.get("/me").raise_for_status()
    system.http.get(f"/campaigns/{system.told['id']}")
    httpx.get(f"{system.http.base_url}me", headers={"Authorization": f"Bearer x{secret}"})
    for log in Path(product.run_dir, "log").glob("*.log"):
        assert secret not in log.read_text(errors="replace"), log.name
