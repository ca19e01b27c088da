"""Runs through pages and API; unsubscription; the demo's mail."""

import csv
import io
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from services.gateway.session import COOKIE
from shared.contract import Page
from shared.contracts.campaign import Audience, AudienceState, Campaign, Member, Phase
from shared.contracts.customer_query import Channel
from shared.contracts.identity import Role
from shared.contracts.mailer import (
    Mailing,
    MonthlyOutcome,
    MonthlySchedule,
    Recipient,
    RecipientState,
    Subscription,
)
from shared.errors import Conflict, NotFound
from shared.settings import settings
from tests.unit.gateway.conftest import Browser, FakeAsk, Heard
from tests.unit.gateway.test_assignment import make_row
from tests.unit.gateway.test_design import make_design

MOMENT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def heard(rooms: FakeAsk, name: str) -> list[Heard]:
    return [call for call in rooms.heard if call.name == name]


def make_mailing(**changes: Any) -> Mailing:
    usual: dict[str, Any] = dict.fromkeys(Mailing.model_fields)
    usual |= {
        "id": 4,
        "campaign_id": 7,
        "campaign_name": "Fibra",
        "kind": "on_demand",
        "design_id": 3,
        "design_name": "Oferta",
        "subject": "Hola",
        "state": "sending",
        "target": 13,
        "pending": 4,
        "sending": 1,
        "sent": 2,
        "failed": 1,
        "skipped": {"no_consent": 1},
        "doubtful": 1,
        "cancelled": 3,
        "per_second": 2.0,
        "seconds_left": 3,
        "created_by": "jefe",
        "created_at": MOMENT,
    }
    return Mailing.model_validate(usual | changes)


def make_campaign(**changes: Any) -> Campaign:
    audience: dict[str, Any] = dict.fromkeys(Audience.model_fields)
    audience |= {"state": AudienceState.READY, "transferred": 100, "control": 10}
    audience |= {
        "reachable_mail": 80,
        "reachable_phone": 5,
        "blocked_mail": {},
        "blocked_phone": {},
    }
    usual: dict[str, Any] = dict.fromkeys(Campaign.model_fields, "")
    usual |= {
        "id": 7,
        "name": "Fibra",
        "channels": [Channel.MAIL],
        "definition": {"all": []},
        "budget": 1,
        "expected_revenue": 1,
        "starts_on": None,
        "ends_on": None,
        "control_share": 0.1,
        "design_id": 3,
        "phase": Phase.EXECUTING,
        "next_phases": [],
        "created_at": MOMENT,
        "version": 1,
        "audience": audience,
    }
    return Campaign.model_validate(usual | changes)


def make_recipient(customer_id: int = 1, **changes: Any) -> Recipient:
    usual = {
        "customer_id": customer_id,
        "full_name": "Ana Mora",
        "email": "ana@correo.example",
        "state": RecipientState.SKIPPED,
        "reason": "no_consent",
        "at": MOMENT,
    }
    return Recipient.model_validate(usual | changes)


@pytest.fixture
def chief(client: Browser, rooms: FakeAsk) -> Browser:
    """A marketing head with a run that sends."""
    client.cookies.set(COOKIE, Role.MARKETING_HEAD)
    rooms.answers |= {
        "list_mailings": lambda **_: Page(items=[make_mailing()]),
        "get_mailing": lambda mailing_id: make_mailing(id=mailing_id),
        "list_recipients": lambda **_: Page(items=[make_recipient()]),
        "export_recipients": lambda **_: Page(items=[make_recipient()]),
        "list_designs": lambda **_: Page(items=[make_design()]),
        "list_campaigns": lambda **_: Page(items=[make_row(channels=[Channel.MAIL])]),
        "get_campaign": lambda campaign_id: make_campaign(id=campaign_id),
        "create_mailing": lambda new: make_mailing(campaign_id=new.campaign_id),
        "get_monthly_schedule": lambda: MonthlySchedule(day=5, hour=9, campaign_ids=[8]),
        "set_monthly_schedule": lambda schedule: schedule,
        "run_monthly": lambda month: [outcome(7), outcome(8, started=False)],
    }
    for action in ("pause", "resume", "cancel"):
        rooms.answers[f"{action}_mailing"] = lambda mailing_id: make_mailing(id=mailing_id)
    rooms.answers["retry_mailing"] = lambda mailing_id, include_doubtful: make_mailing()
    return client


