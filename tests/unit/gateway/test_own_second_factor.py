"""The pages of one's own second factor, and of those who come by the company's provider."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from services.gateway import session as sessions
from services.gateway.session import COOKIE
from shared import clock
from shared.contracts import identity
from shared.contracts.identity import ProviderWay
from shared.errors import Conflict, Denied, FieldError, Invalid, Unavailable
from shared.permissions import Role
from shared.settings import settings
from tests.unit.gateway.conftest import Browser, FakeAsk, make_user
from tests.unit.gateway.factors import CODES, refuse, set_up

# --- one's own ---


@pytest.fixture
def own(rooms: FakeAsk, client: Browser) -> Browser:
    client.cookies.set(COOKIE, Role.ADVISOR)
    set_up(rooms)
    return client


PROOF = {"code": "123 456", "password": "la de siempre"}


def test_it_is_turned_on_by_a_code_and_the_recovery_codes_are_shown(
    own: Browser, rooms: FakeAsk
) -> None:
    answer = own.post("/cuenta/verificacion", data=PROOF | {"idempotency_key": "k-1"})
    assert answer.status_code == 200
    assert all(code in answer.text for code in CODES)
    (heard,) = rooms.heard_of(identity.set_second_factor)
    assert heard.arguments == {
        "token": Role.ADVISOR,
        "password": "la de siempre",
        "code": "123456",
        "source": "127.0.0.1",
        "present": None,
    }


@pytest.mark.parametrize("field", ["code", "password"])
def test_what_is_wrong_is_told_at_its_field_and_the_code_to_read_stays(
    own: Browser, rooms: FakeAsk, field: str
) -> None:
    rooms.answers["set_second_factor"] = refuse(Invalid.field(field, "No es."))
    answer = own.post("/cuenta/verificacion", data=PROOF)
    assert answer.status_code == 422
    assert re.search(rf'id="on-{field}-told"><div[^>]*>No es\.', answer.text)
    assert "JBSW Y3DP" in answer.text
    assert "la de siempre" not in answer.text


def test_with_one_set_another_telephone_and_new_codes_are_offered(
    own: Browser, rooms: FakeAsk
) -> None:
    set_up(rooms, datetime(2026, 11, 3, 15, tzinfo=UTC))
    page = own.get("/cuenta/verificacion").text
    assert "Activada desde 3 nov 2026" in page
    assert "Le quedan 10 códigos" in page
    assert 'id="on-present"' in page
    assert 'id="turn-off"' in page
    codes = own.post("/cuenta/verificacion/codigos", data=PROOF)
    assert CODES[1] in codes.text
    assert "Los anteriores ya no sirven." in codes.text
    off = own.post("/cuenta/verificacion/quitar", data=PROOF)
    assert (off.status_code, off.headers["location"]) == (303, "/cuenta/verificacion")


def test_where_the_role_requires_it_turning_off_is_not_offered_and_refused(
    own: Browser, rooms: FakeAsk
) -> None:
    set_up(rooms, clock.now(), required=True)
    assert 'id="turn-off"' not in own.get("/cuenta/verificacion").text
    rooms.answers["remove_second_factor"] = refuse(Conflict("Su rol la exige."))
    answer = own.post("/cuenta/verificacion/quitar", data=PROOF)
    assert answer.status_code == 409


def test_too_many_wrong_ones_are_429_and_told(own: Browser, rooms: FakeAsk) -> None:
    set_up(rooms, clock.now())
    wait = Denied("Demasiados intentos fallidos.", [FieldError("retry_after", "20")])
    rooms.answers["renew_recovery_codes"] = refuse(wait)
    answer = own.post("/cuenta/verificacion/codigos", data=PROOF)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "20")
    assert "Demasiados intentos fallidos." in answer.text


def test_the_account_says_whether_it_is_on_and_leads_there(own: Browser, rooms: FakeAsk) -> None:
    rooms.answers["list_sessions"] = lambda token: []
    for on, word in ((True, "Activada:"), (False, "Desactivada:")):
        rooms.answers["get_user"] = lambda user_id, on=on: make_user(id=user_id, second_factor=on)
        page = own.get("/cuenta").text
        assert word in page
        assert 'href="/cuenta/verificacion"' in page


# --- of who has no password: by the company's provider ---

COMPANY: dict[str, Any] = {"by_password": False, "by_provider": True}


@pytest.fixture
def by_company(own: Browser, rooms: FakeAsk, monkeypatch: pytest.MonkeyPatch) -> Browser:
    for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"PREGON_OIDC_{name}", "https://ingreso.empresa.example")
    monkeypatch.setenv("PREGON_OIDC_NAME", "Mi Empresa")
    settings.cache_clear()
    way = ProviderWay(address="https://ingreso.empresa.example/a", kept="sealed")
    rooms.answers |= {
        "begin_provider_proof": lambda: way,
        "finish_provider_proof": lambda **_: None,
    }
    set_up(rooms, **COMPANY)
    return own


def test_without_a_password_the_page_leads_to_the_provider_first(by_company: Browser) -> None:
    page = by_company.get("/cuenta/verificacion").text
    assert 'href="/cuenta/verificacion/confirmar"' in page
    assert "Confirmar con Mi Empresa" in page
    assert 'id="turn-on"' not in page
    assert 'type="password"' not in page


def test_once_confirmed_no_password_is_asked_for(by_company: Browser, rooms: FakeAsk) -> None:
    set_up(rooms, **COMPANY, proved_until=datetime(2026, 11, 3, 15, tzinfo=UTC))
    page = by_company.get("/cuenta/verificacion").text
    assert "Confirmado con Mi Empresa hasta las 10:00" in page
    assert 'type="password"' not in page
    answer = by_company.post("/cuenta/verificacion", data={"code": "123 456"})
    assert CODES[0] in answer.text
    (heard,) = rooms.heard_of(identity.set_second_factor)
    assert heard.arguments["password"] == ""


def test_who_has_both_may_choose(by_company: Browser, rooms: FakeAsk) -> None:
    set_up(rooms, by_provider=True)
    page = by_company.get("/cuenta/verificacion").text
    assert 'id="on-password"' in page
    assert "Confirmar con Mi Empresa en lugar de la contraseña" in page


def test_without_either_the_page_says_where_to_get_a_password(
    by_company: Browser, rooms: FakeAsk
) -> None:
    set_up(rooms, by_password=False)
    page = by_company.get("/cuenta/verificacion").text
    assert 'href="/ingresar/recuperar"' in page
    assert "/cuenta/verificacion/confirmar" not in page


def test_a_proof_that_is_over_is_asked_for_again(by_company: Browser, rooms: FakeAsk) -> None:
    rooms.answers["set_second_factor"] = refuse(Invalid.field("password", "Confirme que es usted."))
    answer = by_company.post("/cuenta/verificacion", data={"code": "123456"})
    assert answer.status_code == 422
    assert "Confirme que es usted." in answer.text
    assert "Confirmar con Mi Empresa" in answer.text


def test_there_and_back_the_proof_is_the_sessions_own(by_company: Browser, rooms: FakeAsk) -> None:
    away = by_company.get("/cuenta/verificacion/confirmar")
    assert away.headers["location"] == "https://ingreso.empresa.example/a"
    assert f"{sessions.PROOF}=sealed" in away.headers["set-cookie"]
    back = by_company.get("/ingresar/proveedor/regreso?state=s&code=c")
    assert back.headers["location"] == "/cuenta/verificacion/confirmado?state=s&code=c"
    done = by_company.get(back.headers["location"])
    assert done.headers["location"] == "/cuenta/verificacion"
    (heard,) = rooms.heard_of(identity.finish_provider_proof)
    given = {"kept": "sealed", "state": "s", "code": "c", "source": "127.0.0.1"}
    assert heard.arguments == {"token": Role.ADVISOR, **given}
    assert sessions.PROOF not in by_company.cookies
    assert rooms.heard_of(identity.finish_provider_log_in) == []


@pytest.mark.parametrize(
    ("query", "error", "words"),
    [
        ("error=access_denied", None, "se canceló"),
        ("state=s&code=c", Denied("Esa no es su cuenta."), "Esa no es su cuenta."),
        ("state=s&code=c", Unavailable("No responde."), "No responde."),
        ("state=s", None, "no completó el ingreso"),
    ],
)
def test_a_proof_that_failed_is_said_on_the_page(
    by_company: Browser, rooms: FakeAsk, query: str, error: Exception | None, words: str
) -> None:
    if error:
        rooms.answers["finish_provider_proof"] = refuse(error)
    by_company.get("/cuenta/verificacion/confirmar")
    by_company.get(f"/cuenta/verificacion/confirmado?{query}")
    assert words in by_company.get("/cuenta/verificacion").text


def test_who_sets_out_for_a_log_in_gives_the_proof_up(by_company: Browser, rooms: FakeAsk) -> None:
    way = ProviderWay(address="https://ingreso.empresa.example/b", kept="other")
    rooms.answers["begin_provider_log_in"] = lambda: way
    by_company.get("/cuenta/verificacion/confirmar")
    by_company.get("/ingresar/proveedor")
    assert sessions.PROOF not in by_company.cookies


def test_the_account_of_who_has_no_password_offers_none_to_change(
    by_company: Browser, rooms: FakeAsk
) -> None:
    rooms.answers["list_sessions"] = lambda token: []
    rooms.answers["get_user"] = lambda user_id: make_user(id=user_id, has_password=False)
    page = by_company.get("/cuenta").text
    assert "Usted ingresa con Mi Empresa" in page
    assert 'name="current"' not in page
