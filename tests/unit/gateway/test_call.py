"""The advisor's screen, its parts and its API."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.gateway.session import COOKIE
from shared import clock
from shared.contract import Page
from shared.contracts import customer_query, telemarketing
from shared.contracts.identity import Role
from shared.contracts.risk_central import RiskCategory, RiskReport
from shared.contracts.telemarketing import (
    AdvisorDay,
    CallCustomer,
    CallResult,
    EmptyQueue,
    KnownRisk,
    Lease,
    NewCall,
    Offer,
    QueueState,
    ResultMeaning,
    RiskCheck,
    RiskState,
)
from shared.errors import Conflict, Invalid, Unavailable
from tests.unit.gateway.conftest import Browser, FakeAsk

KEY = re.compile(r'name="idempotency_key" value="([^"]+)"')
LEASE_ID = UUID("6b0f24c5-7a34-4f45-9d8e-000000000001")
RESULT = f"/llamadas/{LEASE_ID}/resultado"


def make_lease(**changes: Any) -> Lease:
    customer = CallCustomer(
        customer_id=5,
        cedula="1710034065",
        full_name="Rosa <Mora> Vera",
        gender="F",
        birth_on=None,
        income=None,
        province="17",
        canton="1701",
        category="loyal",
        joined_on=None,
        email=None,
        phone="+593991234567",
    )
    usual = {
        "lease_id": LEASE_ID,
        "expires_at": clock.now() + timedelta(minutes=15),
        "customer": customer,
        "campaign_id": 7,
        "campaign": "Fibra",
        "script": "Buenos días, Rosa.\n\nLe llamo por la fibra.",
        "attempts": 0,
        "note": "Prefiere la tarde",
        "callback_at": None,
    }
    return Lease(**usual | changes)


def make_call(new: NewCall) -> telemarketing.Call:
    return telemarketing.Call(
        id=1,
        campaign_id=7,
        campaign_name="Fibra",
        customer_id=5,
        customer_name="Rosa Mora",
        advisor="advisor",
        result=new.result,
        note=new.note,
        callback_at=new.callback_at,
        at=clock.now(),
        seconds=90,
    )


def make_check(state: RiskState, offer: Offer = Offer.PREPAID_ONLY) -> RiskCheck:
    report = RiskReport(
        cedula="1710034065",
        full_name="Rosa Mora",
        category=RiskCategory.C1,
        score=520,
        total_debt="1234.50",
        days_overdue=50,
        reported_on="2026-10-31",
        source="Banco",
    )
    return RiskCheck(
        customer_id=5,
        state=state,
        report=report if state is RiskState.KNOWN else None,
        offer=offer,
        message="Ofrezca solo prepago.",
        checked_at=clock.now(),
    )


def meaning(result: CallResult, key: str) -> ResultMeaning:
    return ResultMeaning(
        result=result,
        label=result.value.title(),
        key=key,
        contacted=True,
        success=False,
        final=False,
        retry_minutes=None,
    )


RESULTS = [meaning(result, key) for result, key in zip(CallResult, "1234567890", strict=True)]


def queue(empty: EmptyQueue | None, **changes: Any) -> QueueState:
    usual = {"open": 3, "empty": empty, "next_at": None, "calling_hours": "08:00-20:00"}
    return QueueState(**usual | changes)


@pytest.fixture
def advisor(client: Browser, rooms: FakeAsk) -> Browser:
    """An advisor's browser, a customer at hand."""
    client.cookies.set(COOKIE, Role.ADVISOR)
    day = AdvisorDay(calls=12, contacted=5, accepted=2, open=38, callbacks_today=1)
    rooms.answers |= {
        "get_lease": make_lease,
        "get_day": lambda: day,
        "get_queue_state": lambda: queue(None),
        "list_results": lambda: RESULTS,
        "find_last_risk": lambda customer_id: None,
        "list_timeline": lambda customer_id, after, limit: Page(items=[]),
        "record_call": make_call,
    }
    return client


def test_the_screen_shows_customer_script_results_and_what_was_typed(advisor: Browser) -> None:
    page = advisor.get("/llamadas").text
    assert "Rosa &lt;Mora&gt; Vera" in page
    assert "<Mora>" not in page
    assert 'href="tel:+593991234567"' in page
    assert "099 123 4567" in page
    assert "Quito, Pichincha" in page
    assert "<p>Le llamo por la fibra.</p>" in page
    assert "Prefiere la tarde</textarea>" in page
    for number in "1234567890":
        assert f'data-key="{number}"' in page


