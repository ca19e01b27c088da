"""Customers and customer files: pages and API over rooms that answer from the test."""

import io
import json
import re
from datetime import date
from typing import Any

import pytest

from services.gateway.session import COOKIE
from shared import clock, files
from shared.contract import Page
from shared.contracts import customer_query as contract
from shared.contracts.audit import list_viewers, record_export
from shared.contracts.customer_query import (
    Category,
    Customer,
    CustomerChange,
    CustomerRow,
    Import,
    ImportState,
    NewCustomer,
    NewImport,
    PersonalData,
    TimelineEntry,
)
from shared.contracts.identity import Role
from shared.contracts.loads import PreviewRow
from shared.errors import Conflict, Invalid, NotFound
from tests.unit.gateway.conftest import Browser, FakeAsk

ANA = Customer(
    id=5,
    cedula="1710034065",
    first_names="Ana <b>",
    last_names="Mora",
    gender=contract.Gender.FEMALE,
    birth_on=date(1990, 5, 14),
    income=None,
    province="17",
    canton="1701",
    address=None,
    email="ana@correo.example",
    phone=None,
    other_phones=[],
    joined_on=date(2010, 1, 1),
    category=Category.LOYAL,
    category_reason=None,
    preferred_channel=None,
    preferred_hours=None,
    consent_mail=True,
    consent_phone=False,
    do_not_mail=False,
    do_not_call=False,
    mail_bounced=False,
    last_contact_at=None,
    erased=False,
    updated_at=clock.now(),
    version=4,
)
ROW = CustomerRow(
    id=5,
    cedula="1710034065",
    full_name="Ana <b> Mora",
    province="17",
    canton="1701",
    category=Category.LOYAL,
    email=None,
    phone=None,
)
ENTRY = TimelineEntry(at=clock.now(), kind="call", title="Llamada", detail="", by="asesor1")


def make_import(**changes: Any) -> Import:
    usual = {
        "id": 3,
        "file_name": "clientes.csv",
        "dry_run": False,
        "state": ImportState.DONE,
        "read": 10,
        "created": 7,
        "updated": 1,
        "unchanged": 0,
        "rejected": 2,
        "percent": 100,
        "columns": ["cedula", "nombres", "apellidos"],
        "mapping": {"cedula": "cedula"},
        "rejected_key": None,
        "error": None,
        "created_by": "jefe",
        "created_at": clock.now(),
        "finished_at": clock.now(),
    }
    return Import(**usual | changes)


@pytest.fixture
def head(client: Browser, rooms: FakeAsk) -> Browser:
    """The marketing head, and a room that knows Ana."""
    rooms.answers |= {
        "list_customers": lambda **_: Page(items=[ROW], next="5|mora"),
        "get_customer": lambda customer_id: ANA,
        "reveal_customer": lambda customer_id, fields: contract.Revealed(
            **{field: getattr(ANA, field) for field in fields}
        ),
        "list_timeline": lambda customer_id, after, limit: Page(items=[ENTRY]),
        "get_personal_data": lambda customer_id: PersonalData(
            customer=ANA,
            consents=[
                {
                    "channel": "mail",
                    "given": True,
                    "how": "importación",
                    "by": None,
                    "at": "2026-01-01T00:00:00+00:00",
                }
            ],
            timeline=[ENTRY],
            campaigns=[7],
        ),
        "get_import": lambda import_id: make_import(),
        "list_imports": lambda after, limit: Page(items=[make_import()]),
        "start_import": lambda new: make_import(state=ImportState.WAITING, finished_at=None),
    }
    client.cookies.set(COOKIE, Role.MARKETING_HEAD)
    return client


@pytest.mark.parametrize(
    "address",
    [
        "/clientes",
        "/clientes/5",
        "/clientes/5/editar",
        "/clientes/5/datos-personales",
        "/clientes/nuevo",
        "/clientes/importar",
        "/clientes/importaciones",
        "/clientes/importaciones/3",
    ],
)
def test_each_page_shows_itself_and_no_markup_of_a_name(head: Browser, address: str) -> None:
    page = head.get(address)
    assert page.status_code == 200
    assert "Ana <b>" not in page.text


