"""Coming in by clicking: users of one's own, browsers of their own, and their telephones."""

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pyotp
from playwright.sync_api import Browser, Page, expect

from tests.product import Product

PASSWORD = "correo-lluvia-mesa"
STEP = 30  # seconds
PHONE = "Código del teléfono"


class Phone:
    """Codes by the page's secret. None is good twice, so each use takes the next step.

    The first is of the present step and the next one of the step ahead, which is good as well: each
    may be on its way for half a minute. A third has to wait for its time.
    """

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret.replace(" ", ""))
        self._last = 0

    def code(self) -> str:
        self._last = max(self._last + 1, self._now())
        deadline = time.monotonic() + STEP
        while self._last > self._now() + 1:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        return self._totp.generate_otp(self._last)

    def _now(self) -> int:
        return int(time.time()) // STEP


def make_user(product: Product, role: str = "backoffice", **values: str) -> str:
    """A user's name; with a password that all of these have, where no mail address is given."""
    username = f"prueba.{secrets.token_hex(3)}"
    new = {"username": username, "full_name": "Delia Dos", "role": role, "password": PASSWORD}
    product.client("admin").post("/users", json=new | values).raise_for_status()
    return username


@contextmanager
def browsing(
    chromium: Browser, product: Product, *, script: bool = True, abroad: bool = False
) -> Iterator[Page]:
    """A browser of somebody's own; nothing stood in the way of a page, our own policy neither.

    With `abroad` it may leave the product, for the company's log-in.
    """
    context = chromium.new_context(
        base_url=product.address,
        locale="es-EC",
        java_script_enabled=script,
        ignore_https_errors=abroad,  # the browser does not know the tests' CA; the product does
    )
    asked: list[str] = []
    said: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert [text for text in said if "Content Security Policy" in text or "Error" in text] == []
    outside = [url for url in asked if not url.startswith((product.address, "data:"))]
    assert abroad or outside == []


def give_password(page: Page, username: str) -> None:
    """By keyboard only."""
    page.goto("/ingresar")
    page.get_by_label("Usuario").fill(username)
    page.get_by_label("Contraseña").fill(PASSWORD)
    page.get_by_label("Contraseña").press("Enter")


def give_code(page: Page, code: str) -> None:
    page.wait_for_url(re.compile("/ingresar/codigo"))
    field = page.get_by_label("Código de seis dígitos")
    expect(field).to_be_focused()
    page.keyboard.type(code)
    page.keyboard.press("Enter")


def turn_on(page: Page, password: str | None = PASSWORD) -> tuple[Phone, list[str]]:
    """The telephone and the recovery codes; without a password the page asks for none."""
    phone = Phone(page.locator("#secret").inner_text())
    expect(page.get_by_role("img", name=re.compile("Código QR"))).to_be_visible()
    page.get_by_label(PHONE).fill(phone.code())
    if password is not None:
        page.get_by_label("Contraseña").fill(password)
    page.get_by_label(PHONE).press("Enter")
    expect(page.get_by_text("No se muestran otra vez.")).to_be_visible()
    return phone, page.locator("#codes code").all_inner_texts()


def leave(page: Page) -> None:
    page.context.clear_cookies()
