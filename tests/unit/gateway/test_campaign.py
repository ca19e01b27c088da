"""Campaigns and statistics: pages and API, also while other rooms are away."""

import io
from decimal import Decimal
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from services.gateway.session import COOKIE
from shared import clock
from shared.contract import Page
from shared.contracts import campaign as contract
from shared.contracts.campaign import (
    Audience,
    AudienceState,
    Campaign,
    CampaignChange,
    CampaignFigures,
    CampaignRow,
    CampaignStatistics,
    Count,
    GroupFigures,
    MailFunnel,
    Member,
    Overlap,
    Phase,
    PhaseChange,
    ProvinceFigures,
    RepeatedCustomer,
    RepeatedCustomers,
)
from shared.contracts.customer_query import Channel
from shared.contracts.identity import Role
from shared.errors import Conflict, FieldError, Invalid, Unavailable
from tests.unit.gateway.conftest import Browser, FakeAsk

AUDIENCE = Audience(
    state=AudienceState.READY,
    expected=10,
    transferred=10,
    control=1,
    reachable_mail=6,
    reachable_phone=5,
    blocked_mail={"no_consent": 3},
    blocked_phone={"no_address": 4},
    updated_at=clock.now(),
)


def make_campaign(**changes: Any) -> Campaign:
    usual = {
        "id": 7,
        "name": "Fibra <i>",
        "goal": "",
        "channels": [Channel.MAIL, Channel.PHONE],
        "definition": {"all": []},
        "segment_summary": "Todos los clientes",
        "budget": Decimal(100),
        "expected_revenue": Decimal(0),
        "starts_on": None,
        "ends_on": None,
        "control_share": 0.1,
        "design_id": None,
        "mail_subject": "",
        "script": "Buenos días.\nGracias.",
        "phase": Phase.EXECUTING,
        "next_phases": [Phase.PAUSED, Phase.CLOSING],
        "owner": "jefe",
        "created_at": clock.now(),
        "version": 6,
        "audience": AUDIENCE,
    }
    return Campaign(**usual | changes)


ROW = CampaignRow(
    id=7,
    name="Fibra <i>",
    phase=Phase.EXECUTING,
    channels=[Channel.MAIL],
    budget=Decimal(100),
    starts_on=None,
    ends_on=None,
    owner="jefe",
    transferred=10,
)
MEMBER = Member(
    customer_id=5,
    cedula="1710034065",
    full_name="Ana <b> Mora",
    province="17",
    canton=None,
    email=None,
    phone=None,
    mail_block="no_consent",
    phone_block=None,
    control=True,
)
PICHINCHA = ProvinceFigures(
    province="17", name="Pichincha", audience=10, contacted=4, accepted=1, success_rate=0.25
)
STATISTICS = CampaignStatistics(
    campaign_id=7,
    calls=3,
    by_result=[Count(key="accepted", label="Aceptó", count=3)],
    by_day=[],
    by_advisor=[Count(key="ana", label="=ana", count=3)],
    by_province=[PICHINCHA],
    mail=MailFunnel(
        target=9,
        pending=1,
        sent=4,
        failed=1,
        skipped={"no_consent": 2},
        doubtful=0,
        cancelled=1,
        unsubscribed=1,
    ),
    contacted=4,
    accepted=1,
    cost_per_contact=Decimal(25),
    cost_per_sale=None,
)
FIGURES = CampaignFigures(
    campaign_id=7,
    name="Fibra <i>",
    phase=Phase.EXECUTING,
    budget=Decimal(100),
    expected_revenue=Decimal(0),
    audience=10,
    contacted=4,
    accepted=1,
)
GROUP = GroupFigures(key="F", label="Mujeres", audience=10, contacted=4, accepted=1)
REPEATED = RepeatedCustomers(
    total=1,
    campaigns={7: "Fibra <i>", 8: "Móvil"},
    matrix=[Overlap(first=7, second=8, customers=1)],
    customers=[
        RepeatedCustomer(
            customer_id=5, cedula="1710034065", full_name="Ana <b> Mora", campaigns=[7, 8]
        )
    ],
    next=None,
)


def away(**_: Any) -> Any:
    raise Unavailable("El servicio no responde.")


