"""The risk central's page and its loads over the API."""

import re
from typing import Any

import pytest

from services.gateway.session import COOKIE
from shared import clock, files
from shared.contract import Page
from shared.contracts import risk_central
from shared.contracts.identity import Role
from shared.contracts.loads import PreviewRow
from shared.contracts.risk_central import Load, LoadState, RiskReport
from shared.errors import Invalid, NotFound
from tests.unit.gateway.conftest import Browser, FakeAsk

PERSON = RiskReport(
    cedula="1710034065",
    full_name="Mora Vera Rosa",
    category="C1",
    score=520,
    total_debt="1234.50",
    days_overdue=50,
    reported_on="2026-10-31",
    source="Banco",
)
FILE = {"file": ("riesgos.csv", b"cedula\n1710034065\n", "text/csv")}


def make_load(state: LoadState = LoadState.DONE, **changes: Any) -> Load:
    usual = {
        "id": 3,
        "file_name": "riesgos.csv",
        "state": state,
        "read": 10,
        "created": 4,
        "updated": 3,
        "unchanged": 1,
        "rejected": 2,
        "rejected_key": None,
        "error": None,
        "full": False,
        "dry_run": False,
        "removes_most": False,
        "removed": 0,
        "created_by": "admin",
        "created_at": clock.now(),
        "finished_at": None if state is LoadState.RUNNING else clock.now(),
    }
    return Load(**usual | changes)


@pytest.fixture
def bureau(rooms: FakeAsk) -> FakeAsk:
    """One person, one load."""
    rooms.answers |= {
        "find_risks": lambda search, purpose: [PERSON],
        "list_loads": lambda **_: Page(items=[make_load()]),
        "get_load": lambda load_id: make_load(),
        "start_load": lambda new: make_load(LoadState.RUNNING),
    }
    return rooms


@pytest.mark.usefixtures("bureau")
def test_search_shows_the_person(admin: Browser) -> None:
    page = admin.get("/central-de-riesgos?buscar=rosa+mora&finalidad=review").text
    assert "Mora Vera Rosa" in page
    assert "$1.234,50" in page


@pytest.mark.usefixtures("bureau")
@pytest.mark.parametrize("role", [Role.ADVISOR, Role.SUPERVISOR, Role.MARKETING_HEAD])
def test_who_checks_risks_searches_nobody_by_name(
    client: Browser, rooms: FakeAsk, role: Role
) -> None:
    client.cookies.set(COOKIE, role)
    page = client.get("/central-de-riesgos?buscar=rosa&finalidad=sale")
    assert page.status_code == 403
    assert rooms.heard_of(risk_central.find_risks) == []
    assert client.post("/central-de-riesgos/cargas", files=FILE).status_code == 403


@pytest.mark.parametrize("purpose", ["", "&finalidad=curiosidad", "&finalidad="])
def test_a_search_needs_a_lawful_purpose(admin: Browser, bureau: FakeAsk, purpose: str) -> None:
    answer = admin.get(f"/central-de-riesgos?buscar=rosa{purpose}")
    assert answer.status_code == 422
    assert "Mora Vera Rosa" not in answer.text
    assert bureau.heard_of(risk_central.find_risks) == []
    admin.get("/central-de-riesgos?buscar=rosa&finalidad=holder")
    [heard] = bureau.heard_of(risk_central.find_risks)
    assert heard.arguments["purpose"] == "holder"


def test_a_search_that_cannot_be_says_why(admin: Browser, bureau: FakeAsk) -> None:
    def refuse(search: str, purpose: str) -> None:
        raise Invalid.field("search", "La cédula tiene 10 dígitos.")

    bureau.answers["find_risks"] = refuse
    answer = admin.get("/central-de-riesgos?buscar=171&finalidad=review")
    assert answer.status_code == 422
    assert "La cédula tiene 10 dígitos." in answer.text


def test_an_unknown_person_is_told(admin: Browser, bureau: FakeAsk) -> None:
    bureau.answers["find_risks"] = lambda search, purpose: []
    assert (
        "no conoce a esa persona"
        in admin.get("/central-de-riesgos?buscar=nadie&finalidad=holder").text
    )