def outcome(campaign_id: int, *, started: bool = True) -> MonthlyOutcome:
    return MonthlyOutcome(
        campaign_id=campaign_id, campaign_name="Fibra", mailing_id=4, started=started
    )


def test_the_list_shows_runs(chief: Browser) -> None:
    page = chief.get("/envios").text
    assert "Fibra" in page
    assert "Enviando" in page


def test_a_run_shows_its_counts_rate_and_actions(chief: Browser) -> None:
    page = chief.get("/envios/4").text
    for state, count in (
        ("target", 13),
        ("cancelled", 3),
        ("pending", 4),
        ("sent", 2),
        ("doubtful", 1),
    ):
        assert f'data-count="{state}">{count}<' in page
    assert "faltan 3 s" in page
    assert "Pausar" in page
    assert "Reanudar" not in page
    assert 'data-live="mailing:4" hx-get="/envios/4/avance?visto=sending"' in page


def test_the_part_that_moves_has_the_rest_loaded_anew_when_the_state_is_another(
    chief: Browser, rooms: FakeAsk
) -> None:
    same = chief.get("/envios/4/avance?visto=sending")
    assert "/envios/4/recargar" not in same.text
    assert "<html" not in same.text
    assert "/envios/4/recargar" in chief.get("/envios/4/avance?visto=paused").text


def test_the_cancelled_of_a_run_are_told_apart_from_the_skipped(
    chief: Browser, rooms: FakeAsk
) -> None:
    rooms.answers["get_mailing"] = lambda mailing_id: make_mailing(
        state="cancelled", failed=0, doubtful=0
    )
    row = make_recipient(state=RecipientState.CANCELLED, reason=None)
    rooms.answers["list_recipients"] = lambda **_: Page(items=[row])
    rooms.answers["export_recipients"] = rooms.answers["list_recipients"]
    page = chief.get("/envios/4").text
    assert heard(rooms, "list_recipients")[-1].arguments["state"] == "cancelled"
    assert page.count("Cancelado<") >= 3  # the run, its count, the person
    assert "Cancelada" not in page
    table = chief.get("/envios/4/destinatarios.csv?estado=cancelled").text
    assert ";Cancelado;" in table


def test_the_file_of_who_did_not_get_it_holds_every_such_state(
    chief: Browser, rooms: FakeAsk
) -> None:
    chief.get("/envios/4/destinatarios.csv")
    asked = [call.arguments["state"] for call in heard(rooms, "export_recipients")]
    assert asked == ["failed", "doubtful", "skipped", "cancelled"]


def test_a_run_that_could_not_be_prepared_says_why_and_is_prepared_anew(
    chief: Browser, rooms: FakeAsk
) -> None:
    rooms.answers["get_mailing"] = lambda mailing_id: make_mailing(
        state="failed", error="No hay público."
    )
    page = chief.get("/envios/4").text
    assert "No hay público." in page
    assert "Preparar de nuevo" in page
    assert "Cancelar envío" not in page
    assert chief.post("/envios/4/reintentar").status_code == 303


def test_a_half_cancelled_run_is_cancelled_again(chief: Browser, rooms: FakeAsk) -> None:
    for error, offered in (("No se terminó de cancelar.", True), (None, False)):
        rooms.answers["get_mailing"] = lambda mailing_id, error=error: make_mailing(
            state="cancelled", error=error
        )
        assert ("Cancelar envío" in chief.get("/envios/4").text) is offered


