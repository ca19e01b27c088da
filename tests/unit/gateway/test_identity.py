"""Log-in, users and tokens, through the pages and the API."""

from datetime import timedelta
from typing import Any

import pytest

from services.gateway import entrance
from services.gateway.session import COOKIE
from shared import clock
from shared.contract import Page
from shared.contracts import identity, telemarketing
from shared.contracts.identity import NewUser, Role, Session, User, UserChange, UserPermission
from shared.contracts.telemarketing import CallPermission
from shared.errors import Conflict, Denied, FieldError, Invalid, Unavailable
from shared.settings import settings
from tests.unit.gateway.conftest import (
    Browser,
    FakeAsk,
    make_role,
    make_session,
    make_user,
)

NEW = {
    "username": "pedro",
    "full_name": "Pedro Pérez",
    "role": "advisor",
    "password": "una clave larga",
}


@pytest.fixture(autouse=True)
def _house(rooms: FakeAsk) -> None:
    """The roles there are, and nobody has anything to call."""
    rooms.answers[identity.list_roles.name] = lambda: [make_role("advisor"), make_role("auditor")]
    rooms.answers[telemarketing.list_assignments.name] = lambda **_: Page(items=[])


@pytest.fixture
def with_log_in(rooms: FakeAsk) -> None:
    """identity knows one pair."""

    def log_in(username: str, password: str, source: str, device: str, agent: str) -> Session:
        if (username, password) != ("rosa", "correcta"):
            raise Denied("El usuario o la contraseña no son correctos.")
        return make_session(Role.ADMIN)

    rooms.answers[identity.log_in.name] = log_in