@pytest.mark.parametrize(
    "address", ["/clientes/nuevo", "/clientes/5/editar", "/clientes/importar", "/segmentos"]
)
def test_an_advisor_may_look_and_no_more(head: Browser, address: str) -> None:
    head.cookies.set(COOKIE, Role.ADVISOR)
    assert head.get(address).status_code == 403
    page = head.get("/clientes")
    assert page.status_code == 200
    assert "/clientes/importar" not in page.text


def test_all_that_is_held_on_a_person_has_who_saw_it_for_who_may(
    head: Browser, rooms: FakeAsk
) -> None:
    assert head.get("/api/v1/customers/5/personal-data").json()["viewers"] == []
    assert "Quién vio estos datos" in head.get("/clientes/5/datos-personales").text
    head.get("/clientes/5/datos-personales.json")
    [taken] = rooms.heard_of(record_export)
    assert taken.arguments == {"kind": "customer", "object_id": "5"}
    head.cookies.set(COOKIE, Role.ADVISOR)
    assert head.get("/api/v1/customers/5/personal-data").json()["viewers"] is None
    assert len(rooms.heard_of(list_viewers)) == 3


def test_the_list_passes_what_is_searched_for(head: Browser, rooms: FakeAsk) -> None:
    head.get("/clientes?buscar=+mora+&provincia=17&categoria=loyal&desde=x")
    [heard] = rooms.heard_of(contract.list_customers)
    assert heard.arguments == {
        "search": "mora",
        "province": "17",
        "category": "loyal",
        "after": "x",
    }
    assert head.get("/clientes?categoria=vip").status_code == 200


def test_emptied_fields_are_emptied_and_others_kept(head: Browser, rooms: FakeAsk) -> None:
    changes: list[CustomerChange] = []

    def update(customer_id: int, change: CustomerChange) -> Customer:
        changes.append(change)
        return ANA

    rooms.answers["update_customer"] = update
    form = {"first_names": "Eva", "income": "1.250,50", "email": "", "category": ""}
    assert head.post("/clientes/5/editar", data=form).status_code == 303
    sent = changes[0].model_dump(exclude_unset=True, mode="json")
    assert (sent["first_names"], sent["income"], sent["email"]) == ("Eva", "1250.50", None)
    assert sent["category"] is None
    assert "last_names" not in sent
    assert "consent_mail" not in sent


STALE = "Rosa Quishpe cambió esta ficha el 21/11/2026 a las 10:05. Vuelva a abrirla."


def refuse_stale(**_: object) -> Customer:
    raise Conflict(STALE, [{"field": "version", "message": STALE}])


def test_a_page_sends_the_version_it_showed(head: Browser) -> None:
    for address in ("/clientes/5", "/clientes/5/editar"):
        assert '<input type="hidden" name="version" value="4">' in head.get(address).text


def test_a_stale_change_keeps_what_was_typed_and_leads_to_how_it_is_now(
    head: Browser, rooms: FakeAsk
) -> None:
    rooms.answers["update_customer"] = refuse_stale
    typed = {"first_names": "Eva María", "version": "3"}
    page = head.post("/clientes/5/editar", data=typed)
    assert page.status_code == 409
    assert STALE in page.text
    assert '<a class="alert-link" href="/clientes/5/editar"' in page.text
    assert 'value="Eva María"' in page.text
    assert '<input type="hidden" name="version" value="3">' in page.text


def test_a_stale_change_of_consents_keeps_what_was_chosen(head: Browser, rooms: FakeAsk) -> None:
    rooms.answers["update_customer"] = refuse_stale
    chosen = {"consent_phone": ["false", "true"], "version": "3"}
    page = head.post("/clientes/5/consentimientos", data=chosen)
    assert page.status_code == 409
    assert STALE in page.text
    assert '<a class="alert-link" href="/clientes/5"' in page.text
    assert 'name="consent_phone" value="true" checked' in page.text
    assert 'name="consent_mail" value="true" checked' not in page.text


def test_consents_change_nothing_else(head: Browser, rooms: FakeAsk) -> None:
    rooms.answers["update_customer"] = lambda customer_id, change: ANA
    head.post("/clientes/5/consentimientos", data={"consent_mail": "false", "version": "4"})
    [heard] = rooms.heard_of(contract.update_customer)
    assert heard.arguments["change"] == {"consent_mail": False, "version": 4}


