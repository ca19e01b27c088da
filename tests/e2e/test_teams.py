"""The administrator's way by clicking: a role of the company's own, and somebody into a team."""

import re
import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.product import Product


@pytest.mark.timeout(300)  # with the product's start
def test_a_role_is_made_given_away_and_changed_after_a_question(
    log_in: Callable[[str], Page],
) -> None:
    name = f"Oyente {secrets.token_hex(2)}"
    page = log_in("admin")
    page.goto("/roles")
    page.get_by_role("link", name="Nuevo rol").click()
    page.get_by_label("Nombre", exact=False).fill(name)
    page.get_by_label("Código", exact=False).fill(f"oyente_{secrets.token_hex(2)}")
    page.get_by_label("Ver clientes").check()
    page.get_by_role("button", name="Crear rol").click()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_text(re.compile("por Administrador")).first).to_be_visible()
    page.get_by_label("Ver envíos").check()
    page.get_by_role("button", name="Guardar").click()
    page.get_by_role("button", name="Volver").click()  # nothing has happened yet
    page.get_by_role("button", name="Guardar").click()
    page.locator("#confirm [value=yes]").click()
    page.wait_for_url("**/roles")
    expect(page.get_by_text("Ya rige para quien lo tiene.")).to_be_visible()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_label("Ver envíos")).to_be_checked()
    page.get_by_role("button", name="Eliminar").click()
    page.locator("#confirm [value=yes]").click()
    expect(page.get_by_text("Se eliminó el rol.")).to_be_visible()


def test_somebody_comes_into_a_team_and_leaves_it(
    log_in: Callable[[str], Page], product: Product
) -> None:
    username = f"nueva.{secrets.token_hex(3)}"
    new = {"username": username, "full_name": "Nueva Persona", "role": "advisor"}
    secret = {"password": "correo-lluvia-mesa"}
    product.client("admin").post("/users", json=new | secret).raise_for_status()
    page = log_in("admin")
    page.goto("/equipos/nuevo")
    page.get_by_label("Nombre", exact=False).fill(f"Equipo {username}")
    page.get_by_label("Quién supervisa", exact=False).fill("supervisor")
    page.get_by_role("button", name="Crear equipo").click()
    page.get_by_label("Persona", exact=False).fill(username)
    page.get_by_role("button", name="Agregar").click()
    expect(page.get_by_text("Nueva Persona entra al equipo.")).to_be_visible()
    page.get_by_role("button", name="Sale").click()
    expect(page.get_by_text("Nueva Persona sale del equipo.")).to_be_visible()
    expect(page.get_by_role("button", name="Sale")).to_have_count(0)
