"""A system that asks the running product's bureau, from its making to its end."""

import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared import audit
from shared.ecuador.cedula import normalise_cedula
from tests.product import Product
from tests.soap.people import cedula

pytestmark = pytest.mark.timeout(300)  # with the product's start
CEDULA = normalise_cedula("1710034065")
ANSWERED = {200, 500, 429}  # known, unknown, beyond the limit
ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    '<{0} xmlns="urn:pregon:risk-central:v1">{1}</{0}></s:Body></s:Envelope>'
)


def message(operation: str, content: str) -> bytes:
    return ENVELOPE.format(operation, content).encode()


ONE = message("GetRiskByCedula", f"<cedula>{CEDULA}</cedula>")


def ask(product: Product, name: str, secret: str, body: bytes = ONE) -> httpx.Response:
    return httpx.post(
        product.settings["PREGON_SOAP_URL"],
        content=body,
        auth=(name, secret),
        headers={"Content-Type": "text/xml"},
        timeout=30,
    )


def come_in(product: Product, name: str, secret: str) -> None:
    """Not asking too often meanwhile: whoever guesses is slowed down."""
    for _ in range(8):
        if ask(product, name, secret).status_code in ANSWERED:
            return
        time.sleep(1)
    pytest.fail("It cannot come in")


def within(seconds: float, look: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_system_is_let_in_measured_recorded_and_shut_out(product: Product, until: Any) -> None:
    admin, name = product.client("admin"), f"s{secrets.token_hex(4)}"
    new = {"name": name, "title": "Cobranzas del Austro", "per_day": 3}
    made = admin.post("/soap-clients", json=new)
    assert made.status_code == 201
    secret = made.json()["secret"]
    come_in(product, name, secret)
    three = (CEDULA, cedula("010000001"), cedula("171430710"))
    batch = "".join(f"<string>{item}</string>" for item in three)
    refused = ask(product, name, secret, message("GetRisks", f"<cedulas>{batch}</cedulas>"))
    assert (refused.status_code, "le quedan" in refused.text) == (429, True)
    until(lambda: admin.get(f"/soap-clients/{name}").json()["today"]["refused"])

    renewed = admin.post(f"/soap-clients/{name}/secret").raise_for_status().json()
    come_in(product, name, renewed["secret"])
    assert ask(product, name, secret).status_code in ANSWERED
    admin.post(f"/soap-clients/{name}/deactivate").raise_for_status()
    within(5, lambda: ask(product, name, renewed["secret"]).status_code == 401)
    assert ask(product, name, secret).status_code in (401, 429)

    def lines() -> list[dict[str, Any]]:
        found = admin.get("/soap-questions", params={"client": name}).raise_for_status()
        items: list[dict[str, Any]] = found.json()["items"]
        return items

    within(100, lambda: {"NotFound", "day"} <= {line["outcome"] for line in lines()})
    about = admin.get("/soap-questions/about", params={"cedula": CEDULA}).raise_for_status()
    assert name in {line["client"] for line in about.json()["items"]}
    assert {person for line in lines() for person in line["people"]} >= {_fingerprint(product)}
    for log in Path(product.run_dir, "log").glob("*.log"):
        text = log.read_text(errors="replace")
        assert secret not in text, log.name
        assert renewed["secret"] not in text, log.name


def _fingerprint(product: Product) -> str:
    key = product.settings["PREGON_SECRET_KEY"]
    return audit.fingerprints([CEDULA], key)[0]


def test_no_other_system_makes_clients(product: Product) -> None:
    admin = product.client("admin")
    refused = product.client("jefe").get("/soap-clients")
    assert refused.status_code == 403
    assert admin.get("/soap-clients").status_code == 200