def test_a_wrong_field_is_told_where_it_is_and_what_was_typed_stays(
    head: Browser, rooms: FakeAsk
) -> None:
    def create(new: NewCustomer) -> Customer:
        raise Invalid.field("cedula", "La cédula no es válida.")

    rooms.answers["create_customer"] = create
    form = {"cedula": "1710034066", "first_names": "Ana", "last_names": "Mora"}
    page = head.post("/clientes/nuevo", data=form)
    assert page.status_code == 422
    assert "La cédula no es válida." in page.text
    assert 'value="1710034066"' in page.text


# --- imports ---


def test_an_upload_is_stored_and_begun(head: Browser, rooms: FakeAsk) -> None:
    upload = {"file": ("clientes.csv", b"cedula,nombres,apellidos\n", "text/csv")}
    answer = head.post("/clientes/importar", files=upload, data={"dry_run": "true"})
    assert answer.headers["location"] == "/clientes/importaciones/3"
    [heard] = rooms.heard_of(contract.start_import)
    new = heard.arguments["new"]
    assert (new["file_name"], new["dry_run"]) == ("clientes.csv", True)
    with files.open_key(new["file_key"]) as stored:
        assert stored.read() == b"cedula,nombres,apellidos\n"


@pytest.mark.parametrize(("name", "content"), [("x.pdf", b"%PDF"), ("x.csv", b"")])
def test_what_is_no_customer_file_is_refused_at_once(
    head: Browser, name: str, content: bytes
) -> None:
    page = head.post("/clientes/importar", files={"file": (name, content)})
    assert page.status_code == 422
    assert 'id="error-file"' in page.text


def test_progress_asks_again_until_the_import_has_ended(head: Browser, rooms: FakeAsk) -> None:
    partial = {"HX-Request": "true"}
    running = make_import(state=ImportState.RUNNING, finished_at=None)
    rooms.answers["get_import"] = lambda import_id: running
    moving = head.get("/clientes/importaciones/3/avance", headers=partial).text
    assert 'data-live="import:3"' in moving
    rooms.answers["get_import"] = lambda import_id: make_import()
    ended = head.get("/clientes/importaciones/3/avance", headers=partial)
    assert ended.headers["HX-Redirect"] == "/clientes/importaciones/3"


def test_a_dry_run_is_repeated_for_real_with_the_columns_chosen(
    head: Browser, rooms: FakeAsk
) -> None:
    rooms.answers["rerun_import"] = lambda import_id, mapping, dry_run: make_import(id=4)
    form = {"map_cedula": "A", "map_email": "", "dry_run": "false"}
    answer = head.post("/clientes/importaciones/3/repetir", data=form)
    assert answer.headers["location"] == "/clientes/importaciones/4"
    [heard] = rooms.heard_of(contract.rerun_import)
    assert heard.arguments == {"import_id": 3, "mapping": {"cedula": "A"}, "dry_run": False}


SWITCH = r'<input[^>]*name="dry_run" value="true"[^>]*>'


@pytest.mark.parametrize("state", [ImportState.DONE, ImportState.FAILED, ImportState.HELD])
def test_a_dry_run_is_read_again_as_one_unless_somebody_says_otherwise(
    head: Browser, rooms: FakeAsk, state: ImportState
) -> None:
    rooms.answers["preview_import"] = lambda import_id: contract.ImportPreview(
        columns=["A", "B"], mapping={}, rows=[]
    )
    for dry_run in (True, False):
        job = make_import(state=state, dry_run=dry_run, columns=["A", "B"], error="Se dañó.")
        if state is ImportState.HELD:
            job = job.model_copy(update={"finished_at": None})
        rooms.answers["get_import"] = lambda import_id, job=job: job
        [switch] = re.findall(SWITCH, head.get("/clientes/importaciones/3").text)
        assert ("checked" in switch) is dry_run


def test_for_real_is_said_and_reading_again_says_nothing(head: Browser, rooms: FakeAsk) -> None:
    rooms.answers["get_import"] = lambda import_id: make_import(dry_run=True)
    page = head.get("/clientes/importaciones/3").text
    form = page[: page.index("Importar de verdad")].rpartition("<form")[2]
    assert 'name="dry_run" value="false"' in form
    rooms.answers["rerun_import"] = lambda import_id, mapping, dry_run: make_import(id=4)
    head.post("/clientes/importaciones/3/repetir", data={})
    [heard] = rooms.heard_of(contract.rerun_import)
    assert heard.arguments["dry_run"] is None