def test_the_schedule_says_why_the_last_one_could_not_begin(chief: Browser, rooms: FakeAsk) -> None:
    rooms.answers["get_monthly_schedule"] = lambda: MonthlySchedule(
        day=5, hour=9, campaign_ids=[8], error="El servidor no respondió."
    )
    assert "no pudo comenzar: El servidor no respondió." in chief.get("/envios/mensual").text


def test_who_may_only_read_sees_no_buttons(chief: Browser, rooms: FakeAsk) -> None:
    chief.cookies.set(COOKIE, Role.SUPERVISOR)
    answer = chief.get("/envios/4")
    if answer.status_code == 200:
        assert "Pausar" not in answer.text
    assert chief.post("/envios/4/pausar").status_code == 403


def test_the_form_names_the_number_of_people_before_it_sends(chief: Browser) -> None:
    page = chief.get("/envios/nuevo?campana=7").text
    assert 'data-confirm="¿Enviar a 80 personas?"' in page


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"phase": Phase.DRAFT}, "no está en ejecución"),
        ({"channels": [Channel.PHONE]}, "no usa el correo"),
    ],
)
def test_a_campaign_that_cannot_be_mailed_says_why(
    chief: Browser, rooms: FakeAsk, changes: dict[str, Any], told: str
) -> None:
    rooms.answers["get_campaign"] = lambda campaign_id: make_campaign(**changes)
    page = chief.get("/envios/nuevo?campana=7").text
    assert told in page
    assert 'id="new-mailing"' not in page


def test_a_run_is_created_with_the_forms_key(chief: Browser, rooms: FakeAsk) -> None:
    form = {"subject": "Hola", "send_at": "2026-12-01T09:30", "idempotency_key": "clic"}
    answer = chief.post("/envios/nuevo?campana=7", data=form)
    assert answer.headers["location"] == "/envios/4"
    (found,) = heard(rooms, "create_mailing")
    assert found.idempotency_key == "clic"
    assert found.arguments["new"]["send_at"] == "2026-12-01T09:30:00-05:00"
    assert found.arguments["new"]["customer_ids"] is None


def test_a_part_is_named_by_cedulas(chief: Browser, rooms: FakeAsk) -> None:
    rooms.answers["list_members"] = find_member
    chief.post("/envios/nuevo?campana=7", data={"cedulas": "1710034065,\n 0102030405"})
    (found,) = heard(rooms, "create_mailing")
    assert found.arguments["new"]["customer_ids"] == [5, 6]


def test_cedulas_that_are_not_in_the_audience_are_told(chief: Browser, rooms: FakeAsk) -> None:
    rooms.answers["list_members"] = find_member
    answer = chief.post("/envios/nuevo?campana=7", data={"cedulas": "1710034065 999"})
    assert 'id="error-cedulas">No están en el público de la campaña: 999.' in answer.text
    assert heard(rooms, "create_mailing") == []


def find_member(search: str, **_: Any) -> Page[Member]:
    known = {"1710034065": 5, "0102030405": 6}
    row: dict[str, Any] = dict.fromkeys(Member.model_fields) | {"masked": []}
    row |= {"cedula": search, "full_name": "Ana", "control": False}
    found = known.get(search)
    return Page(items=[Member(**row | {"customer_id": found})] if found else [])


@pytest.mark.parametrize(
    "typed", [{"design_id": "9" * 30}, {"design_id": "0"}, {"subject": "Hola\nBcc: a@b.ec"}]
)
def test_what_the_room_would_not_take_is_told_at_its_field(
    chief: Browser, typed: dict[str, str]
) -> None:
    answer = chief.post("/envios/nuevo?campana=7", data=typed)
    assert answer.status_code == 422
    assert f'id="error-{next(iter(typed))}"' in answer.text


def test_a_conflict_keeps_what_was_typed(chief: Browser, rooms: FakeAsk) -> None:
    def refuse(new: Any) -> Mailing:
        raise Conflict("La campaña no está en ejecución.")

    rooms.answers["create_mailing"] = refuse
    answer = chief.post("/envios/nuevo?campana=7", data={"subject": "Mi asunto"})
    assert answer.status_code == 409
    assert "La campaña no está en ejecución." in answer.text
    assert 'value="Mi asunto"' in answer.text


