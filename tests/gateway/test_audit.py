"""The record and the logs of a running product: the one holds every view, the others no person."""

from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.product import Product

PERSON = {
    "cedula": "1710034065",
    "first_names": "Zoraida Filomena",
    "last_names": "Quilumbaqui Yanez",
    "email": "zoraida.quilumbaqui@correo.example",
    "phone": "+593987650123",
    "address": "Calle de los Cipreses N45-12",
}
MISTYPED = "clave-mal-tecleada-77"


@pytest.fixture(scope="module")
def person(product: Product) -> int:
    """A customer whom a marketing head made."""
    made = product.client("jefe").post("/customers", json=PERSON).raise_for_status()
    return int(made.json()["id"])


def look(product: Product, person: int) -> None:
    """The head looks twice at the profile, once at the rest, and searches; an advisor looks."""
    head = product.client("jefe")
    for path in ("", "", "/timeline", "/personal-data"):
        head.get(f"/customers/{person}{path}").raise_for_status()
    found = head.get("/customers", params={"search": PERSON["cedula"]}).raise_for_status()
    assert [item["id"] for item in found.json()["items"]] == [person]
    product.client("asesor1").get(f"/customers/{person}").raise_for_status()


def record(product: Product, **filters: Any) -> list[dict[str, Any]]:
    """What the administrator finds, 200 lines at most."""
    admin = product.client("admin")
    answer = admin.get("/audit", params={"limit": 200, **filters}).raise_for_status()
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


@pytest.mark.timeout(300)  # with the product's start
def test_the_record_holds_each_view_once_and_is_whole(
    product: Product, person: int, until: Any
) -> None:
    look(product, person)
    wanted = {
        ("created", "jefe"): 1,
        ("profile_seen", "jefe"): 2,
        ("timeline_seen", "jefe"): 1,
        ("personal_data_seen", "jefe"): 1,
        ("viewers_seen", "jefe"): 1,
        ("profile_seen", "asesor1"): 1,
    }

    def told() -> Counter[tuple[str, str]]:
        lines = record(product, customer_id=person)
        return Counter((line["action"], line["username"]) for line in lines)

    until(lambda: told().total() >= sum(wanted.values()))
    assert told() == wanted
    [searched] = record(product, customer_id=person, listed=True)
    assert (searched["action"], searched["listed"]) == ("searched", [person])
    [advisor] = record(product, customer_id=person, username="asesor1")
    assert advisor["sentence"].endswith(f"(asesor) vio la ficha del cliente {person}")
    assert advisor["source"] == "127.0.0.1"
    assert "The record is whole" in product.ask("services.identity.verify_audit")


@pytest.mark.timeout(300)
def test_no_log_holds_a_person_a_token_or_a_password(product: Product, person: int) -> None:
    look(product, person)
    _use_pages(product, person)
    secrets = [*product.passwords.values(), MISTYPED, *_tokens(product)]
    hidden = [*secrets, *(word for value in PERSON.values() for word in (value, value.upper()))]
    hidden += ["Zoraida", "zoraida", "Quilumbaqui", "0987650123", "987650123"]
    logs = list(Path(product.run_dir, "log").glob("*"))
    assert len(logs) > 5
    text = {log.name: log.read_text(errors="replace") for log in logs if log.is_file()}
    assert any(f"/clientes/{person}" in lines for lines in text.values())  # they do tell of it
    assert {(name, word) for name in text for word in hidden if word in text[name]} == set()


def _tokens(product: Product) -> list[str]:
    heads = (client.headers["Authorization"] for client in product.clients.values())
    return [head.removeprefix("Bearer ") for head in heads]


def _use_pages(product: Product, person: int) -> None:
    """Rightly and wrongly: searches, forms with mistakes, a failed log-in, an error of the room."""
    token = _tokens(product)[0]
    head = product.client("jefe")
    session = {"pregon_session": head.headers["Authorization"].removeprefix("Bearer ")}
    with httpx.Client(base_url=product.address, cookies=session, timeout=30) as browser:
        for word in (PERSON["cedula"], PERSON["last_names"], PERSON["email"], PERSON["phone"]):
            assert browser.get("/clientes", params={"buscar": word}).status_code == 200
        browser.get(f"/clientes/{person}").raise_for_status()
        browser.get("/clientes/no-es", params={"buscar": PERSON["email"], "token": token})
        form = PERSON | {"cedula": "1710034060", "income": "no es"}
        origin = {"Origin": product.address}
        assert browser.post("/clientes/nuevo", data=form, headers=origin).status_code == 422
    assert head.post("/customers", json=PERSON).status_code == 422  # there is one already
    wrong = {"username": PERSON["email"], "password": MISTYPED}
    assert httpx.post(f"{product.address}/api/v1/token", data=wrong).status_code == 401
