"""Sharing out a campaign's customers, through the page and the API."""

from typing import Any

import pytest

from services.gateway.session import COOKIE
from shared import clock
from shared.contract import Page
from shared.contracts import telemarketing
from shared.contracts.campaign import CampaignRow, Phase
from shared.contracts.customer_query import Channel
from shared.contracts.identity import Role
from shared.contracts.telemarketing import (
    Assigned,
    Assignment,
    CallList,
    CallListState,
    Freed,
    HandedOver,
    NewAssignment,
    NewHolders,
    OpenWork,
    Refreshed,
    RefreshState,
    RiskRefresh,
)
from shared.errors import Conflict, NotFound
from tests.unit.gateway.conftest import Browser, FakeAsk, make_user

FORM = {"advisors": ["", "ana"], "per_advisor": "20", "strategy": "equal"}


def not_asked_for(campaign_id: int) -> CallList:
    raise NotFound("La campaña todavía no tiene lista de llamadas.")


def make_row(**changes: Any) -> CampaignRow:
    usual = {
        "id": 7,
        "name": "Fibra en Quito",
        "phase": Phase.EXECUTING,
        "channels": [Channel.PHONE],
        "budget": 0,
        "starts_on": None,
        "ends_on": None,
        "owner": "jefe",
        "transferred": 100,
    }
    return CampaignRow(**usual | changes)


@pytest.fixture
def supervisor(client: Browser, rooms: FakeAsk) -> Browser:
    """A campaign of a hundred, of which ana has ten."""
    client.cookies.set(COOKIE, Role.SUPERVISOR)
    mine = Assignment(
        campaign_id=7, campaign_name="Fibra", advisor="ana", assigned=10, open=8, done=2
    )
    mail_only = make_row(id=8, name="Solo correo", channels=[Channel.MAIL])
    rooms.answers |= {
        "list_campaigns": lambda **_: Page(items=[make_row(), mail_only]),
        "list_users": lambda **_: Page(
            items=[make_user(), make_user(id=8, username="beto", active=False)]
        ),
        "list_assignments": lambda **_: Page(items=[mine]),
        "count_unassigned": lambda campaign_id: 90,
        "get_call_list": not_asked_for,
        "assign_customers": lambda campaign_id, new: Assigned(
            by_advisor=dict.fromkeys(new.advisors, new.per_advisor), left=70
        ),
    }
    return client


def test_the_page_shows_active_advisors_and_campaigns_by_phone(supervisor: Browser) -> None:
    page = supervisor.get("/asignaciones").text
    assert "Fibra en Quito" in page
    assert "Solo correo" not in page
    assert 'value="ana"' in page
    assert 'value="beto"' not in page
    assert "90" in page


def test_assigning_tells_what_each_got(supervisor: Browser, rooms: FakeAsk) -> None:
    answer = supervisor.post("/asignaciones/7", data=FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/asignaciones?campana=7")
    [heard] = rooms.heard_of(telemarketing.assign_customers)
    assert heard.arguments["new"]["advisors"] == ["ana"]
    notice = supervisor.get("/asignaciones?campana=7").text
    assert "Se asignaron 20 clientes: ana 20. Quedan 70 sin asesor." in notice


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (FORM | {"advisors": [""]}, "Elija al menos 1."),
        (FORM | {"per_advisor": "0"}, "Debe ser 1 o más."),
        (FORM | {"per_advisor": "muchos"}, "Escriba un número entero."),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    supervisor: Browser, form: dict[str, Any], message: str
) -> None:
    answer = supervisor.post("/asignaciones/7", data=form)
    assert answer.status_code == 422
    assert message in answer.text


def test_a_refusal_keeps_the_form(supervisor: Browser, rooms: FakeAsk) -> None:
    def refuse(campaign_id: int, new: NewAssignment) -> None:
        raise Conflict("La lista de llamadas de la campaña aún no está lista. Espere un momento.")

    rooms.answers["assign_customers"] = refuse
    answer = supervisor.post("/asignaciones/7", data=FORM)
    assert answer.status_code == 409
    assert "aún no está lista" in answer.text
    assert 'value="20"' in answer.text