@pytest.mark.parametrize(
    ("path", "procedure"),
    [("pausar", "pause"), ("reanudar", "resume"), ("cancelar", "cancel"), ("reintentar", "retry")],
)
def test_actions_of_a_run(chief: Browser, rooms: FakeAsk, path: str, procedure: str) -> None:
    answer = chief.post(f"/envios/4/{path}", data={"include_doubtful": "true"})
    assert answer.headers["location"] == "/envios/4"
    (found,) = heard(rooms, f"{procedure}_mailing")
    assert found.arguments["mailing_id"] == 4
    assert found.arguments.get("include_doubtful", True) is True


def test_the_download_has_all_pages_of_those_who_got_nothing(
    chief: Browser, rooms: FakeAsk
) -> None:
    def listed(state: RecipientState, after: str | None, **_: Any) -> Page[Recipient]:
        if state is not RecipientState.FAILED:
            return Page(items=[])
        if after is None:
            return Page(items=[make_recipient(1, state=state, reason="=1+1")], next="1")
        return Page(items=[make_recipient(2, state=state)])

    rooms.answers["export_recipients"] = listed
    answer = chief.get("/envios/4/destinatarios.csv")
    rows = list(csv.reader(answer.content.decode("utf-8-sig").splitlines(), delimiter=";"))
    assert rows[0][:3] == ["cliente", "nombre", "correo"]
    assert [(row[0], row[3], row[4]) for row in rows[1:]] == [
        ("1", "Fallido", "'=1+1"),
        ("2", "Fallido", "Sin consentimiento"),
    ]


@pytest.mark.parametrize("odd", ["x", "5.", "²", "9" * 5000, "-1", "9" * 19, "\0"])
def test_a_monthly_campaign_that_is_none_is_refused_at_its_field(
    chief: Browser, rooms: FakeAsk, odd: str
) -> None:
    def missing(campaign_id: int) -> Campaign:
        raise NotFound("La campaña no existe.")

    rooms.answers["get_campaign"] = missing
    form = {"day": "5", "hour": "9", "version": "1", "campaign_ids": odd}
    assert chief.post("/envios/mensual", data=form).status_code == 422


def test_the_same_download_as_a_workbook_says_of_which_people_and_for_whom(
    chief: Browser, rooms: FakeAsk
) -> None:
    rooms.answers["export_recipients"] = lambda **_: Page(items=[make_recipient(7)])
    answer = chief.get("/envios/4/destinatarios.csv?estado=skipped&formato=xlsx")
    assert "envio-4-skipped.xlsx" in answer.headers["content-disposition"]
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    people = book.get_sheet_by_name("Datos").to_python()
    assert [row[0] for row in people] == ["cliente", 7]
    rows = book.get_sheet_by_name("Acerca de").to_python()
    about = {str(name): value for name, value in rows}
    assert (about["Estado"], about["Filas"]) == ("Omitidos", "1")
    assert about["Hecho por"] == "Rosa Quishpe"


def test_the_monthly_page_keeps_a_chosen_campaign_that_does_not_execute(
    chief: Browser, rooms: FakeAsk
) -> None:
    rooms.answers["get_campaign"] = lambda campaign_id: make_campaign(
        id=campaign_id, name="Vieja", phase=Phase.PAUSED
    )
    page = chief.get("/envios/mensual").text
    assert "Vieja (pausada)" in page


def test_the_monthly_schedule_is_saved_and_run(chief: Browser, rooms: FakeAsk) -> None:
    form = {"day": "3", "hour": "8", "campaign_ids": ["", "7"]}
    assert chief.post("/envios/mensual", data=form).status_code == 303
    (found,) = heard(rooms, "set_monthly_schedule")
    assert found.arguments["schedule"] == {"day": 3, "hour": 8, "campaign_ids": [7]}
    answer = chief.post("/envios/mensual/ejecutar")
    assert "Comenzaron%201" in answer.headers["set-cookie"]