def test_a_file_is_stored_and_its_load_begun(admin: Browser, bureau: FakeAsk) -> None:
    answer = admin.post("/central-de-riesgos/cargas", files=FILE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/central-de-riesgos/cargas/3")
    [heard] = bureau.heard_of(risk_central.start_load)
    assert heard.arguments["new"]["file_name"] == "riesgos.csv"
    with files.open_key(heard.arguments["new"]["file_key"]) as stored:
        assert stored.read() == FILE["file"][1]


def test_a_repeated_load_is_known_by_its_content(admin: Browser, bureau: FakeAsk) -> None:
    headers = {"Idempotency-Key": "k"}
    for _ in range(2):
        admin.post("/api/v1/risk-loads", files=FILE, headers=headers)
    name, content, kind = FILE["file"]
    admin.post("/api/v1/risk-loads", files={"file": (name, content + b"x", kind)}, headers=headers)
    first, second, other = [
        heard.arguments["new"]["file_key"] for heard in bureau.heard_of(risk_central.start_load)
    ]
    assert first == second != other


@pytest.mark.usefixtures("bureau")
def test_a_file_of_another_kind_is_refused_at_its_field(admin: Browser) -> None:
    wrong = {"file": ("foto.png", b"x", "image/png")}
    answer = admin.post("/central-de-riesgos/cargas", files=wrong)
    assert answer.status_code == 422
    assert "Elija un archivo CSV, TXT o XLSX." in answer.text


def test_progress_asks_again_while_the_load_runs_and_then_leads_to_the_page(
    admin: Browser, bureau: FakeAsk
) -> None:
    bureau.answers["get_load"] = lambda load_id: make_load(LoadState.RUNNING)
    assert 'data-live="load:3"' in admin.get("/central-de-riesgos/cargas/3").text
    bureau.answers["get_load"] = lambda load_id: make_load()
    part = admin.get("/central-de-riesgos/cargas/3/avance", headers={"HX-Request": "true"})
    assert part.headers["HX-Redirect"] == "/central-de-riesgos/cargas/3"
    page = admin.get("/central-de-riesgos/cargas/3").text
    assert "10 leídas = 4 nuevas + 3 actualizadas + 1 sin cambios + 2 rechazadas." in page


def test_rejected_rows_come_as_a_file(admin: Browser, bureau: FakeAsk) -> None:
    with files.create(key := files.new_key(".csv")) as target:
        target.write(b"cedula,motivo\n1,mal\n")
    bureau.answers["get_load"] = lambda load_id: make_load(rejected_key=key)
    page = admin.get("/central-de-riesgos/cargas/3/rechazadas")
    assert page.text == "cedula,motivo\n1,mal\n"
    assert admin.get("/api/v1/risk-loads/3/rejected").text == page.text


def test_a_load_that_failed_says_why_and_is_gone_on_with(admin: Browser, bureau: FakeAsk) -> None:
    failed = make_load(LoadState.FAILED, error="Un servidor no respondió.")
    bureau.answers |= {
        "get_load": lambda load_id: failed,
        "rerun_load": lambda load_id, removes_most: failed,
    }
    page = admin.get("/central-de-riesgos/cargas/3").text
    assert "La carga no terminó" in page
    assert "Un servidor no respondió." in page
    assert 'action="/central-de-riesgos/cargas/3/repetir"' in page
    answer = admin.post("/central-de-riesgos/cargas/3/repetir")
    assert (answer.status_code, answer.headers["location"]) == (303, "/central-de-riesgos/cargas/3")
    again = admin.post("/api/v1/risk-loads/3/rerun")
    assert (again.status_code, again.json()["id"]) == (202, 3)
    assert "rejected_key" not in again.json()
    assert len(bureau.heard_of(risk_central.rerun_load)) == 2


def test_a_file_that_cannot_be_read_is_read_again_not_gone_on_with(
    admin: Browser, bureau: FakeAsk
) -> None:
    failed = make_load(LoadState.FAILED, read=0, error="Falta la columna.")
    bureau.answers["get_load"] = lambda load_id: failed
    page = admin.get("/central-de-riesgos/cargas/3").text
    assert "Leer otra vez" in page
    assert "Continuar la carga" not in page


def test_nobody_is_offered_what_can_never_work(admin: Browser, bureau: FakeAsk) -> None:
    failed = make_load(LoadState.FAILED, error="El archivo está dañado.", unreadable=True)
    bureau.answers["get_load"] = lambda load_id: failed
    page = admin.get("/central-de-riesgos/cargas/3").text
    assert "El archivo está dañado." in page
    assert "Otro archivo" in page
    assert "/repetir" not in page


def test_a_full_file_that_would_remove_most_is_read_again_with_leave_to_do_so(
    admin: Browser, bureau: FakeAsk
) -> None:
    failed = make_load(LoadState.FAILED, full=True, error="Quitaría a 6 de 10 personas.")
    bureau.answers |= {
        "get_load": lambda load_id: failed,
        "rerun_load": lambda load_id, removes_most: failed,
    }
    assert 'name="removes_most"' in admin.get("/central-de-riesgos/cargas/3").text
    admin.post("/central-de-riesgos/cargas/3/repetir", data={"removes_most": "true"})
    [heard] = bureau.heard_of(risk_central.rerun_load)
    assert heard.arguments == {"load_id": 3, "removes_most": True}


def test_what_was_only_tried_is_loaded_by_one_click(admin: Browser, bureau: FakeAsk) -> None:
    bureau.answers |= {
        "get_load": lambda load_id: make_load(dry_run=True),
        "rerun_load": lambda load_id, removes_most: make_load(id=4),
    }
    assert "Cargar de verdad" in admin.get("/central-de-riesgos/cargas/3").text
    answer = admin.post("/central-de-riesgos/cargas/3/repetir")
    assert answer.headers["location"] == "/central-de-riesgos/cargas/4"


def test_a_dry_run_says_what_would_be_and_a_file_without_rows_that_it_has_none(
    admin: Browser, bureau: FakeAsk
) -> None:
    bureau.answers["get_load"] = lambda load_id: make_load(dry_run=True)
    page = admin.get("/central-de-riesgos/cargas/3").text
    assert "4 por crear + 3 por actualizar" in page
    assert "El archivo no tiene filas" not in page
    counts = ("read", "created", "updated", "unchanged", "rejected")
    nothing: dict[str, Any] = dict.fromkeys(counts, 0)
    bureau.answers["get_load"] = lambda load_id: make_load(**nothing)
    assert "El archivo no tiene filas" in admin.get("/central-de-riesgos/cargas/3").text


@pytest.mark.usefixtures("bureau")
def test_a_load_that_is_done_is_not_offered_again(admin: Browser) -> None:
    assert "repetir" not in admin.get("/central-de-riesgos/cargas/3").text


def test_only_who_loads_goes_on_with_a_load(client: Browser) -> None:
    client.cookies.set(COOKIE, Role.ADVISOR)
    assert client.post("/central-de-riesgos/cargas/3/repetir").status_code == 403
    assert client.post("/api/v1/risk-loads/3/rerun").status_code == 403


@pytest.mark.usefixtures("bureau")
def test_api_loads_a_file_and_tells_its_counts(admin: Browser) -> None:
    begun = admin.post("/api/v1/risk-loads", files=FILE)
    assert (begun.status_code, begun.json()["state"]) == (202, "running")
    found = admin.get("/api/v1/risk-loads/3").json()
    assert (found["read"], found["created"], found["rejected"]) == (10, 4, 2)
    assert "rejected_key" not in found
    assert admin.get("/api/v1/risk-loads").json()["items"][0]["id"] == 3


def test_api_does_not_know_another_load(admin: Browser, bureau: FakeAsk) -> None:
    def refuse(load_id: int) -> None:
        raise NotFound("La carga no existe.")

    bureau.answers["get_load"] = refuse
    assert admin.get("/api/v1/risk-loads/9").status_code == 404


# --- full, tried, held, cancelled ---


def test_a_full_file_is_said_to_be_one(admin: Browser, bureau: FakeAsk) -> None:
    data = {"full": "true", "hold": "true", "dry_run": "false"}
    assert admin.post("/central-de-riesgos/cargas", files=FILE, data=data).status_code == 303
    assert admin.post("/api/v1/risk-loads", files=FILE, data=data).status_code == 202
    told = [heard.arguments["new"] for heard in bureau.heard_of(risk_central.start_load)]
    assert len(told) == 2
    for new in told:
        assert (new["full"], new["hold"], new["dry_run"]) == (True, True, False)


def test_who_is_removed_is_told(admin: Browser, bureau: FakeAsk) -> None:
    bureau.answers["get_load"] = lambda load_id: make_load(full=True, removed=1234)
    assert "Se eliminaron 1.234 personas" in admin.get("/central-de-riesgos/cargas/3").text
    tried = make_load(full=True, removed=1234, dry_run=True)
    bureau.answers["get_load"] = lambda load_id: tried
    page = admin.get("/central-de-riesgos/cargas/3").text
    assert "Se eliminarían 1.234 personas" in page
    assert "solo prueba" in page
    bureau.answers["get_load"] = lambda load_id: make_load()
    assert "personas que no están" not in admin.get("/central-de-riesgos/cargas/3").text


def test_a_held_file_shows_its_rows_and_goes_on(admin: Browser, bureau: FakeAsk) -> None:
    held = make_load(LoadState.HELD, finished_at=None, dry_run=True)
    row = PreviewRow(line=2, values={"full_name": "A<b"}, reason="score: No es un número.")
    bureau.answers |= {
        "get_load": lambda load_id: held,
        "preview_load": lambda load_id: risk_central.LoadPreview(columns=["a"], rows=[row]),
        "resume_load": lambda load_id, dry_run, removes_most, hold=False: held,
        "cancel_load": lambda load_id: held,
    }
    page = admin.get("/central-de-riesgos/cargas/3").text
    assert "A&lt;b" in page
    assert "score: No es un número." in page
    assert re.search(r'name="dry_run" value="true" checked', page)
    there = "/central-de-riesgos/cargas/3"
    answer = admin.post(f"{there}/leer", data={"dry_run": "true"})
    assert (answer.status_code, answer.headers["location"]) == (303, there)
    [heard] = bureau.heard_of(risk_central.resume_load)
    assert heard.arguments == {"load_id": 3, "dry_run": True, "removes_most": False}
    assert admin.post(f"{there}/cancelar").status_code == 303
    assert len(bureau.heard_of(risk_central.cancel_load)) == 1


@pytest.mark.usefixtures("bureau")
def test_only_who_loads_goes_on_or_cancels(client: Browser) -> None:
    client.cookies.set(COOKIE, Role.ADVISOR)
    for action in ("leer", "cancelar"):
        assert client.post(f"/central-de-riesgos/cargas/3/{action}").status_code == 403
    for action in ("resume", "cancel"):
        assert client.post(f"/api/v1/risk-loads/3/{action}").status_code == 403
