"""The administrator's way to let another system in, by clicking, and to shut it out again."""

import secrets
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import Page, expect

from shared import clock
from tests.product import Product


def tomorrow() -> str:
    return (clock.today() + timedelta(days=1)).isoformat()


def status(product: Product, value: str) -> int:
    head = {"Authorization": f"Bearer {value}"}
    return httpx.get(f"{product.address}/api/v1/me", headers=head, timeout=30).status_code


@pytest.mark.timeout(300)  # with the product's start
def test_a_system_is_let_in_and_shut_out(log_in: Callable[[str], Page], product: Product) -> None:
    name = f"Facturación {secrets.token_hex(2)}"
    page = log_in("admin")
    page.goto("/accesos/nuevo")
    page.get_by_label("Sistema", exact=False).first.fill(name)
    page.get_by_label("En nombre de quién actúa", exact=False).fill("jefe")
    page.get_by_label("Desde qué direcciones").fill("no es ninguna")
    page.get_by_label("Ver campañas").check()
    page.get_by_role("button", name="Crear acceso").click()
    expect(page.get_by_text("Escriba una dirección como").first).to_be_visible()
    page.get_by_label("Desde qué direcciones").fill("127.0.0.0/8")
    page.get_by_role("button", name="Crear acceso").click()
    value = page.get_by_label("Valor del acceso").input_value()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copiar").click()
    expect(page.get_by_role("button", name="Copiar")).to_have_attribute("title", "Copiado")
    assert page.evaluate("navigator.clipboard.readText()") == value
    assert status(product, value) == 200
    page.get_by_role("link", name="Listo").click()
    assert value not in page.content()
    row = page.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text("127.0.0.1")
    row.get_by_role("button", name="Revocar").click()
    page.locator("#confirm [value=yes]").click()
    expect(page.get_by_text(f"Se revocó el acceso {name}.")).to_be_visible()
    assert status(product, value) == 401


def test_a_user_sees_which_systems_act_in_the_own_name(
    log_in: Callable[[str], Page], product: Product
) -> None:
    name = f"Central {secrets.token_hex(2)}"
    new = {"name": name, "username": "jefe", "scopes": ["campaign.read"]}
    made = product.client("admin").post("/tokens", json={**new, "expires_on": tomorrow()})
    made.raise_for_status()
    page = log_in("jefe")
    page.goto("/cuenta")
    page.get_by_role("button", name="Mostrar").click()
    expect(page.get_by_role("cell", name=name)).to_be_visible()


@pytest.mark.parametrize("path", ["/accesos", "/roles"])
def test_a_wide_table_does_not_widen_the_page(
    log_in: Callable[[str], Page], product: Product, path: str
) -> None:
    new = {"name": f"Ancho {secrets.token_hex(2)}", "username": "jefe", "expires_on": tomorrow()}
    made = product.client("admin").post("/tokens", json={**new, "scopes": ["campaign.read"]})
    made.raise_for_status()
    page = log_in("admin")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
