"""The administrator's way to let a system ask the bureau, by clicking, and to shut it out again."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.gateway.test_soap_clients import ask
from tests.product import Product

CAME_IN = {200, 500}  # about somebody who is known, or is not


def make(page: Page, name: str) -> str:
    """Its secret."""
    page.goto("/central-de-riesgos/clientes/nuevo")
    page.get_by_label("Usuario").fill(name)
    page.get_by_label("Sistema").fill(f"Cobranzas {name}")
    page.get_by_label("Consultas por minuto").fill("0")
    page.get_by_role("button", name="Crear cliente").click()
    expect(page.locator(".is-invalid[name=per_minute]")).to_be_visible()
    page.get_by_label("Consultas por minuto").fill("600")
    page.get_by_role("button", name="Crear cliente").click()
    return page.get_by_label("Clave").input_value()


@pytest.mark.timeout(300)  # with the product's start
def test_a_client_is_made_changed_recorded_and_shut_out(
    log_in: Callable[[str], Page], product: Product, until: Any
) -> None:
    name = f"s{secrets.token_hex(4)}"
    page = log_in("admin")
    secret = make(page, name)
    page.get_by_role("link", name="Listo").click()
    assert secret not in page.content()
    until(lambda: ask(product, name, secret).status_code in CAME_IN)
    page.get_by_label("Personas por día").fill("1")
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text("Ya rige.")).to_be_visible()
    until(lambda: ask(product, name, secret).status_code == 429)

    def is_recorded() -> bool:
        page.goto(f"/central-de-riesgos/consultas?sistema={name}&resultado=day")
        return page.get_by_role("cell", name="Cuota diaria").count() == 1

    until(is_recorded)
    page.goto(f"/central-de-riesgos/clientes/{name}")
    page.get_by_role("button", name="Desactivar").click()
    page.locator("#confirm [value=yes]").click()
    expect(page.get_by_text("Ya no entra.")).to_be_visible()
    until(lambda: ask(product, name, secret).status_code == 401)


@pytest.mark.parametrize("path", ["", "/nuevo", "/{name}"])
def test_a_clients_page_is_no_wider_than_a_telephone(
    log_in: Callable[[str], Page], product: Product, path: str
) -> None:
    name = f"s{secrets.token_hex(4)}"
    new = {"name": name, "title": "Cobranzas del Austro y de la Costa", "per_day": 3}
    product.client("admin").post("/soap-clients", json=new).raise_for_status()
    page = log_in("admin")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/central-de-riesgos/clientes" + path.format(name=name))
    assert page.evaluate("document.documentElement.scrollWidth") == 390
