"""Roles: the matrix, own roles, and what a session of one is offered."""

from typing import Any

import pytest

from services.gateway import labels
from services.gateway.session import COOKIE
from shared.contracts import identity
from shared.contracts.identity import UserRole
from shared.errors import Conflict, Invalid
from shared.permissions import Role, list_permissions
from tests.unit.gateway.conftest import Browser, FakeAsk, make_role, make_session

AUDITOR = make_role("auditor", "customer.read", "mail.read", name="Auditora <interna>")


def refuse(error: Exception) -> Any:
    def answer(**_: Any) -> None:
        raise error

    return answer


def with_permissions(rooms: FakeAsk, *permissions: str) -> None:
    """Whoever asks has a role of the company's own."""
    session = make_session(Role.ADMIN)
    actor = session.actor.model_copy(
        update={"role": "auditor", "permissions": frozenset(permissions)}
    )
    own = {"actor": actor, "role_name": "Auditora", "permissions": frozenset(permissions)}
    rooms.answers[identity.get_session.name] = lambda token: session.model_copy(update=own)


def test_the_matrix_says_who_may_what_since_when_and_how_many_have_it(
    admin: Browser, rooms: FakeAsk
) -> None:
    rooms.answers[identity.list_roles.name] = lambda: [AUDITOR]
    page = admin.get("/roles").text
    assert "Auditora &lt;interna&gt;" in page
    assert page.count("Desde 3 nov 2026 10:00, por Eva Paz") == 2
    assert 'href="/usuarios?rol=auditor">2 usuarios' in page
    for permission in list_permissions():
        assert permission.word in page


@pytest.mark.parametrize("permission", list(list_permissions()))
def test_every_permission_stands_under_a_heading(permission: Any) -> None:
    assert labels.room_of(permission)


def test_a_role_is_created_with_what_was_ticked(admin: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.create_role.name] = lambda new: make_role(new.code, *new.permissions)
    form = {"name": "Auditora", "code": "auditor", "permissions": ["", "mail.read"]}
    assert admin.post("/roles/nuevo", data=form).headers["location"] == "/roles"
    (heard,) = rooms.heard_of(identity.create_role)
    assert heard.arguments["new"]["permissions"] == ["mail.read"]


def test_a_wrong_role_keeps_what_was_ticked(admin: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.create_role.name] = refuse(Invalid.field("code", "Ya hay un rol."))
    form = {"name": "Auditora", "code": "auditor", "permissions": ["", "mail.read"]}
    answer = admin.post("/roles/nuevo", data=form)
    assert answer.status_code == 422
    assert 'id="error-code">Ya hay un rol.' in answer.text
    assert 'value="mail.read" checked' in answer.text
    assert 'value="mail.send" checked' not in answer.text


def test_a_change_asks_before_it_acts_and_takes_all_away_that_is_not_ticked(
    admin: Browser, rooms: FakeAsk
) -> None:
    rooms.answers[identity.get_role.name] = lambda code: AUDITOR
    rooms.answers[identity.update_role.name] = lambda code, change: AUDITOR
    page = admin.get("/roles/auditor").text
    assert 'data-confirm="¿Guardar el rol' in page
    assert 'value="mail.read" checked' in page
    form = {"name": "Auditora", "permissions": "", "version": "4"}
    assert admin.post("/roles/auditor", data=form).status_code == 303
    (heard,) = rooms.heard_of(identity.update_role)
    assert heard.arguments["change"] == {"version": 4, "name": "Auditora", "permissions": []}


def test_who_would_lock_everybody_out_is_told(admin: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.get_role.name] = lambda code: AUDITOR
    rooms.answers[identity.update_role.name] = refuse(Conflict("Debe quedar al menos uno."))
    answer = admin.post("/roles/admin", data={"name": "Administrador", "permissions": ""})
    assert answer.status_code == 409
    assert "Debe quedar al menos uno." in answer.text


def test_only_an_own_role_that_nobody_has_can_be_deleted(admin: Browser, rooms: FakeAsk) -> None:
    shown: dict[str, UserRole] = {
        "free": make_role("free", users=0),
        "used": make_role("used"),
        "advisor": make_role("advisor", builtin=True, users=0),
    }
    rooms.answers[identity.get_role.name] = lambda code: shown[code]
    offered = {
        code: f"/roles/{code}/eliminar" in admin.get(f"/roles/{code}").text for code in shown
    }
    assert offered == {"free": True, "used": False, "advisor": False}
    rooms.answers[identity.delete_role.name] = refuse(Conflict("Hay usuarios con este rol."))
    admin.post("/roles/used/eliminar")
    assert "Hay usuarios con este rol." in admin.get("/roles/used").text


@pytest.mark.parametrize(
    ("permissions", "first", "offered"),
    [
        (("customer.read",), "Buscar cliente", {"/clientes"}),
        (("user.write",), "Usuarios", {"/usuarios", "/roles"}),
        ((), "Mi cuenta", set()),
        (("team.write",), "Mi cuenta", {"/equipos"}),
    ],
)
def test_home_and_menu_of_an_own_role_follow_its_permissions(
    client: Browser,
    rooms: FakeAsk,
    permissions: tuple[str, ...],
    first: str,
    offered: set[str],
) -> None:
    with_permissions(rooms, *permissions)
    client.cookies.set(COOKIE, "t")
    answer = client.get("/")
    assert answer.status_code == 200
    assert "Auditora" in answer.text
    assert f"</svg>{first}</a>" in answer.text
    pages = {"/clientes", "/usuarios", "/roles", "/equipos", "/campanas", "/llamadas"}
    assert {page for page in pages if f'href="{page}"' in answer.text} >= offered
    assert not {
        page for page in pages - offered if f'class="nav-link" href="{page}"' in answer.text
    }


def test_a_route_is_open_by_permission_and_not_by_the_roles_name(
    client: Browser, rooms: FakeAsk
) -> None:
    rooms.answers[identity.list_roles.name] = lambda: [AUDITOR]
    with_permissions(rooms, "customer.read")
    client.cookies.set(COOKIE, "t")
    assert client.get("/roles").status_code == 403
    with_permissions(rooms, "user.write")
    assert client.get("/roles").status_code == 200


def test_api_creates_and_deletes_roles(client: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.create_role.name] = lambda new: make_role(new.code, *new.permissions)
    rooms.answers[identity.delete_role.name] = lambda code: None
    who = {"Authorization": "Bearer admin"}
    new = {"code": "auditor", "name": "Auditora", "permissions": ["mail.read"]}
    answer = client.post("/api/v1/roles", json=new, headers=who)
    assert (answer.status_code, answer.json()["grants"][0]["permission"]) == (201, "mail.read")
    assert client.ask("DELETE", "/api/v1/roles/auditor", headers=who).status_code == 204