def test_a_day_that_no_month_has_is_refused_at_its_field(chief: Browser) -> None:
    answer = chief.post("/envios/mensual", data={"day": "32", "hour": "8", "campaign_ids": ""})
    assert 'id="error-day">Debe ser 31 o menos.' in answer.text


def test_the_same_design_to_the_same_people_is_asked_about(chief: Browser, rooms: FakeAsk) -> None:
    def once(new: Any) -> Mailing:
        if not new.again:
            raise Conflict("Este diseño ya se envía: jefe comenzó el envío 4 a las 10:00.")
        return make_mailing(campaign_id=new.campaign_id)

    rooms.answers["create_mailing"] = once
    answer = chief.post("/envios/nuevo?campana=7", data={"subject": "Mi asunto"})
    assert answer.status_code == 409
    assert "jefe comenzó el envío 4" in answer.text
    assert 'name="again"' in answer.text
    assert 'name="again"' not in chief.get("/envios/nuevo?campana=7").text
    sent = chief.post("/envios/nuevo?campana=7", data={"subject": "Mi asunto", "again": "true"})
    assert sent.status_code == 303


def test_a_servers_words_are_marked_as_its_own(chief: Browser, rooms: FakeAsk) -> None:
    row = make_recipient(state=RecipientState.FAILED, reason="550 5.1.1 no such user")
    rooms.answers["list_recipients"] = lambda **_: Page(items=[row])
    page = chief.get("/envios/4?estado=failed").text
    assert "El servidor respondió: «550 5.1.1 no such user»." in page


def test_the_live_part_says_when_the_page_is_out_of_date(chief: Browser) -> None:
    assert chief.get("/envios/4/recargar").headers["HX-Refresh"] == "true"


# --- API ---