def test_taking_back_and_refreshing_risks_say_how_many(supervisor: Browser, rooms: FakeAsk) -> None:
    rooms.answers |= {
        "take_back": lambda campaign_id, advisor: Freed(freed=8),
        "refresh_risks": lambda campaign_id, advisor: Refreshed(customers=8),
    }
    supervisor.post("/asignaciones/7/ana/retirar")
    assert "Se retiraron 8 clientes de ana." in supervisor.get("/asignaciones").text
    supervisor.post("/asignaciones/7/ana/riesgos")
    assert "por 8 clientes de ana" in supervisor.get("/asignaciones").text


def test_without_a_campaign_the_page_says_what_to_do(supervisor: Browser, rooms: FakeAsk) -> None:
    rooms.answers["list_campaigns"] = lambda **_: Page(items=[])
    assert "No hay campañas telefónicas en ejecución" in supervisor.get("/asignaciones").text


def test_an_advisor_does_not_assign(client: Browser) -> None:
    client.cookies.set(COOKIE, Role.ADVISOR)
    assert client.get("/asignaciones").status_code == 403
    assert client.post("/api/v1/campaigns/7/assignments", json={}).status_code == 403


def test_api_assigns_and_lists(supervisor: Browser) -> None:
    new = {"advisors": ["ana"], "per_advisor": 5, "strategy": "capacity"}
    answer = supervisor.post("/api/v1/campaigns/7/assignments", json=new)
    assert (answer.status_code, answer.json()) == (200, {"by_advisor": {"ana": 5}, "left": 70})
    listed = supervisor.get("/api/v1/assignments?campaign_id=7").json()
    assert listed["items"][0]["advisor"] == "ana"
    assert listed["next"] is None


def make_list(state: CallListState, error: str | None = None) -> CallList:
    now = clock.now()
    return CallList(campaign_id=7, state=state, error=error, requested_at=now, ended_at=None)


def test_a_list_that_did_not_come_says_why_and_is_asked_for_again(
    supervisor: Browser, rooms: FakeAsk
) -> None:
    failed = make_list(CallListState.FAILED, "El disco está lleno.")
    rooms.answers |= {
        "get_call_list": lambda campaign_id: failed,
        "request_call_list": lambda campaign_id: make_list(CallListState.LOADING),
    }
    page = supervisor.get("/asignaciones").text
    assert "La lista de llamadas no llegó" in page
    assert "El disco está lleno." in page
    assert 'action="/asignaciones/7/lista"' in page
    answer = supervisor.post("/asignaciones/7/lista")
    assert (answer.status_code, answer.headers["location"]) == (303, "/asignaciones?campana=7")
    assert "Se pidió la lista de llamadas." in supervisor.get("/asignaciones").text
    assert len(rooms.heard_of(telemarketing.request_call_list)) == 1


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (CallListState.LOADING, True),
        (CallListState.MERGING, True),
        (CallListState.DONE, False),
        (CallListState.SUPERSEDED, False),
    ],
)
def test_a_list_on_its_way_is_told_and_not_asked_for(
    supervisor: Browser, rooms: FakeAsk, state: CallListState, *, told: bool
) -> None:
    rooms.answers["get_call_list"] = lambda campaign_id: make_list(state)
    page = supervisor.get("/asignaciones").text
    assert ("está en camino" in page) is told
    assert "/asignaciones/7/lista" not in page


def test_api_asks_for_a_list_and_tells_how_it_is(supervisor: Browser, rooms: FakeAsk) -> None:
    assert supervisor.get("/api/v1/campaigns/7/call-list").status_code == 404
    failed = make_list(CallListState.FAILED, "No.")
    rooms.answers |= {
        "get_call_list": lambda campaign_id: failed,
        "request_call_list": lambda campaign_id: make_list(CallListState.LOADING),
    }
    found = supervisor.get("/api/v1/campaigns/7/call-list").json()
    assert (found["state"], found["error"]) == ("failed", "No.")
    asked = supervisor.post("/api/v1/campaigns/7/call-list")
    assert (asked.status_code, asked.json()["state"]) == (202, "loading")

    def refuse(campaign_id: int) -> None:
        raise Conflict("La lista de llamadas ya está en camino. Espere un momento.")

    rooms.answers["request_call_list"] = refuse
    assert supervisor.post("/api/v1/campaigns/7/call-list").status_code == 409


