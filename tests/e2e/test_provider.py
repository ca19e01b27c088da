"""Sign-in by the company's provider by clicking: there, through its own page, and back."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from shared import clock
from tests.product import Product
from tests.product import running as running_product
from tests.provider.running import Running, running

PASSWORD = "correo-lluvia-mesa"
NAME = "Mi Empresa"


@pytest.fixture(scope="module")
def company() -> Iterator[Running]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def product(company: Running) -> Iterator[Product]:
    """One of its own: it knows the company."""
    with running_product(**company.settings(), PREGON_OIDC_NAME=NAME) as started:
        yield started


@contextmanager
def browsing(chromium: Browser, product: Product, *, script: bool = True) -> Iterator[Page]:
    """A browser of somebody else; our own policy must not have stood in the way of anything."""
    context = chromium.new_context(
        base_url=product.address, locale="es-EC", java_script_enabled=script
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert [text for text in said if "Content Security Policy" in text or "Error" in text] == []


def make_user(product: Product) -> str:
    username = f"oidc{secrets.token_hex(3)}"
    new = {"username": username, "full_name": "Prueba Empresa", "role": "marketing_head"}
    product.client("admin").post("/users", json=new | {"password": PASSWORD}).raise_for_status()
    return username


def sign_in(page: Page, account: str) -> None:
    """From a page that asks for a log-in."""
    page.get_by_role("link", name=f"Ingresar con {NAME}").click()
    at_the_company(page, account)


def at_the_company(page: Page, account: str) -> None:
    page.wait_for_url(re.compile("/authorize"))
    page.get_by_label("Cuenta").fill(account)
    page.get_by_role("button", name="Entrar").click()


@pytest.mark.timeout(400)  # with the product's start
@pytest.mark.parametrize("script", [True, False])
def test_somebody_signs_in_goes_where_it_was_going_and_leaves(
    product: Product, company: Running, chromium: Browser, script: bool
) -> None:
    username = make_user(product)
    company.know(username)
    with browsing(chromium, product, script=script) as page:
        page.goto("/campanas?estado=")
        page.wait_for_url(re.compile("/ingresar.volver="))
        sign_in(page, username)
        page.wait_for_url(f"{product.address}/campanas*")
        page.goto("/cuenta")
        expect(page.get_by_text("Prueba Empresa").first).to_be_visible()
        assert not [cookie for cookie in page.context.cookies() if "trip" in cookie["name"]]
        page.context.request.post(
            f"{product.address}/salir", headers={"Origin": product.address}, max_redirects=0
        )
        page.goto("/ingresar/proveedor/salida")
        page.get_by_role("link", name="Cerrar también esa sesión").click()
        expect(page.get_by_text("Sesión de la empresa cerrada")).to_be_visible()
        page.goto("/cuenta")
        expect(page).to_have_url(re.compile("/ingresar"))


@pytest.mark.timeout(200)
def test_a_second_factor_is_asked_for_after_it(
    product: Product, company: Running, chromium: Browser
) -> None:
    username = make_user(product)
    company.know(username)
    with browsing(chromium, product) as page:
        page.goto("/ingresar?volver=/cuenta/verificacion")
        sign_in(page, username)
        page.wait_for_url("**/cuenta/verificacion")
        totp = pyotp.TOTP(page.locator("#secret").inner_text().replace(" ", ""))
        page.get_by_label("Código del teléfono").fill(code_of(totp, -1))
        page.get_by_label("Contraseña").fill(PASSWORD)
        page.get_by_label("Contraseña").press("Enter")
        expect(page.get_by_text("No se muestran otra vez.")).to_be_visible()
        page.context.clear_cookies()

        page.goto("/ingresar?volver=/cuenta")
        sign_in(page, username)
        page.wait_for_url(re.compile("/ingresar/codigo"))
        page.get_by_label("Código de seis dígitos").fill(code_of(totp, 1))
        page.get_by_label("Código de seis dígitos").press("Enter")
        page.wait_for_url(f"{product.address}/cuenta")


def code_of(totp: pyotp.TOTP, steps: int) -> str:
    return totp.at(clock.now(), counter_offset=steps)


@pytest.mark.timeout(200)
def test_who_has_no_user_or_cancels_is_told_what_to_do(
    product: Product, company: Running, chromium: Browser
) -> None:
    company.know("forastera")
    username = make_user(product)
    company.know(username)
    with browsing(chromium, product) as page:
        page.goto("/ingresar?volver=/cuenta")
        sign_in(page, "forastera")
        expect(page.get_by_text("no tiene un usuario en Pregón")).to_be_visible()
        page.get_by_role("link", name="Intentar de nuevo").click()
        page.wait_for_url(re.compile("/authorize"))
        page.get_by_role("button", name="Cancelar").click()
        expect(page.get_by_text("El ingreso se canceló")).to_be_visible()
        page.get_by_role("link", name="Intentar de nuevo").click()
        at_the_company(page, username)
        page.wait_for_url(f"{product.address}/cuenta")
        page.go_back()  # to an answer that is used
        page.goto(f"{product.address}/cuenta")
        expect(page).to_have_url(f"{product.address}/cuenta")


@pytest.mark.timeout(200)
def test_an_answer_that_was_made_for_another_browser_opens_nothing(
    product: Product, company: Running, chromium: Browser
) -> None:
    """Who sends somebody a link would have that one work in the sender's name."""
    username = make_user(product)
    company.know(username)
    with httpx.Client(base_url=product.address) as sender:
        way = sender.get("/ingresar/proveedor")
        answer = company.answer(way.headers["location"], username)
        with browsing(chromium, product) as page:
            page.goto(f"/ingresar/proveedor/regreso?{httpx.QueryParams(answer)}")
            expect(page.get_by_text("No pudo ingresar").first).to_be_visible()
            page.goto("/cuenta")
            expect(page).to_have_url(re.compile("/ingresar"))
        back = sender.get("/ingresar/proveedor/regreso", params=answer)
        assert back.headers["location"] == "/"
    logs = "".join(path.read_text(errors="replace") for path in product.run_dir.rglob("*.log"))
    for secret in (answer["code"], answer["state"], f"sub-of-{username}"):
        assert secret not in logs


@pytest.mark.timeout(200)
def test_an_administrator_unlinks_and_another_account_may_come(
    product: Product, company: Running, chromium: Browser
) -> None:
    username = make_user(product)
    company.know(username)
    with browsing(chromium, product) as page:
        page.goto("/ingresar?volver=/cuenta")
        sign_in(page, username)
        page.wait_for_url(f"{product.address}/cuenta")
        users = product.client("admin").get("/users", params={"limit": 200}).json()["items"]
        user_id = next(user["id"] for user in users if user["username"] == username)
        with browsing(chromium, product) as office:
            office.goto("/ingresar")
            office.get_by_label("Usuario").fill("admin")
            office.get_by_label("Contraseña").fill(product.passwords["admin"])
            office.get_by_label("Contraseña").press("Enter")
            office.wait_for_url(f"{product.address}/")
            office.goto(f"/usuarios/{user_id}")
            office.get_by_role("button", name="Desvincular cuenta de la empresa").click()
            office.locator("#confirm [value=yes]").click()
            expect(office.get_by_text("Se desvinculó la cuenta de la empresa.")).to_be_visible()
        page.goto("/cuenta")
        expect(page).to_have_url(re.compile("/ingresar"))  # the session ended
        company.know(username, sub="a-new-number")
        sign_in(page, username)
        page.wait_for_url(f"{product.address}/cuenta")
