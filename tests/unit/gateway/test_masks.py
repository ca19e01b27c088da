"""Pages and API over what a room masks: showing it, editing it, taking it away as a file."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from html import escape
from typing import Any
from urllib.parse import parse_qsl

import pytest

from services.gateway.session import COOKIE
from shared import clock, exports, files
from shared.contract import Page
from shared.contracts import customer_query as contract
from shared.contracts import mailer, risk_central
from shared.contracts.audit import record_export
from shared.contracts.customer_query import CustomerPermission, PersonalField, Revealed
from shared.errors import Denied, FieldError
from shared.permissions import Role
from tests.unit.gateway.conftest import Browser, FakeAsk, make_session
from tests.unit.gateway.test_customer import ANA, make_import
from tests.unit.gateway.test_mailing import make_mailing, make_recipient

PERSON = ANA.model_copy(
    update={
        "phone": "+593991234567",
        "other_phones": ["+593987654321"],
        "income": Decimal("812.50"),
        "address": "Av. Amazonas 123",
    }
)
WHOLE = ("1710034065", "099 123 4567", "812,50", "Av. Amazonas 123", "ana@correo.example")
ENOUGH = Denied("Ya mostró datos de 100 personas.", [FieldError("retry_after", "3600")])
REJECTED = (
    "cedula;telefono;provincia;extra;motivo\r\n1710034066;0991;17;x;La cédula «1710034066» no\r\n"
)


def revealed(fields: list[PersonalField], **_: Any) -> Revealed:
    return Revealed(**{name: getattr(PERSON, name) for name in fields})


@pytest.fixture
def page(client: Browser, rooms: FakeAsk) -> Browser:
    """A marketing head, and a room that knows Ana."""
    rooms.answers |= {
        "get_customer": lambda customer_id: PERSON,
        "list_timeline": lambda **_: Page(items=[]),
        "reveal_customer": revealed,
        "update_customer": lambda **_: PERSON,
        "get_mailing": lambda mailing_id: make_mailing(id=mailing_id),
        "list_recipients": lambda **_: Page(items=[make_recipient()]),
        "export_recipients": lambda why, **_: exports.shown(Page(items=[make_recipient()]), why),
        "get_import": lambda import_id: make_import(rejected_key="x"),
    }
    client.cookies.set(COOKIE, Role.MARKETING_HEAD)
    return client


@contextmanager
def without(rooms: FakeAsk, *permissions: str) -> Iterator[None]:
    """The head's role without these."""
    session = make_session(Role.MARKETING_HEAD)
    kept = session.permissions - set(permissions)
    actor = session.actor.model_copy(update={"permissions": kept})
    fewer = session.model_copy(update={"permissions": kept, "actor": actor})
    rooms.answers["get_session"] = lambda token: fewer
    yield


# --- showing ---


def test_a_profile_shows_a_part_and_a_button_for_the_rest(page: Browser) -> None:
    text = page.get("/clientes/5").text
    assert not [value for value in WHOLE if value in text]
    for shown in ("171•••••65", "09•••••567", "09•••••321", "a•••@correo.example"):
        assert shown in text
    assert text.count('action="/clientes/5/mostrar"') == len(PersonalField)
    for field in PersonalField:
        assert f'aria-label="Mostrar el dato completo: {field.word}"' in text


def test_whose_work_needs_it_has_no_buttons(page: Browser) -> None:
    page.cookies.set(COOKIE, Role.BACKOFFICE)
    text = page.get("/clientes/5").text
    assert not [value for value in WHOLE if value not in text]
    assert "/mostrar" not in text


def test_who_may_not_show_sees_no_button_and_is_refused(page: Browser, rooms: FakeAsk) -> None:
    with without(rooms, CustomerPermission.REVEAL):
        text = page.get("/clientes/5").text
        refused = page.post("/clientes/5/mostrar", data={"fields": "phone"})
    assert "09•••••567" in text
    assert "/mostrar" not in text
    assert refused.status_code == 403


def test_a_click_shows_the_value_alone(page: Browser, rooms: FakeAsk) -> None:
    answer = page.post(
        "/clientes/5/mostrar", data={"fields": "phone"}, headers={"HX-Request": "true"}
    )
    assert answer.text.count("<span") == 1
    assert "099 123 4567" in answer.text
    [asked] = rooms.heard_of(contract.reveal_customer)
    assert asked.arguments == {"customer_id": 5, "fields": ["phone"]}


@pytest.mark.parametrize(
    ("field", "value"),
    [("income", "$812,50"), ("other_phones", "098 765 4321"), ("address", "Av. Amazonas 123")],
)
def test_a_value_is_shown_as_people_write_it(page: Browser, field: str, value: str) -> None:
    partial = {"HX-Request": "true"}
    answer = page.post("/clientes/5/mostrar", data={"fields": field}, headers=partial)
    assert value in answer.text


