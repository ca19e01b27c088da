"""The pages of the bureau's SOAP clients, and what they asked."""

import re
from datetime import timedelta
from typing import Any

import pytest

from services.gateway.session import COOKIE
from shared import clock
from shared.contract import Page
from shared.contracts.identity import Role
from shared.contracts.risk_central import (
    IssuedSoapClient,
    SoapClient,
    SoapLedger,
    SoapOutcome,
    SoapQuestion,
    SoapUse,
)
from shared.errors import Conflict, Invalid
from tests.unit.gateway.conftest import Browser, FakeAsk

LIST = "/central-de-riesgos/clientes"
SECRET = "x" * 43
FIELDS = {"title": "Cobranzas", "per_minute": "5", "per_day": "70", "at_once": "2"}


def make_client(**changes: Any) -> SoapClient:
    usual = {
        "name": "cobranzas",
        "title": "Cobranzas del Austro",
        "per_minute": 600,
        "per_day": 10_000,
        "at_once": 4,
        "networks": ["190.15.2.0/24"],
        "active": True,
        "secret_at": clock.now(),
        "former_until": None,
        "created_at": clock.now(),
        "created_by": "Ana",
        "changed_at": None,
        "changed_by": None,
        "last_asked_at": None,
        "today": SoapUse(asked=12, persons=2500, refused=3, last_at=clock.now()),
        "version": 1,
    }
    return SoapClient(**usual | changes)


def issued(secret: str | None = SECRET, **changes: Any) -> IssuedSoapClient:
    return IssuedSoapClient(**make_client(**changes).model_dump(), secret=secret)


def make_question(number: int = 1, **changes: Any) -> SoapQuestion:
    usual = {
        "id": number,
        "at": clock.now(),
        "client": "cobranzas",
        "operation": "GetRisks",
        "persons": 500,
        "known": 490,
        "outcome": SoapOutcome.ANSWERED,
        "address": "190.15.2.7",
        "milliseconds": 8,
        "people": ["#00"],
    }
    return SoapQuestion(**usual | changes)


@pytest.fixture
def bureau(rooms: FakeAsk) -> FakeAsk:
    """One client, one question."""
    rooms.answers |= {
        "list_soap_clients": lambda **_: Page(items=[make_client()]),
        "get_soap_client": lambda name: make_client(),
        "create_soap_client": lambda new: issued(),
        "update_soap_client": lambda name, change: make_client(),
        "renew_soap_secret": lambda name: issued(former_until=clock.now() + timedelta(hours=24)),
        "deactivate_soap_client": lambda name: make_client(active=False),
        "activate_soap_client": lambda name: issued(),
        "list_soap_questions": lambda **_: Page(items=[make_question()]),
        "list_soap_askers": lambda cedula, **_: Page(items=[make_question()]),
        "get_soap_ledger": lambda: SoapLedger(taken_at=clock.now(), lost=0),
        "record_export": lambda *_, **__: None,
    }
    return rooms


@pytest.mark.usefixtures("bureau")
def test_the_list_shows_todays_use_against_the_quota(admin: Browser) -> None:
    page = admin.get(LIST).text
    assert "Cobranzas del Austro" in page
    assert '<progress class="progress"' in page
    assert 'value="2500" max="10000"' in page


@pytest.mark.usefixtures("bureau")
def test_the_menu_shows_one_place(admin: Browser) -> None:
    for path in (LIST, f"{LIST}/cobranzas"):
        current = re.findall(r'nav-link active" href="([^"]+)"', admin.get(path).text)
        assert current == [LIST]


def test_without_clients_the_list_says_what_to_do(admin: Browser, rooms: FakeAsk) -> None:
    rooms.answers["list_soap_clients"] = lambda **_: Page(items=[])
    page = admin.get(LIST).text
    assert "Ningún otro sistema consulta la central" in page


def test_without_redis_the_use_is_not_known(admin: Browser, bureau: FakeAsk) -> None:
    bureau.answers["list_soap_clients"] = lambda **_: Page(items=[make_client(today=None)])
    bureau.answers["get_soap_client"] = lambda name: make_client(today=None)
    assert "sin dato, de 10.000" in admin.get(LIST).text
    assert "No se conoce el uso de hoy" in admin.get(f"{LIST}/cobranzas").text


def test_the_secret_is_shown_once(admin: Browser, bureau: FakeAsk) -> None:
    made = admin.post(f"{LIST}/nuevo", data=FIELDS | {"name": "cobranzas", "networks": ""}).text
    assert made.count(SECRET) == 2  # to be seen and to be copied
    bureau.answers["create_soap_client"] = lambda new: issued(None)
    again = admin.post(f"{LIST}/nuevo", data=FIELDS | {"name": "cobranzas", "networks": ""}).text
    assert "La clave ya se mostró" in again


