"""The marketing head's way and the advisor's, by clicking."""

import email
import email.policy
import re
from collections.abc import Callable
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from infra.demo.customers import write_file
from shared import clock
from tests.product import Product

SLOW = 60_000  # milliseconds for a job in the background


def test_marketing_head_imports_segments_creates_transfers_and_mails(
    log_in: Callable[[str], Page], tmp_path: Path
) -> None:
    file = tmp_path / "clientes.csv"
    write_file(str(file), good=300, bad=6, seed=90_000)
    page = log_in("jefe")

    page.goto("/clientes/importar")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Importar").click()
    page.wait_for_url("**/clientes/importaciones/*")
    expect(page.get_by_role("link", name="Filas rechazadas")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("306 leídas = 300 creados")).to_be_visible()

    page.goto("/segmentos/nuevo")
    page.get_by_label("Agregar criterio").first.select_option("age")
    page.get_by_label("edad desde", exact=False).fill("30")
    page.get_by_label("edad hasta", exact=False).fill("36")
    expect(page.locator("#segment-count")).to_contain_text("Alcanzables por correo")
    page.get_by_label("Nombre").fill(f"Adultos {clock.now():%H%M%S}")
    page.get_by_role("button", name="Guardar segmento").click()
    page.wait_for_url(re.compile(r"/segmentos/\d+"))

    page.get_by_role("button", name="Crear campaña").click()
    page.wait_for_url("**/campanas/nueva*")
    page.get_by_label("Nombre").fill("Campaña del navegador")
    page.get_by_label("Presupuesto", exact=False).fill("250,00")
    page.get_by_label("Diseño", exact=False).select_option(index=1)
    page.get_by_role("button", name="Crear campaña").click()
    page.wait_for_url(re.compile(r"/campanas/\d+$"))
    campaign = page.url
    expect(page.get_by_text("Alcanzables").first).to_be_visible(timeout=SLOW)

    page.goto(f"{campaign}/fases")
    page.get_by_role("button", name=re.compile("[Pp]lanific")).click()
    page.goto(f"{campaign}/fases")
    page.get_by_role("button", name=re.compile("[Ee]jec")).click()
    expect(page.get_by_text(re.compile("[Ee]n ejecución")).first).to_be_visible()

    number = campaign.rsplit("/", 1)[1]
    page.goto(f"/envios/nuevo?campana={number}")
    page.get_by_role("button", name="Enviar", exact=True).click()
    page.locator("dialog#confirm button[value=yes]").click()
    page.wait_for_url(re.compile(r"/envios/\d+$"))
    expect(page.get_by_text("Terminó el")).to_be_visible(timeout=SLOW)


@pytest.fixture
def assigned(product: Product, people: None, until: Callable[..., Any]) -> int:
    """A campaign with customers assigned to an advisor."""
    head, supervisor = product.client("jefe"), product.client("supervisor")
    campaign = head.post(
        "/campaigns",
        json={
            "name": "Llamadas del navegador",
            "channels": ["phone"],
            "definition": {"all": [{"field": "consent_phone", "is": True}]},
            "budget": "10",
            "script": "Salude y presente la propuesta.",
        },
    ).json()
    path = f"/campaigns/{campaign['id']}"
    until(lambda: head.get(f"{path}/audience").json()["state"] == "ready")
    for phase in ("planned", "executing"):
        head.post(f"{path}/phase", json={"phase": phase}).raise_for_status()
    body = {"advisors": ["asesor3"], "per_advisor": 5, "strategy": "equal"}
    until(
        lambda: sum(
            supervisor.post(f"{path}/assignments", json=body).json().get("by_advisor", {}).values()
        )
    )
    number: int = campaign["id"]
    return number


def test_advisor_takes_a_customer_checks_the_risk_and_agrees_on_a_callback(
    log_in: Callable[[str], Page], product: Product, assigned: int
) -> None:
    page = log_in("asesor3")
    page.goto("/llamadas")
    page.keyboard.press("n")
    expect(page.get_by_text("Salude y presente la propuesta.")).to_be_visible()
    expect(page.locator("a[href^='tel:']").first).to_be_visible()

    page.locator("#risk button").click()
    expect(page.locator("#risk")).to_contain_text(re.compile("Calificación|no tiene datos"))

    page.get_by_label("Notas").fill("Pide que le llamen mañana.")
    page.get_by_role("button", name=re.compile("Volver a llamar")).click()
    page.wait_for_load_state("networkidle")
    moment = (clock.now() + timedelta(days=1)).astimezone(clock.GUAYAQUIL)
    field = page.get_by_label("Fecha y hora acordadas")
    if not field.is_visible():
        page.keyboard.press("3")
    field.fill(moment.strftime("%Y-%m-%dT10:00"))
    page.get_by_role("button", name="Agendar").click()
    page.wait_for_url(re.compile("/llamadas"))

    advisor = product.client("asesor3")
    calls = advisor.get("/calls", params={"limit": 1}).json()["items"]
    assert calls[0]["campaign_id"] == assigned
    assert calls[0]["result"] == "callback"
    assert calls[0]["note"] == "Pide que le llamen mañana."
    page.goto(f"/agenda?vista=dia&fecha={moment:%Y-%m-%d}")
    expect(page.get_by_text(calls[0]["customer_name"])).to_be_visible()


def test_unsubscribing_takes_a_click_and_not_a_visit(
    chromium: Browser, product: Product, until: Callable[..., Any]
) -> None:
    newest = max(
        (Path(product.settings["PREGON_MAIL_CATCHER_DIR"]) / "new").iterdir(),
        key=lambda path: path.stat().st_mtime,
    )
    mail = email.message_from_bytes(newest.read_bytes(), policy=email.policy.default)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = re.findall(r"<(http[^>]+)>", mail["List-Unsubscribe"])[0]
    head = product.client("jefe")
    found = head.get("/customers", params={"search": parseaddr(mail["To"])[1]}).json()["items"]
    profile = f"/customers/{found[0]['id']}"

    page = chromium.new_page()
    page.goto(link)
    page.wait_for_load_state("networkidle")
    assert head.get(profile).json()["do_not_mail"] is False
    page.get_by_role("button", name=re.compile("baja", re.I)).click()
    expect(page.get_by_text(re.compile("dio de baja"))).to_be_visible()
    until(lambda: head.get(profile).json()["do_not_mail"])
    page.close()