def test_without_a_script_the_page_comes_again_with_the_value(page: Browser) -> None:
    text = page.post("/clientes/5/mostrar", data={"fields": "phone"}).text
    assert "099 123 4567" in text
    assert "171•••••65" in text
    assert "099 123 4567" not in page.get("/clientes/5").text


def test_who_asks_too_often_is_told_when_to_come_again(page: Browser, rooms: FakeAsk) -> None:
    def refuse(**_: Any) -> Revealed:
        raise ENOUGH

    rooms.answers["reveal_customer"] = refuse
    for address, options in (
        ("/clientes/5/mostrar", {"data": {"fields": "phone"}}),
        ("/api/v1/customers/5/reveal", {"json": {"fields": ["phone"]}}),
    ):
        answer = page.post(address, **options)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
        assert "Ya mostró datos de 100 personas." in answer.text


def test_a_program_shows_by_a_call_of_its_own(page: Browser) -> None:
    shown = page.get("/api/v1/customers/5").json()
    assert (shown["cedula"], shown["income"]) == ("171•••••65", None)
    assert set(shown["masked"]) == set(PersonalField)
    answer = page.post("/api/v1/customers/5/reveal", json={"fields": ["cedula", "income"]})
    told = answer.json()
    assert (told["cedula"], Decimal(told["income"])) == ("1710034065", Decimal("812.50"))
    assert told["phone"] is None
    assert page.post("/api/v1/customers/5/reveal", json={"fields": []}).status_code == 422
    assert page.post("/api/v1/customers/5/reveal", json={"fields": ["x"]}).status_code == 422


# --- editing ---


def test_an_edit_shows_first_what_it_lets_change(page: Browser, rooms: FakeAsk) -> None:
    text = page.get("/clientes/5/editar").text
    for value in ("1710034065", "+593991234567", "Av. Amazonas 123", "ana@correo.example"):
        assert f'value="{value}"' in text
    assert "•" not in text
    [asked] = rooms.heard_of(contract.reveal_customer)
    assert set(asked.arguments["fields"]) == set(PersonalField)


def test_what_may_not_be_seen_is_not_on_the_form(page: Browser, rooms: FakeAsk) -> None:
    with without(rooms, CustomerPermission.REVEAL):
        text = page.get("/clientes/5/editar").text
        assert text.count("Está oculto y no cambia.") == len(PersonalField)
        assert not [field for field in PersonalField if f'name="{field}"' in text]
        assert 'name="first_names"' in text
        page.post("/clientes/5/editar", data={"first_names": "Ana", "version": "4"})
    [change] = rooms.heard_of(contract.update_customer)
    assert change.arguments["change"].keys() == {"first_names", "version"}
    assert rooms.heard_of(contract.reveal_customer) == []


# --- files ---


def reasons(rooms: FakeAsk) -> list[str]:
    return [heard.arguments.get("reason", "") for heard in rooms.heard_of(record_export)]


def test_a_file_without_a_reason_says_no_address(page: Browser, rooms: FakeAsk) -> None:
    text = page.get("/envios/4/destinatarios.csv").text
    assert "a•••@correo.example" in text
    [asked, *_] = rooms.heard_of(mailer.export_recipients)
    assert asked.arguments["why"] is None
    assert reasons(rooms) == [""]


def test_a_reason_goes_to_the_room_and_on_record(page: Browser, rooms: FakeAsk) -> None:
    address = "/envios/4/destinatarios.csv?motivo=other&detalle=Cotejo+con+el+proveedor"
    text = page.get(address).text
    assert "ana@correo.example" in text
    why = {"reason": "other", "words": "Cotejo con el proveedor"}
    asked = rooms.heard_of(mailer.export_recipients)
    assert [heard.arguments["why"] for heard in asked] == [why] * len(asked)
    assert reasons(rooms) == ["Cotejo con el proveedor"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("motivo=other&detalle=corto", 422), ("motivo=nada", 422), ("motivo=audit", 200)],
)
def test_a_reason_is_one_of_the_list_or_is_said(
    page: Browser, rooms: FakeAsk, query: str, status: int
) -> None:
    answer = page.get(f"/envios/4/destinatarios.csv?{query}")
    assert answer.status_code == status
    assert len(reasons(rooms)) == (status == 200)


@pytest.mark.parametrize("address", ["/envios/4/destinatarios.csv", "/estadisticas/repetidos.csv"])
@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("motivo=other", "words", "al menos 10 caracteres"),
        ("motivo=other&detalle=%3Ccorto", "words", "al menos 10 caracteres"),
        (f"motivo=audit&detalle={'x' * 201}", "words", "200 caracteres como máximo"),
        ("motivo=nada&detalle=Cotejo+largo", "reason", "Elija un motivo"),
    ],
)
def test_a_reason_that_is_none_is_told_at_its_field_with_what_was_typed(
    page: Browser, rooms: FakeAsk, address: str, query: str, field: str, words: str
) -> None:
    answer = page.get(f"{address}?formato=xlsx&{query}")
    assert answer.status_code == 422
    form = answer.text[answer.text.index('id="reason"') :]
    assert f'action="{address}"' in answer.text
    told = re.search(rf'id="download-{field}-told">([^<]*)<', form)
    assert told
    assert words in told[1]
    assert '<input type="hidden" name="formato" value="xlsx">' in form
    for name, value in parse_qsl(query):
        if name == "detalle":
            assert f'value="{escape(value)}"' in form
        elif value != "nada":
            assert f'<option value="{value}" selected>' in form
    assert reasons(rooms) == []