def test_a_file_without_known_columns_is_read_again_from_its_page(
    head: Browser, rooms: FakeAsk
) -> None:
    failed = make_import(state=ImportState.FAILED, columns=[], error="Está vacío.")
    rooms.answers["get_import"] = lambda import_id: failed
    page = head.get("/clientes/importaciones/3").text
    assert "Leer otra vez" in page
    assert 'action="/clientes/importaciones/3/repetir"' in page
    rooms.answers["get_import"] = lambda import_id: failed.model_copy(update={"unreadable": True})
    page = head.get("/clientes/importaciones/3").text
    assert "Está vacío." in page
    assert "/repetir" not in page


def test_a_file_of_a_header_alone_says_that_there_are_no_rows(
    head: Browser, rooms: FakeAsk
) -> None:
    empty = make_import(read=0, created=0, updated=0, unchanged=0, rejected=0)
    rooms.answers["get_import"] = lambda import_id: empty
    assert "El archivo no tiene filas" in head.get("/clientes/importaciones/3").text


def test_an_import_that_runs_shows_its_pace_and_is_cancelled(head: Browser, rooms: FakeAsk) -> None:
    running = make_import(state=ImportState.RUNNING, finished_at=None, rate=8300, seconds_left=125)
    rooms.answers["get_import"] = lambda import_id: running
    rooms.answers["cancel_import"] = lambda import_id: running
    page = head.get("/clientes/importaciones/3").text
    assert "8.300 filas por segundo · unos 3 min por delante" in page
    assert "/importaciones/3/cancelar" in page
    assert "/importaciones/3/deshacer" not in page
    assert head.post("/clientes/importaciones/3/cancelar").status_code == 303


def test_an_import_is_undone_from_its_page_and_tells_what_stayed(
    head: Browser, rooms: FakeAsk
) -> None:
    rooms.answers["undo_import"] = lambda import_id: make_import()
    assert "/importaciones/3/deshacer" in head.get("/clientes/importaciones/3").text
    assert head.post("/clientes/importaciones/3/deshacer").status_code == 303
    undo = contract.Undo(state=ImportState.DONE, removed=7, restored=2, kept=1)
    rooms.answers["get_import"] = lambda import_id: make_import(undo=undo)
    page = head.get("/clientes/importaciones/3").text
    assert "7 clientes quitados, 2 con sus datos anteriores, 1 se quedan" in page
    assert "/importaciones/3/deshacer" not in page


def test_the_first_rows_are_shown_and_the_columns_chosen(head: Browser, rooms: FakeAsk) -> None:
    held = make_import(state=ImportState.HELD, finished_at=None, columns=["A", "B"])
    row = PreviewRow(line=2, values={"cedula": "1<2"}, reason="cedula: Faltan dígitos.")
    shown = contract.ImportPreview(columns=["A", "B"], mapping={"cedula": "A"}, rows=[row])
    rooms.answers["get_import"] = lambda import_id: held
    rooms.answers["preview_import"] = lambda import_id: shown
    rooms.answers["resume_import"] = lambda import_id, mapping, dry_run, hold: held
    page = head.get("/clientes/importaciones/3").text
    assert "1&lt;2" in page
    assert "cedula: Faltan dígitos." in page
    assert 'data-live="import' not in page
    form = {"map_cedula": "B", "hold": "true"}
    assert head.post("/clientes/importaciones/3/leer", data=form).status_code == 303
    [heard] = rooms.heard_of(contract.resume_import)
    assert heard.arguments == {
        "import_id": 3,
        "mapping": {"cedula": "B"},
        "dry_run": None,  # as it was begun
        "hold": True,
    }


# --- the API ---


def test_the_api_imports_with_a_mapping_and_hides_the_store(head: Browser, rooms: FakeAsk) -> None:
    answer = head.post(
        "/api/v1/customers/imports",
        files={"file": ("c.csv", b"A,B,C\n")},
        data={"mapping": json.dumps({"cedula": "A"}), "dry_run": "true"},
    )
    assert answer.status_code == 202
    assert "rejected_key" not in answer.json()
    new = NewImport.model_validate(rooms.heard_of(contract.start_import)[0].arguments["new"])
    assert (new.mapping, new.dry_run) == ({"cedula": "A"}, True)


