"""A value that is shown in part, shown whole by a click or a key, and found on record."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.product import Product

pytestmark = pytest.mark.usefixtures("people")
PHONE = re.compile(r"^09\d \d{3} \d{4}$")


@pytest.fixture
def customer_id(product: Product) -> int:
    """Somebody with a mobile number."""
    found = product.client("jefe").get("/customers", params={"limit": 200}).json()["items"]
    return next(int(row["id"]) for row in found if (row["phone"] or "").startswith("09"))


def looks(product: Product, customer_id: int) -> list[Any]:
    address = f"/audit?customer_id={customer_id}&action=revealed"
    lines = product.client("admin").get(address).json()["items"]
    return [(line["username"], line["fields"]) for line in lines]


def test_a_click_shows_a_number_for_this_page_only_and_is_on_record(
    log_in: Callable[[str], Page], product: Product, customer_id: int
) -> None:
    page = log_in("jefe")
    page.goto(f"/clientes/{customer_id}")
    button = page.get_by_role("button", name="Mostrar el dato completo: Teléfono", exact=True)
    expect(button).to_have_text(re.compile(r"09•••••\d{3}"))
    button.click()
    shown = page.get_by_role("status").filter(has_text=PHONE)
    expect(shown).to_be_focused()
    expect(button).to_have_count(0)

    cedula = page.get_by_role("button", name="Mostrar el dato completo: Cédula o RUC")
    cedula.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile(r"^\d{10}(\d{3})?$"))).to_be_visible()

    page.reload()
    expect(button).to_be_visible()
    deadline = time.monotonic() + 20
    while len(seen := looks(product, customer_id)) < 2:
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)
    assert seen == [("jefe", ["cedula"]), ("jefe", ["phone"])]


def test_without_a_script_a_form_does_the_same(
    product: Product, chromium: Browser, customer_id: int
) -> None:
    context = chromium.new_context(base_url=product.address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/ingresar")
    page.get_by_label("Usuario").fill("jefe")
    page.get_by_label("Contraseña").fill(product.passwords["jefe"])
    page.get_by_label("Contraseña").press("Enter")
    page.goto(f"/clientes/{customer_id}")
    page.get_by_role("button", name="Mostrar el dato completo: Teléfono", exact=True).click()
    shown = page.get_by_role("definition").filter(has_text=re.compile(r"09\d \d{3} \d{4}"))
    expect(shown).to_be_visible()
    expect(page.get_by_text(re.compile("•••••")).first).to_be_visible()
    context.close()