def test_the_api_names_the_field_of_words_that_are_missing(rejected: Browser) -> None:
    for query, field in (("reason=other", "words"), ("reason=nada", "reason")):
        answer = rejected.get(f"{FILES[1]}?{query}")
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_reason_of_somebody_who_may_not_is_refused(page: Browser, rooms: FakeAsk) -> None:
    for reason in ("campaign", "other"):
        page.cookies.set(COOKIE, Role.SUPERVISOR)
        answer = page.get(f"/envios/4/destinatarios.csv?motivo={reason}")
        assert answer.status_code == 403
    assert page.get("/envios/4/destinatarios.csv").status_code == 200
    assert reasons(rooms) == [""]


def test_a_page_offers_whole_files_to_who_may_take_them(page: Browser) -> None:
    text = page.get("/envios/4").text
    assert "Con datos completos" in text
    for word in ("Campaña", "Auditoría", "Pedido de la autoridad", "Conciliación", "Otro"):
        assert f">{word}</option>" in text
    page.cookies.set(COOKIE, Role.SUPERVISOR)
    assert "Con datos completos" not in page.get("/envios/4").text


# --- rejected rows ---


@pytest.fixture
def rejected(page: Browser, rooms: FakeAsk) -> Browser:
    """Rows that another head's import rejected."""
    key = files.new_key(".csv")
    with files.create(key) as target:
        target.write(b"\xef\xbb\xbf" + REJECTED.encode())
    columns = ["cedula", "telefono", "provincia", "extra"]
    job = make_import(
        rejected_key=key,
        created_by="otra",
        columns=columns,
        mapping={"cedula": "cedula", "phone": "telefono", "province": "provincia"},
    )
    rooms.answers["get_import"] = lambda import_id: job
    own = job.model_copy(update={"created_by": Role.MARKETING_HEAD.value})
    rooms.answers["get_own"] = lambda import_id: own
    return page


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(text.removeprefix("\ufeff").splitlines(), delimiter=";"))


FILES = ("/clientes/importaciones/3/rechazados", "/api/v1/customers/imports/3/rejected")


@pytest.mark.parametrize("address", FILES)
def test_rejected_rows_of_others_are_masked_but_for_what_is_known_to_be_open(
    rejected: Browser, address: str
) -> None:
    header, row = rows(rejected.get(address).text)
    assert header == ["cedula", "telefono", "provincia", "extra", "motivo"]
    assert row == ["•••", "•••", "17", "•••", "La cédula «•••» no"]


@pytest.mark.parametrize("address", FILES)
def test_who_brought_a_file_has_its_rows_back_as_they_stood(
    rejected: Browser, rooms: FakeAsk, address: str
) -> None:
    rooms.answers["get_import"] = rooms.answers["get_own"]
    assert rejected.get(address).text.removeprefix("\ufeff") == REJECTED


@pytest.mark.parametrize(
    "address", [f"{FILES[0]}?motivo=reconciliation", f"{FILES[1]}?reason=reconciliation"]
)
def test_others_have_them_whole_for_a_reason(
    rejected: Browser, rooms: FakeAsk, address: str
) -> None:
    assert rejected.get(address).text.removeprefix("\ufeff") == REJECTED
    assert reasons(rooms) == ["Conciliación"]
    with without(rooms, CustomerPermission.EXPORT):
        assert rejected.get(address).status_code == 403


def test_of_a_rejected_credit_row_only_its_line_and_reason_are_open(
    admin: Browser, rooms: FakeAsk
) -> None:
    key = files.new_key(".csv")
    with files.create(key) as target:
        target.write(b"cedula;score;linea;motivo\r\n1710034066;812;4;Falta la fecha\r\n")
    load: dict[str, Any] = dict.fromkeys(risk_central.Load.model_fields, 0)
    load |= {
        "id": 3, "file_name": "r.csv", "state": "done", "columns": ["cedula", "score"],
        "mapping": {}, "rejected_key": key, "error": None, "created_by": "otra",
        "created_at": clock.now(), "finished_at": clock.now(), "rate": None,
    }  # fmt: skip
    rooms.answers["get_load"] = lambda load_id: risk_central.Load.model_validate(load)
    assert rows(admin.get("/api/v1/risk-loads/3/rejected").text)[1] == [
        "•••",
        "•••",
        "4",
        "Falta la fecha",
    ]
