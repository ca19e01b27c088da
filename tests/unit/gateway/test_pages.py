"""The shell: menu by role, templates that hold together, charts with their table."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.gateway import assets, labels, menu, rendering
from services.gateway.charts import Chart, Series
from services.gateway.routes import mail_demo
from services.gateway.session import COOKIE
from shared.errors import Unavailable
from shared.permissions import Role, granted
from shared.settings import settings
from shared.words import Term
from tests.unit.gateway.conftest import Browser, FakeAsk

TEMPLATES = Path(rendering.__file__).parent / "templates"
ICON = re.compile(r"""icon\(["']([a-z0-9-]+)["']""")


def paths_for(role: Role) -> set[str]:
    """What the menu offers."""
    sections = menu.sections_for(granted(role))
    return {entry.path for section in sections for entry in section.entries}


def test_menu_offers_what_the_role_may_open(monkeypatch: pytest.MonkeyPatch) -> None:
    without = settings().model_copy(update={"mail_catcher_dir": ""})
    monkeypatch.setattr(mail_demo, "settings", lambda: without)
    assert paths_for(Role.ADVISOR) == {"/clientes", "/llamadas", "/agenda"}
    backoffice = paths_for(Role.BACKOFFICE)
    assert "/clientes" in backoffice
    assert not {"/campanas", "/envios", "/llamadas", "/usuarios"} & backoffice
    assert "/usuarios" not in paths_for(Role.MARKETING_HEAD)
    assert "/correo-demo" not in paths_for(Role.ADMIN)


@pytest.mark.parametrize("role", list(Role))
def test_every_role_has_a_home_even_while_rooms_are_away(
    client: Browser, rooms: FakeAsk, role: Role
) -> None:
    def away(**_: object) -> None:
        raise Unavailable("No responde.")

    figures = (
        "list_by_budget",
        "list_mailings",
        "get_day",
        "list_callbacks",
        "list_assignments",
        "list_users",
        "list_imports",
    )
    rooms.answers |= dict.fromkeys(figures, away)
    client.cookies.set(COOKIE, role)
    page = client.get("/")
    assert page.status_code == 200
    assert role.word in page.text
    for path in paths_for(role):
        assert f'href="{path}"' in page.text


@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.html")), ids=lambda p: p.name)
def test_template_names_known_icons_and_no_inline_code(template: Path) -> None:
    source = template.read_text("utf-8")
    for name in ICON.findall(source):
        assets.icon_address(name)
    assert " style=" not in source  # the policy forbids it
    assert not re.search(r"\son[a-z]+=", source)
    assert not re.search(r"<script(?![^>]*\b(src|type=\"application/json\"))", source)


def test_bundle_is_kept_by_browsers(client: Browser) -> None:
    answer = client.get(assets.static("app.js"))
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]


def test_unknown_icon_is_a_defect() -> None:
    with pytest.raises(KeyError, match=r"icons\.txt"):
        assets.icon_address("no-such-icon")


def test_chart_has_a_table_twin() -> None:
    chart = Chart(
        kind="map",
        labels=["01", "02"],
        names=["Azuay", "Bolívar"],
        series=[Series(name="Ventas", values=[Decimal("10.50"), None])],
        format="money",
    )
    assert chart.rows == [("Azuay", [Decimal("10.50")]), ("Bolívar", [None])]
    assert chart.drawn["series"] == [{"name": "Ventas", "values": [10.5, None]}]
    assert not chart.is_empty


def test_chart_without_figures_is_empty() -> None:
    assert Chart(kind="bar", labels=["a"], series=[Series(name="x", values=[0])]).is_empty


def test_chart_needs_a_value_per_label() -> None:
    with pytest.raises(ValidationError):
        Chart(kind="bar", labels=["a", "b"], series=[Series(name="x", values=[1])])


@pytest.mark.parametrize("states", labels.COLOURS, ids=lambda states: states.__name__)
def test_every_state_that_a_page_draws_has_a_colour(states: type[Term]) -> None:
    assert labels.COLOURS[states].keys() == set(states)


def test_health_tells_living_from_ready(client: Browser, rooms: FakeAsk) -> None:
    assert client.get("/health/ready").status_code == 200
    rooms.connected = False
    assert client.get("/health/live").status_code == 200
    for address in ("/health/ready", "/health/serve"):
        answer = client.get(address)
        assert (answer.status_code, answer.json()) == (503, {"status": "broker"})


def test_a_room_that_is_stuck_is_named_and_closes_no_doors(client: Browser, rooms: FakeAsk) -> None:
    rooms.stuck["mailer"] = "jobs.mailer holds 3 messages and has no consumer"
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, rooms.stuck)
    assert client.get("/health/serve").status_code == 200
    rooms.gone.add("campaign")
    assert client.get("/health/ready").json() == {**rooms.stuck, "campaign": "campaign is away"}
    rooms.gone.add("identity")
    answer = client.get("/health/serve")
    assert (answer.status_code, answer.json()) == (503, {"status": "identity"})