@pytest.mark.parametrize("role", [Role.ADVISOR, Role.BACKOFFICE, Role.ADMIN])
def test_lists_are_asked_for_by_those_who_assign(client: Browser, role: Role) -> None:
    client.cookies.set(COOKIE, role)
    assert client.post("/asignaciones/7/lista").status_code == 403
    assert client.post("/api/v1/campaigns/7/call-list").status_code == 403
    assert client.get("/api/v1/campaigns/7/call-list").status_code == 403


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (RefreshState.RUNNING, "Consultando riesgos: 500 de 1.200."),
        (RefreshState.DONE, "Riesgos de 500 clientes consultados el"),
        (RefreshState.FAILED, "no terminó (500 de 1.200): La central no respondió."),
    ],
)
def test_how_far_the_bureau_was_asked_stands_at_the_advisor(
    supervisor: Browser, rooms: FakeAsk, state: RefreshState, text: str
) -> None:
    error = "La central no respondió." if state is RefreshState.FAILED else None
    refresh = RiskRefresh(state=state, people=1200, asked=500, error=error, started_at=clock.now())
    mine = Assignment(
        campaign_id=7,
        campaign_name="Fibra",
        advisor="ana",
        assigned=10,
        open=8,
        done=2,
        refresh=refresh,
    )
    rooms.answers["list_assignments"] = lambda **_: Page(items=[mine])
    assert text in supervisor.get("/asignaciones").text


# --- the work of who calls no more ---


def left_by(advisor: str = "beto", **changes: Any) -> OpenWork:
    usual = {"full_name": "Beto Vera", "open": 12, "callbacks": 0, "campaigns": 2}
    return OpenWork(advisor=advisor, **usual | {"next_callback_at": None} | changes)


def test_what_was_left_is_shown_with_to_whom_it_may_go(supervisor: Browser, rooms: FakeAsk) -> None:
    at = clock.now()
    rooms.answers["list_open_work"] = lambda: [
        left_by(callbacks=3, next_callback_at=at),
        left_by("caro", full_name="Caro Ruiz"),
    ]
    page = supervisor.get("/asignaciones/pendientes").text
    assert "Beto Vera" in page
    assert "Caro Ruiz" in page
    assert 'action="/asignaciones/pendientes/beto"' in page
    assert 'value="ana"' in page
    other = supervisor.get("/asignaciones/pendientes?asesor=caro").text
    assert 'action="/asignaciones/pendientes/caro"' in other
    assert "Dar los clientes de Caro Ruiz a" in other
    on_leave = supervisor.get("/asignaciones/pendientes?asesor=dora")
    assert (on_leave.status_code, "Dar los clientes de dora a" in on_leave.text) == (200, True)


def test_nobody_left_anything(supervisor: Browser, rooms: FakeAsk) -> None:
    rooms.answers["list_open_work"] = list
    assert "Nadie dejó clientes por llamar" in supervisor.get("/asignaciones/pendientes").text


def test_handing_over_tells_who_got_how_many(supervisor: Browser, rooms: FakeAsk) -> None:
    def hand_over(advisor: str, new: NewHolders) -> HandedOver:
        return HandedOver(by_advisor=dict.fromkeys(new.advisors, 1200), left=1)

    rooms.answers |= {"hand_over": hand_over, "list_open_work": list}
    answer = supervisor.post("/asignaciones/pendientes/beto", data={"advisors": ["", "ana"]})
    assert answer.headers["location"] == "/asignaciones/pendientes"
    told = supervisor.get("/asignaciones/pendientes").text
    assert "Clientes de beto reasignados: 1.200 (ana 1.200). Le quedan 1" in told


def test_nobody_chosen_is_told_beside_the_names(supervisor: Browser, rooms: FakeAsk) -> None:
    rooms.answers["list_open_work"] = lambda: [left_by()]
    answer = supervisor.post("/asignaciones/pendientes/beto", data={"advisors": [""]})
    assert answer.status_code == 422
    assert "Elija al menos 1." in answer.text


def test_who_is_gone_is_marked_where_work_is_shared_out(
    supervisor: Browser, rooms: FakeAsk
) -> None:
    gone = Assignment(
        campaign_id=7, campaign_name="Fibra", advisor="beto", assigned=9, open=4, done=5
    )
    rooms.answers["list_assignments"] = lambda **_: Page(items=[gone])
    page = supervisor.get("/asignaciones?campana=7").text
    assert "Ya no llama" in page
    assert "/asignaciones/pendientes?asesor=beto" in page