@pytest.fixture
def head(client: Browser, rooms: FakeAsk) -> Browser:
    """The marketing head; mailer and telemarketing are away."""
    rooms.answers |= dict.fromkeys(
        ("list_designs", "list_mailings", "list_assignments", "list_calls"), away
    )
    rooms.answers |= {
        "list_campaigns": lambda **_: Page(items=[ROW]),
        "get_campaign": lambda campaign_id: make_campaign(),
        "list_members": lambda **_: Page(items=[MEMBER]),
        "list_phase_changes": lambda campaign_id: [
            PhaseChange(at=clock.now(), by="jefe", old=None, new=Phase.DRAFT, reason="<s>")
        ],
        "list_segments": lambda **_: Page(items=[]),
        "describe_segment": lambda definition: "Todos los clientes",
        "get_audience": lambda campaign_id: AUDIENCE,
        "get_statistics": lambda campaign_id: STATISTICS,
        "list_by_budget": lambda: [FIGURES],
        "list_by_age": lambda campaign_id: [GROUP],
        "list_by_gender": lambda campaign_id: [GROUP],
        "list_by_province": lambda campaign_id: [PICHINCHA],
        "get_repeated_customers": lambda **_: REPEATED,
        "export_repeated_customers": lambda **_: REPEATED,
    }
    client.cookies.set(COOKIE, Role.MARKETING_HEAD)
    return client


@pytest.mark.parametrize(
    "address",
    [
        "/campanas",
        "/campanas/tablero",
        "/campanas/nueva",
        "/campanas/nueva?definicion=%7B%22all%22%3A%5B%5D%7D",
        "/campanas/7",
        "/campanas/7/editar",
        "/campanas/7/fases",
        "/campanas/7/correo",
        "/campanas/7/llamadas",
        "/campanas/7/estadisticas",
        "/campanas/7/estadisticas?valor=success_rate",
        "/estadisticas",
        "/estadisticas?campana=7&valor=nada",
        "/estadisticas/repetidos",
    ],
)
def test_each_page_shows_itself_while_other_rooms_are_away(head: Browser, address: str) -> None:
    page = head.get(address)
    assert page.status_code == 200
    for markup in ("Fibra <i>", "Ana <b>", "<s>"):
        assert markup not in page.text


@pytest.mark.parametrize("definition", ["9" * 5000, "{", "[]", "[" * 5000])
def test_an_address_with_a_definition_that_is_none_says_so(head: Browser, definition: str) -> None:
    page = head.get("/campanas/nueva", params={"definicion": definition})
    assert page.status_code == 422
    assert "ármelo de nuevo" in page.text


@pytest.mark.parametrize("tab", ["correo", "llamadas"])
def test_a_room_that_is_away_is_told_on_its_tab(head: Browser, tab: str) -> None:
    assert "no están disponibles" in head.get(f"/campanas/7/{tab}").text


def test_the_figures_of_the_audience_add_up_on_the_page(head: Browser) -> None:
    page = head.get("/campanas/7").text
    assert page.count('<td class="figure">10</td>') == 2  # by mail and by phone


def test_all_that_is_missing_is_listed_with_where_to_mend_it(head: Browser, rooms: FakeAsk) -> None:
    def refuse(**_: Any) -> Any:
        fields = [
            FieldError("budget", "Indique un presupuesto."),
            FieldError("audience", "Transfiera el público."),
        ]
        raise Invalid("Falta completar datos de la campaña.", fields)

    rooms.answers["change_phase"] = refuse
    page = head.post("/campanas/7/fases", data={"phase": "executing", "reason": "Ya"})
    assert page.status_code == 422
    assert '<a href="/campanas/7/editar">Indique un presupuesto.</a>' in page.text
    assert '<a href="/campanas/7">Transfiera el público.</a>' in page.text
    assert ">Ya</textarea>" in page.text


def test_what_was_typed_is_sent_with_the_version_that_was_seen(
    head: Browser, rooms: FakeAsk
) -> None:
    changes: list[CampaignChange] = []

    def update(campaign_id: int, change: CampaignChange) -> Campaign:
        changes.append(change)
        return make_campaign()

    rooms.answers["update_campaign"] = update
    form = {
        "name": "Fibra <i>",
        "channels": ["phone", "mail", ""],
        "budget": "100,00",
        "expected_revenue": "0,00",
        "control_share": "0.1",
        "goal": "Vender",
        "script": "Buenos días.\r\nGracias.",
        "starts_on": "",
        "ends_on": "2026-12-24",
        "version": "6",
    }
    assert '<input type="hidden" name="version" value="6">' in head.get("/campanas/7/editar").text
    assert head.post("/campanas/7/editar", data=form).status_code == 303
    assert changes[0].model_dump(exclude_unset=True, mode="json") == {
        "name": "Fibra <i>",
        "channels": ["phone", "mail"],
        "budget": "100.00",
        "expected_revenue": "0.00",
        "control_share": 0.1,
        "goal": "Vender",
        "script": "Buenos días.\nGracias.",
        "starts_on": None,
        "ends_on": "2026-12-24",
        "version": 6,
    }


