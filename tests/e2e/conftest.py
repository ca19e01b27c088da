"""A real browser on the whole product."""

import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from infra.demo import risk
from infra.demo.customers import COLUMNS, customers
from infra.demo.generate_file import write_rows
from tests.product import Product

PEOPLE_SEED = 91_000
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = subprocess.check_output("infra/native/chromium.sh", text=True).strip()
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def people(product: Product, tmp_path_factory: pytest.TempPathFactory) -> None:
    """300 customers and what the bureau knows of them."""
    folder = tmp_path_factory.mktemp("people")
    rows = list(customers(300, PEOPLE_SEED))
    write_rows(str(folder / "clientes.csv"), COLUMNS, rows, 0)
    write_rows(str(folder / "riesgos.csv"), risk.COLUMNS, risk.risk_rows(rows), 0)
    for username, path, file in (
        ("jefe", "/customers/imports", "clientes.csv"),
        ("admin", "/risk-loads", "riesgos.csv"),
    ):
        client = product.client(username)
        upload = {"file": (file, (folder / file).read_bytes(), "text/csv")}
        job = client.post(path, files=upload).raise_for_status().json()
        deadline = time.monotonic() + 60
        while not client.get(f"{path}/{job['id']}").json()["finished_at"]:
            assert time.monotonic() < deadline, f"{file} was not loaded"
            time.sleep(0.1)


@pytest.fixture
def log_in(product: Product, chromium: Browser) -> Iterator[Callable[[str], Page]]:
    """`log_in("jefe")`: a page of that user; a script error on any page fails the test."""
    errors: list[str] = []
    contexts = []

    def enter(username: str) -> Page:
        context = chromium.new_context(
            base_url=product.address, locale="es-EC", timezone_id="America/Guayaquil"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto("/ingresar")
        page.get_by_label("Usuario").fill(username)
        page.get_by_label("Contraseña").fill(product.passwords[username])
        page.get_by_role("button", name="Ingresar").click()
        page.wait_for_url(f"{product.address}/")
        return page

    yield enter
    for context in contexts:
        context.close()
    assert errors == []
