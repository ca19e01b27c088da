"""A list by keyboard: found, gone through, marked, acted on; its columns and views stay."""

import re
import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.product import Product

SECRET = {"password": "correo-lluvia-mesa"}


@pytest.fixture
def word(product: Product) -> str:
    """In the names of three advisors, and of nobody else."""
    word = f"Quishpillo{secrets.token_hex(2)}"
    for at, name in enumerate(("Ana", "Berta", "Úrsula")):
        new = {"username": f"{word.lower()}.{at}", "full_name": f"{name} {word}"}
        body = new | SECRET | {"role": "advisor"}
        product.client("admin").post("/users", json=body).raise_for_status()
    return word


def focused_row(page: Page) -> str:
    text = page.evaluate("document.activeElement.closest('[data-row]')?.innerText ?? ''")
    return str(text)


@pytest.mark.timeout(300)  # with the product's start
def test_rows_are_found_marked_and_acted_on_without_a_mouse(
    log_in: Callable[[str], Page], word: str
) -> None:
    page = log_in("admin")
    page.goto("/usuarios")
    page.keyboard.press("/")
    page.keyboard.type(f"{word[:-2]} a")  # parts of words; no button
    expect(page.get_by_text("3 usuarios", exact=True)).to_be_visible()
    page.wait_for_url(re.compile(r"/usuarios\?buscar="))
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("na")
    expect(page.get_by_text("1 usuario", exact=True)).to_be_visible()
    for _ in "na":
        page.keyboard.press("Backspace")
    expect(page.get_by_text("3 usuarios", exact=True)).to_be_visible()
    page.get_by_role("searchbox").blur()
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert "Berta" in focused_row(page)
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("Marcó 2 usuarios")).to_be_visible()
    page.get_by_role("button", name="Desactivar").press("Enter")
    expect(page.get_by_role("heading", name="¿Desactivar 2 usuarios?")).to_be_visible()
    page.locator("#confirm [value=yes]").press("Enter")
    expect(page.get_by_text("Se desactivaron 2 usuarios.")).to_be_visible()
    expect(page.get_by_text("Desactivado", exact=True)).to_have_count(2)
    assert "buscar=" in page.url  # the search is as it was
    page.wait_for_load_state()
    page.keyboard.press("j")
    assert "Ana" in focused_row(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(word)


def test_columns_are_chosen_and_ordered_and_a_search_is_kept(
    log_in: Callable[[str], Page], word: str
) -> None:
    page = log_in("admin")
    page.goto("/usuarios")
    page.get_by_role("button", name="Columnas").click()
    page.get_by_role("checkbox", name="Correo").check()
    page.get_by_role("button", name="Subir Correo").click()
    page.get_by_role("checkbox", name="Equipo").uncheck()
    page.get_by_role("button", name="Guardar columnas").click()
    head = page.locator("thead")
    expect(head).to_contain_text("Correo")
    expect(head).not_to_contain_text("Equipo")
    assert head.inner_text().upper().index("CORREO") < head.inner_text().upper().index("INGRESO")
    page.get_by_role("searchbox").fill(word)
    expect(page.get_by_text("3 usuarios", exact=True)).to_be_visible()
    page.get_by_role("button", name="Vistas guardadas").click()
    page.get_by_role("button", name="Guardar esta búsqueda").click()
    name = f"Los de {word}"
    page.get_by_role("textbox", name="Nombre", exact=True).fill(name)
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Se guardó la vista «{name}».")).to_be_visible()
    page.goto("/usuarios")
    page.get_by_role("button", name="Vistas guardadas").click()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_text("3 usuarios", exact=True)).to_be_visible()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Descargar").click()
        page.get_by_role("link", name="CSV").click()
    lines = downloading.value.path().read_text("utf-8-sig").splitlines()
    assert "Correo" in lines[0]
    assert len(lines) == 4
    page.get_by_role("button", name="Vistas guardadas").click()
    page.get_by_role("button", name=f"Eliminar la vista {name}").click()
    expect(page.locator("#confirm [value=yes]")).to_have_text("Eliminar vista")
    expect(page.locator("#confirm [value=no]")).to_have_text("Dejarla")
    page.locator("#confirm [value=yes]").click()
    expect(page.get_by_text("Se eliminó la vista.")).to_be_visible()
    page.get_by_role("button", name="Columnas").click()
    page.get_by_role("button", name="Como al inicio").click()
    expect(head).to_contain_text("Equipo")
