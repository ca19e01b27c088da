"""The record's pages: search, files, who saw one customer's data; and what the gateway records."""

import csv
import io
from datetime import date
from typing import Any

import pytest

from services.gateway.session import COOKIE
from shared import clock
from shared.contract import Page
from shared.contracts import audit as contract
from shared.contracts.audit import AuditAction, AuditEntry, AuditKind
from shared.errors import Invalid
from shared.permissions import Role
from tests.unit.gateway.conftest import Browser, FakeAsk
from tests.unit.gateway.test_customer import ANA, ENTRY

LINE = AuditEntry(
    id=2026112200000001,
    at=clock.now(),
    action=AuditAction.PROFILE_SEEN,
    object_kind=AuditKind.CUSTOMER,
    object_id="5",
    customer_id=5,
    listed=[],
    username="eva",
    full_name="Eva <b>",
    role_name="Asesor",
    purpose="",
    fields=[],
    changes={"role": ["advisor", None]},
    source="10.0.0.7",
    trace_id="t",
    system="Cobros",
    sentence="Eva <b> (asesor) vio la ficha del cliente 5",
)


@pytest.fixture
def record(rooms: FakeAsk, admin: Browser) -> Browser:
    """An administrator, and a record of one line."""
    rooms.answers |= {
        "list_audit": lambda **_: Page(items=[LINE]),
        "list_viewers": lambda **_: Page(items=[LINE]),
        "get_customer": lambda customer_id: ANA,
        "list_timeline": lambda customer_id, after, limit: Page(items=[ENTRY]),
    }
    return admin


def test_the_page_shows_sentences_and_passes_what_is_searched_for(
    record: Browser, rooms: FakeAsk
) -> None:
    query = "usuario=EVA&cliente=5&accion=profile_seen&del=2026-11-20&al=2026-11-22&listas=1"
    query += "&quien=system&sistema=+Facturaci%C3%B3n+"
    page = record.get(f"/auditoria?{query}").text
    assert "Eva &lt;b&gt; (asesor) vio la ficha del cliente 5" in page
    assert "role: advisor → –" in page
    [asked] = rooms.heard_of(contract.list_audit)
    assert asked.arguments == {
        "after": None,
        "username": "eva",
        "customer_id": 5,
        "listed": True,
        "action": "profile_seen",
        "from_on": "2026-11-20",
        "to_on": "2026-11-22",
        "who": "system",
        "system": "Facturación",
    }
    assert '<option value="system" selected>Otro sistema</option>' in page
    assert 'value="Facturación"' in page


@pytest.mark.parametrize(
    "query",
    [
        "del=ayer",
        "al=99999-01-01",
        "cliente=abc",
        f"cliente={'9' * 40}",
        "accion=volar",
        "quien=nadie",
        "sistema=+",
    ],
)
def test_what_cannot_be_a_filter_is_none(record: Browser, rooms: FakeAsk, query: str) -> None:
    assert record.get(f"/auditoria?{query}").status_code == 200
    arguments = rooms.heard_of(contract.list_audit)[0].arguments
    assert {name for name, value in arguments.items() if value} == set()


def test_the_file_has_all_pages_and_is_on_record_itself(record: Browser, rooms: FakeAsk) -> None:
    pages: list[Any] = [Page(items=[LINE], next="2"), Page(items=[LINE])]
    rooms.answers["list_audit"] = lambda **_: pages.pop(0)
    answer = record.get("/auditoria/registro.csv?usuario=eva&sistema=Cobros")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    assert [row["actividad"] for row in rows] == [LINE.sentence] * 2
    assert [row["sistema"] for row in rows] == ["Cobros"] * 2
    [taken] = rooms.heard_of(contract.record_export)
    assert taken.arguments["kind"] == "audit"
    for asked in rooms.heard_of(contract.list_audit):
        assert (asked.arguments["username"], asked.arguments["system"]) == ("eva", "Cobros")


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_file_that_the_room_refuses_is_not_begun(
    record: Browser, rooms: FakeAsk, form: str
) -> None:
    def refuse(**_: Any) -> None:
        raise Invalid.field("username", "El texto tiene caracteres que no se pueden guardar.")

    rooms.answers["list_audit"] = refuse
    answer = record.get(f"/auditoria/registro.csv?usuario=a&formato={form}")
    assert answer.status_code == 422
    assert "Content-Disposition" not in answer.headers


def test_the_file_is_an_excel_too(record: Browser) -> None:
    answer = record.get("/auditoria/registro.csv?formato=xlsx")
    assert answer.content.startswith(b"PK")


@pytest.mark.parametrize("role", [Role.ADVISOR, Role.SUPERVISOR, Role.BACKOFFICE])
def test_others_see_neither_the_record_nor_who_saw_a_customer(
    record: Browser, rooms: FakeAsk, role: Role
) -> None:
    record.cookies.set(COOKIE, role)
    for address in ("/auditoria", "/auditoria/registro.csv", "/clientes/5/quien-vio"):
        assert record.get(address).status_code == 403
    assert record.get("/api/v1/audit").status_code == 403
    assert record.get("/api/v1/customers/5/viewers").status_code == 403
    assert "Quién vio estos datos" not in record.get("/clientes/5").text
    assert rooms.heard_of(contract.list_viewers) == []


def test_who_may_opens_the_card_and_only_then_it_is_asked(record: Browser, rooms: FakeAsk) -> None:
    record.cookies.set(COOKIE, Role.MARKETING_HEAD)
    assert "Quién vio estos datos" in record.get("/clientes/5").text
    assert rooms.heard_of(contract.list_viewers) == []
    assert "vio la ficha del cliente 5" in record.get("/clientes/5/quien-vio").text
    assert record.get("/auditoria").status_code == 403


def test_the_api_filters_by_days(record: Browser, rooms: FakeAsk) -> None:
    query = "from_on=2026-11-20&to_on=2026-11-21&who=system&system=Cobros&limit=5"
    answer = record.get(f"/api/v1/audit?{query}").json()
    arguments = rooms.heard_of(contract.list_audit)[0].arguments
    assert (arguments["who"], arguments["system"]) == ("system", "Cobros")
    assert answer["items"][0]["sentence"] == LINE.sentence
    assert rooms.heard_of(contract.list_audit)[0].arguments["from_on"] == str(date(2026, 11, 20))


def test_rooms_are_told_from_where_is_asked(record: Browser, rooms: FakeAsk) -> None:
    record.get("/auditoria")
    actor: Any = rooms.heard_of(contract.list_audit)[0].actor
    assert actor.source == "127.0.0.1"