def test_enter_in_the_callbacks_field_means_the_callback(advisor: Browser) -> None:
    """A browser presses the form's first submit button."""
    page = advisor.get("/llamadas").text
    form = page[page.index(f'action="{RESULT}"') :]
    first = form[form.index('type="submit"') :].partition(">")[0]
    assert 'value="callback"' in first


def test_the_call_goes_on_without_the_customers_history(advisor: Browser, rooms: FakeAsk) -> None:
    def fail(**_: Any) -> None:
        raise Unavailable("El servicio no responde.")

    rooms.answers["list_timeline"] = fail
    page = advisor.get("/llamadas")
    assert page.status_code == 200
    assert "La historia no está disponible" in page.text


def test_a_result_is_recorded_with_the_note_and_leads_to_the_desk(
    advisor: Browser, rooms: FakeAsk
) -> None:
    typed = {"result": "accepted", "note": "Quiere fibra", "callback_at": "2026-11-21T10:00"}
    answer = advisor.post(RESULT, data=typed)
    assert (answer.status_code, answer.headers["location"]) == (303, "/llamadas")
    [heard] = rooms.heard_of(telemarketing.record_call)
    assert heard.arguments["new"]["result"] == "accepted"
    assert heard.arguments["new"]["note"] == "Quiere fibra"
    assert heard.arguments["new"]["callback_at"] is None
    assert heard.actor is not None


def test_a_callbacks_time_is_ecuadors(advisor: Browser, rooms: FakeAsk) -> None:
    advisor.post(RESULT, data={"result": "callback", "callback_at": "2026-11-21T10:00"})
    [heard] = rooms.heard_of(telemarketing.record_call)
    assert heard.arguments["new"]["callback_at"] == "2026-11-21T10:00:00-05:00"


def test_a_wrong_callback_keeps_the_screen_and_says_why(advisor: Browser, rooms: FakeAsk) -> None:
    def refuse(new: NewCall) -> None:
        raise Invalid.field("callback_at", "Elija una fecha y hora que esté por venir.")

    rooms.answers["record_call"] = refuse
    typed = {"result": "callback", "callback_at": "2020-01-01T10:00", "note": "Por la tarde"}
    answer = advisor.post(RESULT, data=typed)
    assert answer.status_code == 422
    assert "Elija una fecha y hora que esté por venir." in answer.text
    assert 'value="2020-01-01T10:00"' in answer.text
    assert "Por la tarde</textarea>" in answer.text


def test_a_result_that_comes_too_late_leads_to_the_desk_and_says_so(
    advisor: Browser, rooms: FakeAsk
) -> None:
    def refuse(new: NewCall) -> None:
        raise Conflict("Esta atención ya terminó: pida el siguiente cliente.")

    rooms.answers |= {"record_call": refuse, "get_lease": lambda: None}
    answer = advisor.post(RESULT, data={"result": "busy"})
    assert answer.headers["location"] == "/llamadas"
    page = advisor.get("/llamadas").text
    assert "pida el siguiente cliente" in page
    assert "alert-success" not in page


def test_who_was_called_meanwhile_is_not_said_to_be_given_back(
    advisor: Browser, rooms: FakeAsk
) -> None:
    def refuse(lease_id: UUID) -> None:
        raise Conflict("Esta llamada ya se registró como «Aceptó».")

    rooms.answers |= {"release_lease": refuse, "get_lease": lambda: None}
    answer = advisor.post(f"/llamadas/{LEASE_ID}/soltar")
    assert (answer.status_code, answer.headers["location"]) == (303, "/llamadas")
    page = advisor.get("/llamadas").text
    assert "ya se registró como «Aceptó»" in page
    assert "alert-success" not in page


@pytest.mark.parametrize(
    ("empty", "text"),
    [
        (None, "Siguiente cliente"),
        (EmptyQueue.OUTSIDE_HOURS, "Fuera del horario"),
        (EmptyQueue.NOTHING_ASSIGNED, "Todavía no tiene clientes"),
        (EmptyQueue.NOT_EXECUTING, "no están en ejecución"),
        (EmptyQueue.WAITING, "Nadie por llamar en este momento"),
        (EmptyQueue.OVER_CAP, "ya recibieron el máximo de contactos"),
        (EmptyQueue.FINISHED, "Terminó con todos"),
    ],
)
def test_the_desk_says_whether_there_is_a_next_one_and_why_not(
    advisor: Browser, rooms: FakeAsk, empty: EmptyQueue | None, text: str
) -> None:
    rooms.answers |= {
        "get_lease": lambda: None,
        "get_queue_state": lambda: queue(empty, next_at=clock.now()),
    }
    page = advisor.get("/llamadas").text
    assert text in page
    assert ("/llamadas/siguiente" in page) is (empty is None)


