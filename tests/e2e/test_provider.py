"""Sign-in by the company's provider by clicking: there, through its own page, and back."""

import re
import secrets
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.certificates import make_certificates
from tests.e2e.coming_in import browsing, give_code, leave, make_user, turn_on
from tests.product import Product
from tests.product import running as running_product
from tests.provider.running import Running, running

NAME = "Mi Empresa"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """By TLS, as it has to be everywhere but here: the product believes the tests' CA."""
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    with running(folder) as started:
        yield started


@pytest.fixture(scope="module")
def product(company: Running) -> Iterator[Product]:
    """One of its own: it knows the company."""
    with running_product(**company.settings(), PREGON_OIDC_NAME=NAME) as started:
        yield started


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
    with browsing(chromium, product, script=script, abroad=True) as page:
        page.goto("/campanas?estado=")
        page.wait_for_url(re.compile("/ingresar.volver="))
        sign_in(page, username)
        page.wait_for_url(f"{product.address}/campanas*")
        page.goto("/cuenta")
        expect(page.get_by_text("Delia Dos").first).to_be_visible()
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
    with browsing(chromium, product, abroad=True) as page:
        page.goto("/ingresar?volver=/cuenta/verificacion")
        sign_in(page, username)
        page.wait_for_url("**/cuenta/verificacion")
        phone, _ = turn_on(page)
        leave(page)

        page.goto("/ingresar?volver=/cuenta")
        sign_in(page, username)
        give_code(page, phone.code())
        page.wait_for_url(f"{product.address}/cuenta")


@pytest.mark.timeout(200)
def test_who_has_no_password_shows_by_it_who_asks(
    product: Product, company: Running, chromium: Browser
) -> None:
    """Made without password or mail address; the second factor is set up and taken away."""
    username = f"solo.{secrets.token_hex(3)}"
    new = {"username": username, "full_name": "Delia Dos", "role": "backoffice"}
    product.client("admin").post("/users", json=new).raise_for_status()
    company.know(username)
    with browsing(chromium, product, abroad=True) as page:
        page.goto("/ingresar?volver=/cuenta")
        sign_in(page, username)
        expect(page.get_by_text(f"Usted ingresa con {NAME}")).to_be_visible()
        page.get_by_role("link", name="Activar").click()
        confirm(page, username)
        phone, _ = turn_on(page, password=None)
        page.goto("/cuenta/verificacion")  # the proof was for that alone
        confirm(page, username)
        page.locator("#turn-off").get_by_label("Código").fill(phone.code())
        page.get_by_role("button", name="Desactivar").click()
        expect(page.get_by_text("La verificación en dos pasos se desactivó")).to_be_visible()
        expect(page.get_by_role("link", name=f"Confirmar con {NAME}")).to_be_visible()


def confirm(page: Page, account: str) -> None:
    page.get_by_role("link", name=f"Confirmar con {NAME}").click()
    at_the_company(page, account)
    expect(page.get_by_text("Se confirmó que es usted.")).to_be_visible()


@pytest.mark.timeout(200)
def test_the_account_of_somebody_else_is_no_proof(
    product: Product, company: Running, chromium: Browser
) -> None:
    username, other = make_user(product), make_user(product)
    company.know(username)
    company.know(other)
    with browsing(chromium, product, abroad=True) as page:
        page.goto("/ingresar?volver=/cuenta/verificacion")
        sign_in(page, username)
        page.get_by_role("link", name=f"Confirmar con {NAME}").click()
        at_the_company(page, other)
        expect(page.get_by_text("Esa no es su cuenta de la empresa.")).to_be_visible()
        expect(page.get_by_label("Contraseña")).to_be_visible()  # which is still asked for


@pytest.mark.timeout(200)
def test_who_has_no_user_or_cancels_is_told_what_to_do(
    product: Product, company: Running, chromium: Browser
) -> None:
    company.know("forastera")
    username = make_user(product)
    company.know(username)
    with browsing(chromium, product, abroad=True) as page:
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
        with browsing(chromium, product, abroad=True) as page:
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
    with browsing(chromium, product, abroad=True) as page:
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