def test_a_refused_change_is_told_and_kept(head: Browser, rooms: FakeAsk) -> None:
    def refuse(**_: Any) -> Any:
        raise Conflict("En una campaña en ejecución ya no se puede cambiar el presupuesto.")

    rooms.answers["update_campaign"] = refuse
    form = {"channels": ["mail"], "budget": "999,00", "control_share": "abc"}
    page = head.post("/campanas/7/editar", data=form)
    assert page.status_code == 422
    page = head.post("/campanas/7/editar", data={**form, "control_share": "0.1"})
    assert page.status_code == 409
    assert "ya no se puede cambiar el presupuesto" in page.text
    assert 'value="999,00"' in page.text


def test_the_transfer_asks_again_until_it_is_there(head: Browser, rooms: FakeAsk) -> None:
    partial = {"HX-Request": "true"}
    assert head.get("/campanas/7/publico", headers=partial).headers["HX-Redirect"] == "/campanas/7"
    coming = AUDIENCE.model_copy(update={"state": AudienceState.TRANSFERRING, "expected": None})
    rooms.answers["get_audience"] = lambda campaign_id: coming
    assert 'data-live="audience:7"' in head.get("/campanas/7/publico", headers=partial).text


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("/campanas/7/estadisticas/provincias.csv", "17;Pichincha;10;4;1;0,25"),
        ("/campanas/7/estadisticas/correo.csv", "Omitidos: Sin consentimiento;2"),
        ("/campanas/7/estadisticas/asesores.csv", "'=ana;3"),
        ("/estadisticas/presupuesto.csv", "Fibra <i>;En ejecución;100;0;10;4;1"),
        ("/estadisticas/edad.csv", "Mujeres;10;4;1"),
        ("/estadisticas/repetidos.csv?motivo=campaign", "1710034065;Ana <b> Mora;Fibra <i>, Móvil"),
    ],
)
def test_every_chart_has_its_file(head: Browser, address: str, line: str) -> None:
    answer = head.get(address)
    assert answer.headers["content-type"].startswith("text/csv")
    assert line in answer.text.splitlines()


def test_a_file_that_cannot_hold_all_says_so(head: Browser, rooms: FakeAsk) -> None:
    many = {"total": 53_211, "next": "1", "customers": REPEATED.customers * 200}
    for name in ("get_repeated_customers", "export_repeated_customers"):
        rooms.answers[name] = lambda **_: REPEATED.model_copy(update=many)
    answer = head.get("/estadisticas/repetidos.csv?formato=xlsx&campana=7")
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    rows = book.get_sheet_by_name("Acerca de").to_python()
    about = {str(name): value for name, value in rows}
    assert "(los primeros 10.000 de 53.211)" in str(about["Contenido"])
    assert about["Campaña"] == "Todas"
    assert "Los primeros 10.000" in head.get("/estadisticas/repetidos").text


def test_a_file_that_does_not_exist_is_not_found(head: Browser) -> None:
    assert head.get("/estadisticas/nada.csv").status_code == 404
    assert head.get("/campanas/7/estadisticas/nada.csv").status_code == 404


def test_the_api_speaks_of_campaigns_as_agreed(head: Browser, rooms: FakeAsk) -> None:
    rooms.answers["create_campaign"] = lambda new: make_campaign()
    rooms.answers["change_phase"] = lambda campaign_id, phase, reason: make_campaign()
    rooms.answers["request_audience"] = lambda campaign_id: AUDIENCE
    new = {"name": "Fibra", "channels": ["mail"], "definition": {"all": []}, "budget": "1500.00"}
    assert head.post("/api/v1/campaigns", json=new).status_code == 201
    moved = head.post("/api/v1/campaigns/7/phase", json={"phase": "paused", "reason": "Feriado"})
    assert moved.status_code == 200
    assert rooms.heard_of(contract.change_phase)[0].arguments == {
        "campaign_id": 7,
        "phase": "paused",
        "reason": "Feriado",
    }
    assert head.post("/api/v1/campaigns/7/audience").status_code == 202
    audience = head.get("/api/v1/campaigns/7/audience").json()
    assert (audience["state"], audience["expected"], audience["transferred"]) == ("ready", 10, 10)
    statistics = head.get("/api/v1/campaigns/7/statistics").json()
    assert statistics["by_result"] == [{"key": "accepted", "label": "Aceptó", "count": 3}]
    assert head.get("/api/v1/statistics/map").json()[0]["province"] == "17"


def test_an_advisor_sees_no_campaigns(head: Browser) -> None:
    head.cookies.set(COOKIE, Role.ADVISOR)
    for address in ("/campanas", "/estadisticas", "/api/v1/campaigns", "/api/v1/statistics/map"):
        assert head.get(address).status_code == 403