def test_how_rejected_rows_are_stored_is_told_in_no_list(head: Browser, rooms: FakeAsk) -> None:
    job = make_import(rejected_key="k.csv")
    rooms.answers["list_imports"] = lambda after, limit: Page(items=[job])
    [told] = head.get("/api/v1/customers/imports").json()["items"]
    assert told["id"] == job.id
    assert "rejected_key" not in told


@pytest.mark.parametrize("mapping", ["{", "[1]", '{"cedula": 1}'])
def test_a_mapping_that_is_no_mapping_is_told(head: Browser, mapping: str) -> None:
    answer = head.post(
        "/api/v1/customers/imports", files={"file": ("c.csv", b"A")}, data={"mapping": mapping}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("mapping")


def test_rejected_rows_are_a_csv_once_the_import_has_ended(head: Browser, rooms: FakeAsk) -> None:
    address = "/api/v1/customers/imports/3/rejected"
    assert head.get(address).text == "\ufeffcedula;nombres;apellidos;motivo\r\n"
    key = files.put(io.BytesIO(b"cedula,motivo\n1,mal\n"), ".csv")
    own = make_import(rejected_key=key, created_by=Role.MARKETING_HEAD)
    rooms.answers["get_import"] = lambda import_id: own
    assert head.get(address).text == "cedula,motivo\n1,mal\n"
    rooms.answers["get_import"] = lambda import_id: make_import(finished_at=None)
    assert head.get(address).status_code == 409


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "Solicitud del titular de los datos"),
        ({"params": {"reason": "Lo pidió"}}, "Lo pidió"),
        ({"json": {"reason": "Por carta"}}, "Por carta"),
    ],
)
def test_only_the_administrator_erases_and_says_why(
    head: Browser, rooms: FakeAsk, options: dict[str, Any], reason: str
) -> None:
    rooms.answers["erase_customer"] = lambda customer_id, reason: None
    assert head.ask("DELETE", "/api/v1/customers/5", **options).status_code == 403
    head.cookies.set(COOKIE, Role.ADMIN)
    assert head.ask("DELETE", "/api/v1/customers/5", **options).status_code == 204
    [heard] = rooms.heard_of(contract.erase_customer)
    assert heard.arguments == {"customer_id": 5, "reason": reason}


def test_an_error_of_the_room_is_a_problem(head: Browser, rooms: FakeAsk) -> None:
    def update(customer_id: int, change: CustomerChange) -> Customer:
        raise Conflict("Los datos de este cliente fueron eliminados.")

    rooms.answers["update_customer"] = update
    answer = head.ask("PATCH", "/api/v1/customers/5", json={"address": "Av. 10"})
    assert answer.status_code == 409
    assert answer.json()["detail"] == "Los datos de este cliente fueron eliminados."


def test_the_list_tells_what_was_undone(head: Browser, rooms: FakeAsk) -> None:
    undo = {"state": "done", "removed": 1, "restored": 0, "kept": 0}
    jobs = [make_import(undo=undo), make_import(undo=undo | {"state": "failed"})]
    rooms.answers["list_imports"] = lambda **_: Page(items=jobs)
    assert head.get("/clientes/importaciones").text.count("· deshecha") == 1


def test_after_a_number_of_nobody_the_lists_links_lead_to_the_list(
    client: Browser, rooms: FakeAsk
) -> None:
    def refuse(number: str, occasion: str) -> None:
        raise NotFound("Ningún cliente tiene este número.")

    rooms.answers |= {"find_customer": refuse, "list_customers": lambda **_: Page(items=[])}
    client.cookies.set(COOKIE, Role.ADVISOR)
    form = {"number": "0991234567", "occasion": "calling"}
    page = client.post("/clientes/abrir", data=form)
    assert page.status_code == 404
    assert "Ningún cliente tiene este número." in page.text
    assert 'value="0991234567"' in page.text
    assert "Todavía no tiene clientes" in page.text
    answer = client.get("/clientes/abrir?buscar=mora&desde=x")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/clientes?buscar=mora&desde=x",
    )


def test_who_calls_is_led_to(client: Browser, rooms: FakeAsk) -> None:
    rooms.answers["find_customer"] = lambda number, occasion: ANA
    client.cookies.set(COOKIE, Role.ADVISOR)
    answer = client.post("/clientes/abrir", data={"number": "0991234567", "occasion": "calling"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/clientes/{ANA.id}")
    client.cookies.set(COOKIE, Role.BACKOFFICE)
    assert client.post("/clientes/abrir", data={}).status_code == 403