@pytest.mark.usefixtures("with_log_in")
def test_log_in_sets_a_guarded_cookie_and_goes_on(client: Browser) -> None:
    form = {"username": "rosa", "password": "correcta", "next": "/campanas/3"}
    answer = client.post("/ingresar", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/campanas/3")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie  # PREGON_PUBLIC_URL is plain http here


@pytest.mark.usefixtures("with_log_in")
def test_behind_https_the_cookie_never_leaves_it(
    client: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "public_url", "https://pregon.example")
    answer = client.post("/ingresar", data={"username": "rosa", "password": "correcta"})
    assert "; Secure" in answer.headers["set-cookie"]


@pytest.mark.usefixtures("with_log_in")
def test_refused_log_in_keeps_username_and_aim(client: Browser) -> None:
    form = {"username": "rosa", "password": "mala", "next": "/campanas/3"}
    answer = client.post("/ingresar", data=form)
    assert answer.status_code == 403
    assert 'value="rosa"' in answer.text
    assert 'value="/campanas/3"' in answer.text
    assert "mala" not in answer.text
    assert "El usuario o la contraseña no son correctos." in answer.text


@pytest.mark.usefixtures("with_log_in")
def test_token_is_given_for_the_right_pair_only(client: Browser) -> None:
    right = client.post("/api/v1/token", data={"username": "rosa", "password": "correcta"})
    wrong = client.post("/api/v1/token", data={"username": "rosa", "password": "mala"})
    assert right.json()["token_type"] == "bearer"
    assert 43000 < right.json()["expires_in"] <= 43200
    assert wrong.status_code == 401


def test_log_out_ends_the_session_and_says_so(admin: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.log_out.name] = lambda token: None
    answer = admin.post("/salir")
    assert rooms.heard_of(identity.log_out)[0].arguments == {"token": "admin"}
    assert 'pregon_session="";' in answer.headers["set-cookie"]
    admin.cookies.delete(COOKIE)
    page = admin.get("/ingresar")
    assert "La sesión se cerró." in page.text
    assert "La sesión se cerró." not in admin.get("/ingresar").text


def test_list_shows_users_and_the_next_page(admin: Browser, rooms: FakeAsk) -> None:
    users = Page[User](items=[make_user(full_name="<b>Ana</b>")], next="ana")
    rooms.answers[identity.list_users.name] = lambda **_: users
    answer = admin.get("/usuarios?rol=advisor")
    assert "&lt;b&gt;Ana&lt;/b&gt;" in answer.text
    assert "/usuarios?rol=advisor&amp;desde=ana" in answer.text
    assert rooms.heard_of(identity.list_users)[0].arguments["role"] == "advisor"


def test_a_search_without_result_says_so_and_leads_back(admin: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.list_users.name] = lambda **_: Page(items=[])
    page = admin.get("/usuarios?rol=advisor").text
    assert "Ningún usuario coincide" in page
    assert '<a class="btn btn-primary" href="/usuarios">Ver todo</a>' in page


def test_new_user_is_created_once_for_its_form(admin: Browser, rooms: FakeAsk) -> None:
    def create(new: NewUser) -> User:
        return make_user(username=new.username)

    rooms.answers[identity.create_user.name] = create
    answer = admin.post("/usuarios/nuevo", data={**NEW, "idempotency_key": "k-1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/usuarios")
    heard = rooms.heard_of(identity.create_user)[0]
    assert heard.idempotency_key == "k-1"
    assert heard.actor is not None
    assert heard.actor.username == "admin"
    assert heard.trace_id == answer.headers["x-trace-id"]


def test_wrong_new_user_keeps_what_was_typed(admin: Browser, rooms: FakeAsk) -> None:
    answer = admin.post("/usuarios/nuevo", data={**NEW, "username": "Ñ", "password": "corta"})
    assert answer.status_code == 422
    assert 'value="Pedro Pérez"' in answer.text
    assert "El formato no es válido." in answer.text
    assert "Escriba al menos 10 caracteres." in answer.text
    assert "corta" not in answer.text
    assert not rooms.heard_of(identity.create_user)


def test_taken_username_is_told_at_its_field(admin: Browser, rooms: FakeAsk) -> None:
    def create(new: NewUser) -> User:
        raise Invalid.field("username", "Ya hay un usuario con ese nombre. Elija otro.")

    rooms.answers[identity.create_user.name] = create
    answer = admin.post("/usuarios/nuevo", data=NEW)
    assert answer.status_code == 422
    assert 'id="error-username">Ya hay un usuario' in answer.text


def test_change_leaves_an_empty_password_as_it_is(admin: Browser, rooms: FakeAsk) -> None:
    def update(user_id: int, change: UserChange) -> User:
        return make_user(id=user_id)

    rooms.answers[identity.update_user.name] = update
    form = {"full_name": "Ana Vera", "role": "supervisor", "password": ""}
    assert admin.post("/usuarios/7", data=form).status_code == 303
    change = rooms.heard_of(identity.update_user)[0].arguments["change"]
    given = {name: value for name, value in change.items() if value is not None}
    assert given == {"full_name": "Ana Vera", "role": "supervisor"}


def test_last_administrator_stays_and_the_page_says_why(admin: Browser, rooms: FakeAsk) -> None:
    def update(**_: Any) -> User:
        raise Conflict("Debe quedar al menos un administrador activo.")

    rooms.answers[identity.update_user.name] = update
    rooms.answers[identity.get_user.name] = lambda user_id: make_user(id=user_id)
    answer = admin.post("/usuarios/7/estado", data={"active": "false"})
    assert answer.status_code == 409
    assert "Debe quedar al menos un administrador activo." in answer.text
    assert 'value="Ana Lucía Zambrano Vera"' in answer.text


def test_api_creates_with_the_callers_key(client: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.create_user.name] = lambda new: make_user(username=new.username)
    headers = {"Authorization": "Bearer admin", "Idempotency-Key": "k-2"}
    answer = client.post("/api/v1/users", json=NEW, headers=headers)
    assert (answer.status_code, answer.json()["username"]) == (201, "pedro")
    assert rooms.heard_of(identity.create_user)[0].idempotency_key == "k-2"


@pytest.mark.usefixtures("with_log_in")
def test_a_new_log_in_ends_the_browsers_earlier_session(client: Browser, rooms: FakeAsk) -> None:
    rooms.answers["log_out"] = lambda token: None
    pair = {"username": "rosa", "password": "correcta"}
    client.post("/ingresar", data=pair)
    client.cookies.set(COOKIE, "former")
    client.post("/ingresar", data=pair | {"password": "mala"})
    ended = [heard.arguments["token"] for heard in rooms.heard_of(identity.log_out)]
    assert ended == []
    client.post("/ingresar", data=pair)
    ended = [heard.arguments["token"] for heard in rooms.heard_of(identity.log_out)]
    assert ended == ["former"]


@pytest.mark.usefixtures("with_log_in")
def test_the_cookie_lasts_as_long_as_a_session_that_is_used(client: Browser) -> None:
    answer = client.post("/ingresar", data={"username": "rosa", "password": "correcta"})
    assert "Max-Age=86400" in answer.headers["set-cookie"]


def busy(times: int, rooms: FakeAsk) -> None:
    """identity has its hands full so many times, and then answers."""
    left = [times]

    def log_in(username: str, password: str, source: str, device: str, agent: str) -> Session:
        if left[0]:
            left[0] -= 1
            message = "Muchas personas están ingresando a la vez."
            raise Unavailable(message, [FieldError("retry_after", "1")])
        return make_session(Role.ADVISOR)

    rooms.answers[identity.log_in.name] = log_in


CREDENTIALS = {"username": "ana", "password": "una-clave-larga"}


def test_while_many_log_in_one_waits_here(
    client: Browser, rooms: FakeAsk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance, "WAIT_SECONDS", 0)
    busy(entrance.ATTEMPTS - 1, rooms)
    assert client.post("/ingresar", data=CREDENTIALS).status_code == 303
    busy(entrance.ATTEMPTS - 1, rooms)
    assert client.post("/api/v1/token", data=CREDENTIALS).status_code == 200


def test_after_some_waiting_one_is_told(
    client: Browser, rooms: FakeAsk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance, "WAIT_SECONDS", 0)
    busy(entrance.ATTEMPTS, rooms)
    answer = client.post("/ingresar", data=CREDENTIALS)
    assert answer.status_code == 503
    assert "Muchas personas están ingresando" in answer.text
    busy(entrance.ATTEMPTS, rooms)
    assert client.post("/api/v1/token", data=CREDENTIALS).status_code == 503


def test_an_identity_that_is_away_is_not_waited_for(client: Browser, rooms: FakeAsk) -> None:
    def log_in(**_: Any) -> Session:
        raise Unavailable("El servicio identity no responde.")

    rooms.answers[identity.log_in.name] = log_in
    assert client.post("/ingresar", data=CREDENTIALS).status_code == 503
    assert len(rooms.heard_of(identity.log_in)) == 1


def test_a_full_line_is_told_at_once_when_to_come_again(
    client: Browser, rooms: FakeAsk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance, "AT_ONCE", 0)
    monkeypatch.setattr(entrance, "WAITING", 0)
    for path in ("/ingresar", "/api/v1/token"):
        answer = client.post(path, data=CREDENTIALS)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == str(entrance.COME_AGAIN_SECONDS)
    assert not rooms.heard_of(identity.log_in)


def test_who_was_refused_keeps_no_place_in_the_line(
    client: Browser, rooms: FakeAsk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance, "AT_ONCE", 1)
    monkeypatch.setattr(entrance, "WAITING", 0)

    def log_in(**_: Any) -> Session:
        raise Denied("El usuario o la contraseña no son correctos.")

    rooms.answers[identity.log_in.name] = log_in
    for _ in range(3):
        assert client.post("/api/v1/token", data=CREDENTIALS).status_code == 401
    assert len(rooms.heard_of(identity.log_in)) == 3


def test_too_many_failures_are_429_with_the_wait_in_words_and_in_a_header(
    client: Browser, rooms: FakeAsk
) -> None:
    def log_in(**_: Any) -> Session:
        raise Denied("Espere 20 segundos.", [FieldError("retry_after", "20")])

    rooms.answers[identity.log_in.name] = log_in
    for path in ("/ingresar", "/api/v1/token"):
        answer = client.post(path, data=CREDENTIALS)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "20")
        assert "Espere 20 segundos." in answer.text


def test_a_browser_shows_at_its_next_log_in_that_it_was_here(
    client: Browser, rooms: FakeAsk
) -> None:
    def log_in(device: str, **_: Any) -> Session:
        return make_session(Role.ADVISOR).model_copy(update={"device": f"{device}+"})

    rooms.answers[identity.log_in.name] = log_in
    kept = client.post("/ingresar", data=CREDENTIALS).headers.get_list("set-cookie")
    (device,) = [cookie for cookie in kept if cookie.startswith("pregon_device=")]
    assert {"HttpOnly", "Path=/ingresar", "SameSite=lax"} <= set(device.split("; "))
    client.post("/ingresar", data=CREDENTIALS)
    heard = [call.arguments["device"] for call in rooms.heard_of(identity.log_in)]
    assert heard == ["", "+"]


# --- days and hours of work ---


def test_an_own_role_is_offered_and_days_and_hours_are_kept(admin: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.create_user.name] = lambda new: make_user(username=new.username)
    assert '<option value="auditor">Rol auditor</option>' in admin.get("/usuarios/nuevo").text
    days = {"starts_on": "2026-12-01", "ends_on": "", "work_days": ["monday", "friday"]}
    hours = {"work_from": "08:00", "work_until": "16:30", "role": "auditor"}
    assert admin.post("/usuarios/nuevo", data=NEW | days | hours).status_code == 303
    new = rooms.heard_of(identity.create_user)[0].arguments["new"]
    assert (new["role"], new["starts_on"], new["work_days"]) == (
        "auditor",
        "2026-12-01",
        ["monday", "friday"],
    )
    assert (new["work_from"], new["work_until"], new.get("ends_on")) == ("08:00", "16:30", None)


def test_an_emptied_last_day_is_sent_as_none(admin: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.update_user.name] = lambda user_id, change: make_user(id=user_id)
    form = {"full_name": "Ana Vera", "ends_on": "", "work_days": "", "work_from": ""}
    assert admin.post("/usuarios/7", data=form).status_code == 303
    change = rooms.heard_of(identity.update_user)[0].arguments["change"]
    assert (change["ends_on"], change["work_days"], change["work_from"]) == (None, [], None)


def share(campaign_id: int, open_: int, advisor: str = "ana") -> telemarketing.Assignment:
    return telemarketing.Assignment(
        campaign_id=campaign_id,
        campaign_name=f"Campaña {campaign_id}",
        advisor=advisor,
        assigned=20,
        open=open_,
        done=20 - open_,
    )


def test_open_work_of_one_who_has_left_is_listed_for_those_who_take_it_back(
    admin: Browser, rooms: FakeAsk
) -> None:
    left = make_user(ends_on=clock.today() - timedelta(days=1))
    rooms.answers[identity.get_user.name] = lambda user_id: left
    page_of: Page[telemarketing.Assignment] = Page(
        items=[share(3, 12), share(4, 0), share(5, 1, "admin")]
    )
    rooms.answers[telemarketing.list_assignments.name] = lambda **_: page_of
    page = admin.get("/usuarios/7").text
    assert "Terminado" in page
    assert "Tiene clientes por llamar y ya no trabaja" in page
    assert "Campaña 3" in page
    assert "Campaña 4" not in page  # nothing is left there
    assert "Campaña 5" not in page  # the asker's own, whose role sees no others
    assert "/asignaciones?campana=3" not in page  # an administrator does not assign
    (asked,) = rooms.heard_of(telemarketing.list_assignments)
    assert asked.arguments["advisor"] == "ana"


def test_who_may_assign_gets_the_way_to_take_work_back(admin: Browser, rooms: FakeAsk) -> None:
    both = {UserPermission.WRITE.value, CallPermission.ASSIGN.value}
    session = make_session(Role.ADMIN).model_copy(update={"permissions": frozenset(both)})
    rooms.answers[identity.get_session.name] = lambda token: session
    rooms.answers[identity.get_user.name] = lambda user_id: make_user(active=False)
    rooms.answers[telemarketing.list_assignments.name] = lambda **_: Page(items=[share(3, 1)])
    assert 'href="/asignaciones?campana=3"' in admin.get("/usuarios/7").text


def test_a_user_is_shown_while_telemarketing_is_away(admin: Browser, rooms: FakeAsk) -> None:
    def away(**_: Any) -> None:
        raise Unavailable("No responde.")

    rooms.answers[identity.get_user.name] = lambda user_id: make_user()
    rooms.answers[telemarketing.list_assignments.name] = away
    page = admin.get("/usuarios/7")
    assert page.status_code == 200
    assert "No se sabe qué clientes tiene asignados" in page.text
