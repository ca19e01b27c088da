"""Invitation and forgotten password by clicking, with the links out of the catch-all's mails."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.gateway.test_password_links import LINK
from tests.product import Product

FIRST, SECOND = "correo lluvia mesa", "plato verde luna"


@contextmanager
def browsing(chromium: Browser, product: Product) -> Iterator[Page]:
    context = chromium.new_context(base_url=product.address, locale="es-EC")
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    yield context.new_page()
    context.close()
    assert [url for url in asked if not url.startswith((product.address, "data:"))] == []


def log_in(page: Page, username: str, password: str) -> None:
    page.goto("/ingresar")
    page.get_by_label("Usuario").fill(username)
    page.get_by_label("Contraseña").fill(password)
    page.get_by_label("Contraseña").press("Enter")


def links(product: Product, email: str) -> list[str]:
    folder = Path(product.settings["PREGON_MAIL_CATCHER_DIR"]) / "new"
    mails = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    texts = [path.read_text(errors="replace").replace("=\n", "") for path in mails]
    found = [LINK.search(text) for text in texts if email in text]
    return [match[1] for match in found if match]


def choose(page: Page, link: str, password: str) -> None:
    page.goto(link)
    page.locator("#field-password").fill(password)
    page.locator("#field-repeated").fill(password)
    page.locator("#field-repeated").press("Enter")
    page.wait_for_url("**/ingresar")
    expect(page.get_by_text("Su contraseña quedó guardada")).to_be_visible()


@pytest.mark.timeout(300)  # with the product's start
def test_somebody_is_invited_and_later_forgets_the_password(
    product: Product, chromium: Browser, until: Any
) -> None:
    name = f"olga.{secrets.token_hex(3)}"
    email = f"{name}@correo.example"
    with browsing(chromium, product) as admin, browsing(chromium, product) as olga:
        log_in(admin, "admin", product.passwords["admin"])
        admin.wait_for_url(f"{product.address}/")
        admin.goto("/usuarios/nuevo")
        admin.get_by_label("Nombres y apellidos").fill("Olga Olvido")
        admin.locator("#field-username").fill(name)
        admin.get_by_label("Rol").select_option("backoffice")
        admin.get_by_label("Correo").fill(email)
        admin.get_by_role("button", name="Crear usuario").click()
        expect(admin.get_by_text("Se le está enviando la invitación")).to_be_visible()
        row = admin.get_by_role("row").filter(has_text=name)
        expect(row.get_by_text("Invitado")).to_be_visible()
        row.get_by_role("link").click()
        card = admin.locator("#password-link")
        expect(card.get_by_text("Invitación por correo")).to_be_visible()
        until(lambda: len(links(product, email)) == 1)
        card.get_by_role("button", name="Enviar la invitación otra vez").click()
        expect(admin.get_by_text("La invitación se está enviando.")).to_be_visible()
        until(lambda: len(links(product, email)) == 2)

        former, invitation = links(product, email)
        olga.goto(former)
        expect(olga.get_by_role("heading", name="El enlace ya no sirve")).to_be_visible()
        choose(olga, invitation, FIRST)
        log_in(olga, name, FIRST)
        olga.wait_for_url(f"{product.address}/")
        admin.reload()
        expect(card.get_by_text("Usado", exact=True)).to_be_visible()

        with browsing(chromium, product) as elsewhere:
            elsewhere.goto("/ingresar")
            elsewhere.get_by_role("link", name="¿Olvidó su contraseña?").click()
            elsewhere.get_by_label("Usuario o correo").fill(email)
            elsewhere.keyboard.press("Enter")
            expect(elsewhere.get_by_role("heading", name="Revise su correo")).to_be_visible()
            until(lambda: len(links(product, email)) == 3)
            choose(elsewhere, links(product, email)[-1], SECOND)
            olga.goto("/cuenta")  # her session ended with the password
            olga.wait_for_url(re.compile("/ingresar"))
            log_in(elsewhere, name, SECOND)
            elsewhere.wait_for_url(f"{product.address}/")
            elsewhere.goto("/ingresar")  # who is logged in goes on
            elsewhere.wait_for_url(f"{product.address}/")