def test_what_is_wrong_stands_at_its_field(admin: Browser, bureau: FakeAsk) -> None:
    wrong = FIELDS | {"name": "cobranzas", "networks": "no es ninguna", "per_day": "0"}
    page = admin.post(f"{LIST}/nuevo", data=wrong).text
    assert "Escriba una dirección como" in page
    assert 'value="Cobranzas"' in page

    def taken(new: Any) -> Any:
        raise Invalid.field("name", "Ya hay un cliente con ese nombre.")

    bureau.answers["create_soap_client"] = taken
    page = admin.post(f"{LIST}/nuevo", data=FIELDS | {"name": "cobranzas", "networks": ""}).text
    assert "Ya hay un cliente con ese nombre." in page


def test_limits_are_changed_with_the_version_that_was_seen(admin: Browser, bureau: FakeAsk) -> None:
    asked: list[Any] = []

    def update(name: str, change: Any) -> SoapClient:
        asked.append(change)
        return make_client(name=name)

    bureau.answers["update_soap_client"] = update
    sent = FIELDS | {"networks": "10.0.0.1\n10.1.0.0/16", "version": "1"}
    assert admin.post(f"{LIST}/cobranzas", data=sent).status_code == 303
    assert asked[0].sent() == {
        "title": "Cobranzas",
        "per_minute": 5,
        "per_day": 70,
        "at_once": 2,
        "networks": ["10.0.0.1", "10.1.0.0/16"],
    }
    assert asked[0].version == 1


@pytest.mark.usefixtures("bureau")
def test_a_new_secret_says_how_long_the_former_is_good(admin: Browser) -> None:
    page = admin.post(f"{LIST}/cobranzas/clave").text
    assert SECRET in page
    assert "La clave anterior sirve hasta el" in page


def test_one_that_is_active_is_not_activated(admin: Browser, bureau: FakeAsk) -> None:
    def active(name: str) -> Any:
        raise Conflict("El cliente ya está activo.")

    bureau.answers["activate_soap_client"] = active
    assert admin.post(f"{LIST}/cobranzas/activar").status_code == 303
    assert admin.post(f"{LIST}/cobranzas/desactivar").status_code == 303


def test_questions_are_filtered_by_what_can_be(admin: Browser, bureau: FakeAsk) -> None:
    asked: list[Any] = []

    def find(**how: Any) -> Page[SoapQuestion]:
        asked.append(how)
        return Page(items=[])

    bureau.answers["list_soap_questions"] = find
    admin.get("/central-de-riesgos/consultas?sistema=cobranzas&dia=2026-11-22&resultado=day")
    admin.get("/central-de-riesgos/consultas?dia=ayer&resultado=ninguno")
    assert (asked[0]["client"], str(asked[0]["day"])) == ("cobranzas", "2026-11-22")
    assert asked[0]["outcome"] is SoapOutcome.DAY
    assert (asked[1]["client"], asked[1]["day"], asked[1]["outcome"]) == (None, None, None)


def test_what_was_lost_is_told(admin: Browser, bureau: FakeAsk) -> None:
    assert "no está completo" not in admin.get("/central-de-riesgos/consultas").text
    bureau.answers["get_soap_ledger"] = lambda: SoapLedger(taken_at=None, lost=1234)
    assert "1.234 consultas se perdieron" in admin.get("/central-de-riesgos/consultas").text


def test_questions_go_into_a_file_that_is_on_record(admin: Browser, bureau: FakeAsk) -> None:
    pages: Any = iter([Page(items=[make_question(2)], next="x"), Page(items=[make_question()])])
    bureau.answers["list_soap_questions"] = lambda **_: next(pages)
    exported: list[Any] = []
    bureau.answers["record_export"] = lambda *what, **_: exported.append(what)
    file = admin.get("/central-de-riesgos/consultas.csv")
    assert len(file.text.splitlines()) == 3
    assert "GetRisks" in file.text
    assert len(exported) == 1


@pytest.mark.usefixtures("bureau")
def test_who_asked_is_searched_by_cedula(admin: Browser) -> None:
    empty = admin.get("/central-de-riesgos/quien-consulto").text
    assert "Escriba una cédula" in empty
    found = admin.get("/central-de-riesgos/quien-consulto?cedula=1710034065").text
    assert re.search(r"<code>cobranzas</code>", found)


@pytest.mark.usefixtures("bureau")
@pytest.mark.parametrize("role", [Role.ADVISOR, Role.SUPERVISOR, Role.MARKETING_HEAD])
def test_nobody_else_sees_clients_or_what_they_asked(client: Browser, role: Role) -> None:
    client.cookies.set(COOKIE, role)
    for path in (LIST, f"{LIST}/cobranzas", "/central-de-riesgos/consultas"):
        assert client.get(path).status_code == 403
    assert client.get("/central-de-riesgos/quien-consulto?cedula=1710034065").status_code == 403