def test_the_api_creates_runs_once_per_key(chief: Browser, rooms: FakeAsk) -> None:
    body = {"campaign_id": 7, "design_id": 3, "subject": "Hola", "send_at": None}
    answer = chief.post("/api/v1/mailings", json=body, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 202
    shown = answer.json()
    states = ("pending", "sending", "sent", "failed", "doubtful", "cancelled")
    assert shown["target"] == sum(shown[state] for state in states) + sum(shown["skipped"].values())
    assert rooms.heard[-1].idempotency_key == "k"


@pytest.mark.parametrize("action", ["pause", "resume", "cancel", "retry"])
def test_the_apis_actions(chief: Browser, action: str) -> None:
    assert chief.post(f"/api/v1/mailings/4/{action}").json()["id"] == 4


def test_the_api_reads_runs_and_recipients(chief: Browser, rooms: FakeAsk) -> None:
    assert chief.get("/api/v1/mailings/4").json()["state"] == "sending"
    assert chief.get("/api/v1/mailings?campaign_id=7").json()["items"][0]["id"] == 4
    answer = chief.get("/api/v1/mailings/4/recipients?state=skipped&limit=1")
    assert answer.json()["items"][0]["reason"] == "no_consent"
    assert rooms.heard[-1].arguments["state"] == "skipped"
    assert chief.get("/api/v1/mailings/4/recipients?state=x").status_code == 422


@pytest.mark.parametrize("body", [None, {"month": None}])
def test_the_apis_monthly_run(chief: Browser, rooms: FakeAsk, body: Any) -> None:
    answer = chief.post("/api/v1/mailings/monthly", json=body)
    assert [item["started"] for item in answer.json()] == [True, False]
    schedule = chief.get("/api/v1/mailings/monthly/schedule").json()
    assert chief.ask("PUT", "/api/v1/mailings/monthly/schedule", json=schedule).json() == schedule


# --- unsubscription ---


@pytest.fixture
def public(client: Browser, rooms: FakeAsk) -> Browser:
    """Somebody with a mail, not logged in."""
    rooms.answers |= {
        "get_subscription": lambda token: subscription(token, unsubscribed=False),
        "unsubscribe": lambda token: subscription(token, unsubscribed=True),
    }
    return client


def subscription(token: str, *, unsubscribed: bool) -> Subscription:
    if token != "bueno":
        raise NotFound("Este enlace no es válido.")
    return Subscription(
        email="a…@correo.example", campaign_name="Fibra", unsubscribed=unsubscribed, test=False
    )


def test_opening_the_link_only_asks(public: Browser, rooms: FakeAsk) -> None:
    page = public.get("/baja/bueno")
    assert "a…@correo.example" in page.text
    assert "Darme de baja" in page.text
    assert heard(rooms, "unsubscribe") == []


def test_the_button_and_a_mailbox_providers_one_click_act(public: Browser) -> None:
    assert "usted se dio de baja" in public.post("/baja/bueno").text
    del public.headers["Origin"]
    body = {"List-Unsubscribe": "One-Click"}
    assert public.post("/baja/bueno", data=body).status_code == 200


def test_a_wrong_link_is_not_found(public: Browser) -> None:
    assert public.get("/baja/malo").status_code == 404
    assert public.post("/baja/malo").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://correo.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://correo.example"},
        {"Cookie": f"{COOKIE}=marketing_head", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_one_click_works_from_anywhere_and_other_forms_do_not(
    public: Browser, rooms: FakeAsk, headers: dict[str, str]
) -> None:
    body = {"List-Unsubscribe": "One-Click"}
    assert public.post("/baja/bueno", data=body, headers=headers).status_code == 200
    assert heard(rooms, "unsubscribe")
    if headers:
        assert public.post("/envios/4/cancelar", headers=headers).status_code == 403


def test_head_answers_and_unsubscribes_nobody(public: Browser, rooms: FakeAsk) -> None:
    answer = public.ask("HEAD", "/baja/bueno")
    assert (answer.status_code, answer.content) == (200, b"")
    assert heard(rooms, "unsubscribe") == []


# --- the demo's mail ---


@pytest.fixture
def maildir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixty messages, the first of them with HTML."""
    folder = tmp_path / "mail" / "new"
    folder.mkdir(parents=True)
    for number in range(60):
        message = EmailMessage()
        message["To"] = "Ñusta <n@correo.example>"
        message["Subject"] = f"Ñandú {number}"
        message.set_content("texto")
        message.add_alternative("<html><head></head><body>hola</body></html>", subtype="html")
        name = f"{1_790_000_000_000_000_000 + number}.7_{number}.pregon"
        (folder / name).write_bytes(bytes(message))
    monkeypatch.setenv("PREGON_MAIL_CATCHER_DIR", str(folder.parent))
    settings.cache_clear()
    return folder


def test_the_demos_mail_is_listed_newest_first_and_paged(chief: Browser, maildir: Path) -> None:
    page = chief.get("/correo-demo").text
    assert page.index("Ñandú 59") < page.index("Ñandú 58")
    assert "Ñandú 9<" not in page
    after = sorted(path.name for path in maildir.iterdir())[10]
    assert "Ñandú 9<" in chief.get(f"/correo-demo?desde={after}").text


def test_a_message_is_shown_with_its_html_in_a_frame(chief: Browser, maildir: Path) -> None:
    name = sorted(path.name for path in maildir.iterdir())[0]
    page = chief.get(f"/correo-demo/{name}").text
    assert "Ñusta" in page
    assert f'src="/correo-demo/{name}/html"' in page
    answer = chief.get(f"/correo-demo/{name}/html")
    assert "hola" in answer.text
    assert "allow-scripts" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["x", "1790000000000000999.7_1.pregon"])
def test_only_messages_of_the_maildir_are_shown(chief: Browser, maildir: Path, name: str) -> None:
    assert chief.get(f"/correo-demo/{name}").status_code in (307, 404)


def test_without_a_catch_all_there_is_no_such_page(
    chief: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREGON_MAIL_CATCHER_DIR", "")
    settings.cache_clear()
    assert chief.get("/correo-demo").status_code == 404