def test_next_takes_a_customer_and_shows_the_screen(advisor: Browser, rooms: FakeAsk) -> None:
    rooms.answers["next_call"] = make_lease
    answer = advisor.post("/llamadas/siguiente")
    assert (answer.status_code, answer.headers["location"]) == (303, "/llamadas")
    assert len(rooms.heard_of(telemarketing.next_call)) == 1


def test_note_is_saved_while_it_is_typed(advisor: Browser, rooms: FakeAsk) -> None:
    rooms.answers["save_note"] = lambda lease_id, note: None
    answer = advisor.post(f"/llamadas/{LEASE_ID}/nota", data={"note": "Tarde"})
    assert answer.status_code == 204
    [heard] = rooms.heard_of(telemarketing.save_note)
    assert heard.arguments == {"lease_id": str(LEASE_ID), "note": "Tarde"}


@pytest.mark.parametrize(
    ("state", "shown", "sign"),
    [
        (RiskState.KNOWN, "C1", "alert-warning"),
        (RiskState.UNKNOWN, "Ofrezca solo prepago.", "alert-warning"),
        (RiskState.UNAVAILABLE, "Intento de las", "alert-danger"),
    ],
)
def test_risk_check_answers_with_a_part_in_every_state(
    advisor: Browser, rooms: FakeAsk, state: RiskState, shown: str, sign: str
) -> None:
    rooms.answers["check_risk"] = lambda customer_id, purpose: make_check(state)
    part = advisor.post("/llamadas/riesgo/5", headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert shown in part.text
    assert sign in part.text
    assert "<html" not in part.text


def test_the_bureau_is_asked_for_a_purpose_that_is_chosen(advisor: Browser, rooms: FakeAsk) -> None:
    rooms.answers["check_risk"] = lambda customer_id, purpose: make_check(RiskState.UNKNOWN)
    part = advisor.post("/llamadas/riesgo/5", data={"purpose": "collection"}).text
    assert '<option value="collection" selected>Cobranza</option>' in part
    advisor.post("/llamadas/riesgo/5")
    asked = [heard.arguments["purpose"] for heard in rooms.heard_of(telemarketing.check_risk)]
    assert asked == ["collection", "sale"]
    assert advisor.post("/llamadas/riesgo/5", data={"purpose": "curiosidad"}).status_code == 422
    assert advisor.post("/api/v1/customers/5/risk-checks?purpose=x").status_code == 422


@pytest.mark.parametrize(("days", "words"), [(0, "menos de un día"), (1, "1 día"), (9, "9 días")])
def test_without_an_answer_the_last_one_is_shown_with_its_age(
    advisor: Browser, rooms: FakeAsk, days: int, words: str
) -> None:
    known = make_check(RiskState.KNOWN)
    last = KnownRisk(report=known.report, checked_at=known.checked_at, age_days=days)
    away = make_check(RiskState.UNAVAILABLE).model_copy(update={"last": last})
    rooms.answers["check_risk"] = lambda customer_id, purpose: away
    part = advisor.post("/llamadas/riesgo/5", headers={"HX-Request": "true"}).text
    assert f"Último dato, de hace {words}" in part
    assert "calificación C1, puntaje 520, deuda $1.234,50" in part
    told = advisor.post("/api/v1/customers/5/risk-checks").json()["last"]
    assert (told["age_days"], told["report"]["category"]) == (days, "C1")


def test_each_question_about_risk_has_a_key_of_its_own(advisor: Browser, rooms: FakeAsk) -> None:
    rooms.answers["check_risk"] = lambda customer_id, purpose: make_check(RiskState.UNKNOWN)
    rooms.answers["get_lease"] = make_lease
    page = advisor.get("/llamadas").text
    form = page[page.index('hx-post="/llamadas/riesgo/5"') :]
    first = KEY.search(form)
    part = advisor.post("/llamadas/riesgo/5", data={"idempotency_key": first[1]}).text  # type: ignore[index]  # it is there
    second = KEY.search(part)
    assert first is not None
    assert second is not None
    assert first[1] != second[1]
    advisor.post("/api/v1/customers/5/risk-checks", headers={"Idempotency-Key": "k7"})
    keys = [heard.idempotency_key for heard in rooms.heard_of(telemarketing.check_risk)]
    assert keys == [first[1], "k7"]


def test_the_time_left_is_told_and_its_end_too(advisor: Browser, rooms: FakeAsk) -> None:
    headers = {"HX-Request": "true"}
    assert "15 min" in advisor.get(f"/llamadas/{LEASE_ID}/tiempo", headers=headers).text
    rooms.answers["get_lease"] = lambda: None
    part = advisor.get(f"/llamadas/{LEASE_ID}/tiempo", headers=headers).text
    assert "Se terminó la reserva" in part


def test_history_by_what_is_no_number_is_that_of_everybody(
    advisor: Browser, rooms: FakeAsk
) -> None:
    rooms.answers |= {
        "list_calls": lambda **_: Page(items=[]),
        "list_campaigns": lambda **_: Page(items=[]),
    }
    assert advisor.get(f"/llamadas/historial?cliente={'9' * 5000}").status_code == 200


def test_history_takes_filters_as_they_are_typed(advisor: Browser, rooms: FakeAsk) -> None:
    new = NewCall(lease_id=LEASE_ID, result=CallResult.NO_ANSWER)
    rooms.answers |= {
        "list_calls": lambda **_: Page(items=[make_call(new)]),
        "list_campaigns": lambda **_: Page(items=[]),
    }
    page = advisor.get("/llamadas/historial?campana=7&cliente=&asesor=")
    assert page.status_code == 200
    assert "No contesta" in page.text
    [heard] = rooms.heard_of(telemarketing.list_calls)
    assert heard.arguments["campaign_id"] == 7
    assert heard.arguments["customer_id"] is None


def test_the_screen_is_for_those_who_call(client: Browser) -> None:
    client.cookies.set(COOKIE, Role.BACKOFFICE)
    assert client.get("/llamadas").status_code == 403
    assert client.get("/llamadas/historial").status_code == 403


def test_api_next_is_a_lease_or_nothing(advisor: Browser, rooms: FakeAsk) -> None:
    rooms.answers["next_call"] = make_lease
    answer = advisor.post("/api/v1/calls/next")
    assert answer.status_code == 200
    assert answer.json()["lease_id"] == str(LEASE_ID)
    assert answer.json()["customer"]["customer_id"] == 5
    rooms.answers["next_call"] = lambda: None
    empty = advisor.post("/api/v1/calls/next")
    assert (empty.status_code, empty.content) == (204, b"")


def test_api_records_a_call_and_refuses_nonsense(advisor: Browser) -> None:
    made = advisor.post("/api/v1/calls", json={"lease_id": str(LEASE_ID), "result": "busy"})
    assert (made.status_code, made.json()["result"]) == (201, "busy")
    wrong = advisor.post("/api/v1/calls", json={"lease_id": str(LEASE_ID), "result": "tal vez"})
    assert wrong.status_code == 422
    assert wrong.headers["content-type"] == "application/problem+json"


def test_api_lists_callbacks_between_two_moments(advisor: Browser, rooms: FakeAsk) -> None:
    rooms.answers["list_callbacks"] = lambda from_at, to_at, advisor: []
    params = {"from": "2026-11-20T00:00:00-05:00", "to": "2026-11-21T00:00:00-05:00"}
    assert advisor.get("/api/v1/callbacks", params=params).json() == []
    assert advisor.get("/api/v1/callbacks").status_code == 422


def test_api_risk_check_says_the_state(advisor: Browser, rooms: FakeAsk) -> None:
    rooms.answers["check_risk"] = lambda customer_id, purpose: make_check(RiskState.UNAVAILABLE)
    answer = advisor.post("/api/v1/customers/5/risk-checks")
    assert (answer.status_code, answer.json()["state"]) == (200, "unavailable")


def test_timeline_is_asked_for_a_few_entries_only(advisor: Browser, rooms: FakeAsk) -> None:
    advisor.get("/llamadas")
    [heard] = rooms.heard_of(customer_query.list_timeline)
    assert heard.arguments["limit"] == 8
