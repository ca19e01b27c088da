"""The second factor by clicking: with the codes that a telephone would show."""

import re
import secrets
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.coming_in import (
    PASSWORD,
    browsing,
    give_code,
    give_password,
    leave,
    make_user,
    turn_on,
)
from tests.product import Product

SET_UP = "/cuenta/verificacion"


@pytest.mark.timeout(300)  # with the product's start
def test_it_is_turned_on_asked_for_and_a_recovery_code_is_good_once(
    product: Product, chromium: Browser
) -> None:
    username = make_user(product)
    with browsing(chromium, product) as page:
        give_password(page, username)
        page.wait_for_url(f"{product.address}/")
        page.goto("/cuenta")
        page.get_by_role("link", name="Activar").click()
        phone, codes = turn_on(page)
        assert len(set(codes)) == 10
        leave(page)

        give_password(page, username)
        give_code(page, "000000")
        expect(page.get_by_text("El código no es correcto")).to_be_visible()
        page.get_by_label("Código de seis dígitos").fill(phone.code())
        page.get_by_label("Código de seis dígitos").press("Enter")
        page.wait_for_url(f"{product.address}/")
        leave(page)

        give_password(page, username)
        page.get_by_text("Usar un código de recuperación").click()
        page.get_by_label("Código de recuperación").fill(codes[0].upper())
        page.get_by_label("Código de recuperación").press("Enter")
        page.wait_for_url(f"{product.address}/")
        page.goto(SET_UP)
        expect(page.get_by_text("Le quedan 9 códigos")).to_be_visible()
        leave(page)

        give_password(page, username)
        page.get_by_text("Usar un código de recuperación").click()
        page.get_by_label("Código de recuperación").fill(codes[0])
        page.get_by_label("Código de recuperación").press("Enter")
        expect(page.get_by_text("no es correcto o ya se usó")).to_be_visible()
        expect(page.get_by_label("Código de recuperación")).to_be_focused()


@pytest.mark.timeout(120)
def test_where_a_role_requires_it_every_page_leads_to_the_set_up(
    product: Product, chromium: Browser
) -> None:
    """Without scripts: pages need none for this. The role is made to require it by its page."""
    admin = product.client("admin")
    role = f"doble_{secrets.token_hex(3)}"
    new = {"code": role, "name": f"Rol {role}", "permissions": ["customer.read"]}
    admin.post("/roles", json=new).raise_for_status()
    username = make_user(product, role)
    with browsing(chromium, product, script=False) as page:
        give_password(page, username)
        page.wait_for_url(f"{product.address}/")
        require(product, chromium, role)
        page.goto("/clientes")  # in the session that runs
        page.wait_for_url(f"{product.address}{SET_UP}")
        expect(page.get_by_text("Su rol la exige")).to_be_visible()
        token = httpx.post(
            f"{product.address}/api/v1/token", data={"username": username, "password": PASSWORD}
        ).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        refused = httpx.get(f"{product.address}/api/v1/customers", headers=bearer)
        assert refused.status_code == 403
        assert refused.json()["code"] == "second_factor_set_up_required"
        assert SET_UP in refused.json()["detail"]
        turn_on(page)
        page.get_by_role("link", name="Ya los guardé").click()
        page.wait_for_url(f"{product.address}/")
        page.goto("/clientes")
        page.wait_for_url(f"{product.address}/clientes")
        page.goto(SET_UP)
        expect(page.get_by_role("button", name="Desactivar")).to_have_count(0)
    assert httpx.get(f"{product.address}/api/v1/me", headers=bearer).status_code == 401


def require(product: Product, chromium: Browser, role: str) -> None:
    """As an administrator does it."""
    with browsing(chromium, product) as page:
        page.goto("/ingresar")
        page.get_by_label("Usuario").fill("admin")
        page.get_by_label("Contraseña").fill(product.passwords["admin"])
        page.get_by_label("Contraseña").press("Enter")
        page.wait_for_url(f"{product.address}/")
        page.goto(f"/roles/{role}")
        page.get_by_label("Exige la verificación en dos pasos").check()
        page.get_by_role("button", name="Guardar").click()
        page.locator("#confirm [value=yes]").click()
        page.wait_for_url("**/roles")


@pytest.mark.timeout(120)
def test_an_administrator_resets_it_for_who_lost_the_telephone(
    product: Product, chromium: Browser, log_in: Callable[[str], Page]
) -> None:
    username = make_user(product)
    with browsing(chromium, product) as page:
        give_password(page, username)
        page.wait_for_url(f"{product.address}/")
        page.goto(SET_UP)
        turn_on(page)
        office = log_in("admin")
        office.goto("/usuarios")
        found = product.client("admin").get("/users", params={"limit": 200}).json()["items"]
        user_id = next(user["id"] for user in found if user["username"] == username)
        office.goto(f"/usuarios/{user_id}")
        office.get_by_role("button", name="Quitar verificación en dos pasos").click()
        office.locator("#confirm [value=yes]").click()
        expect(office.get_by_text("Se quitó la verificación en dos pasos.")).to_be_visible()
        page.goto("/cuenta")
        expect(page).to_have_url(re.compile("/ingresar"))  # the session ended
        give_password(page, username)
        page.wait_for_url(f"{product.address}/")


def test_a_program_logs_in_by_two_steps(product: Product, chromium: Browser) -> None:
    username = make_user(product)
    with browsing(chromium, product) as page:
        give_password(page, username)
        page.wait_for_url(f"{product.address}/")
        page.goto(SET_UP)
        phone, _ = turn_on(page)
    with httpx.Client(base_url=f"{product.address}/api/v1") as client:
        pair = {"username": username, "password": PASSWORD}
        first = client.post("/token", data=pair)
        assert (first.status_code, first.json()["code"]) == (401, "second_factor_required")
        assert client.post("/token", data=pair | {"password": "no"}).json()["code"] == ""
        code = phone.code()
        step = {"ticket": first.json()["ticket"], "code": code}
        second = client.post("/token/second-factor", json=step).raise_for_status()
        bearer = {"Authorization": f"Bearer {second.json()['access_token']}"}
        assert client.get("/me", headers=bearer).json()["username"] == username
        again = client.post("/token", data=pair).json()["ticket"]
        replay = client.post("/token/second-factor", json={"ticket": again, "code": code})
        assert (replay.status_code, replay.json()["errors"][0]["field"]) == (401, "code")
    logs = "".join(path.read_text(errors="replace") for path in product.run_dir.rglob("*.log"))
    for secret in (phone._totp.secret, first.json()["ticket"]):
        assert not re.search(rf"\b{secret}\b", logs)
