"""Pages of lists: what the address asks, what users keep of a list, its file, acting on many."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from services.gateway import addresses, bulk
from shared.contract import Page, Total
from shared.contracts import identity
from shared.contracts.identity import USERS, ListChoice, ListView
from shared.errors import Conflict, Unavailable
from shared.lists import MOST_AT_ONCE, Column, Done, Filter, Listing, Noun, Refused
from shared.permissions import Role
from tests.unit.gateway.conftest import Browser, FakeAsk, make_user

ANA = make_user(id=7, full_name="=Ana <b>", last_login_at=datetime(2026, 11, 3, 15, tzinfo=UTC))
EVA = make_user(id=8, username="eva", full_name="Eva Ruiz", role=Role.ADMIN, active=False)


@pytest.fixture(autouse=True)
def users(rooms: FakeAsk) -> None:
    """Two users of two hundred to look at."""
    found = Page[identity.User](items=[ANA, EVA], next="c", total=Total(rows=200, exact=True))
    rooms.answers |= {
        "list_users": lambda **_: found,
        "list_roles": list,
        "set_list_choice": lambda **_: None,
        "delete_list_view": lambda **_: None,
        "set_users_active": lambda user_ids, active: Done(done=len(user_ids), refused=[]),
    }


def choose(rooms: FakeAsk, **choice: Any) -> None:
    rooms.answers["get_list_choice"] = lambda code: ListChoice(**choice)


def asked(rooms: FakeAsk) -> dict[str, Any]:
    return rooms.heard_of(identity.list_users)[-1].arguments


def head_of(page: str) -> str:
    return page[page.index("<thead>") : page.index("</thead>")]


def headings(page: str) -> set[str]:
    return {column.title for column in USERS.columns if f">{column.title}" in head_of(page)}


# --- the address ---


def test_the_address_asks_the_room(admin: Browser, rooms: FakeAsk) -> None:
    page = admin.get(
        "/usuarios?buscar=+ana+&rol=advisor&habilitado=true&orden=-full_name&desde=x"
    ).text
    assert asked(rooms) == {
        "search": "ana",
        "role": "advisor",
        "active": True,
        "order": "-full_name",
        "after": "x",
        "limit": 50,
        "count": True,
    }
    assert 'value="ana"' in page
    assert '<option value="true" selected>Activos</option>' in page
    assert 'aria-sort="descending"' in page
    assert "orden=full_name" in page


@pytest.mark.parametrize(
    "wrong", ["habilitado=quizas", "orden=password_hash", "orden=--username", "rol=%00", "x=y"]
)
def test_what_cannot_be_meant_is_not_asked(admin: Browser, rooms: FakeAsk, wrong: str) -> None:
    assert admin.get(f"/usuarios?{wrong}").status_code == 200
    assert asked(rooms) == {"after": None, "limit": 50, "count": True}


def test_the_page_says_how_many_match(admin: Browser, rooms: FakeAsk) -> None:
    assert "200 usuarios</span>" in admin.get("/usuarios").text
    many = Page[identity.User](items=[ANA], next="c", total=Total(rows=10_000, exact=False))
    rooms.answers["list_users"] = lambda **_: many
    page = admin.get("/usuarios").text
    assert "más de 10.000 usuarios</span>" in page
    assert "data-mark-matching" not in page  # too many to be acted on at once
    rooms.answers["list_users"] = lambda **_: Page(items=[ANA], total=Total(rows=1, exact=True))
    assert ">1 usuario</span>" in admin.get("/usuarios").text


# --- what a user keeps ---


def test_the_users_columns_come_in_the_users_order(admin: Browser, rooms: FakeAsk) -> None:
    begins = {column.title for column in USERS.columns if column.first}
    assert headings(admin.get("/usuarios").text) == begins
    choose(rooms, columns=["email", "gone", "full_name"], size=200)
    page = admin.get("/usuarios").text
    assert headings(page) == {"Nombre", "Correo"}
    assert head_of(page).index(">Correo") < head_of(page).index(">Nombre ")
    assert asked(rooms)["limit"] == 200


def test_a_list_is_shown_though_its_columns_cannot_be_found(admin: Browser, rooms: FakeAsk) -> None:
    def away(code: str) -> ListChoice:
        raise Unavailable("identity is away")

    rooms.answers["get_list_choice"] = away
    assert admin.get("/usuarios").status_code == 200


def test_columns_are_kept_and_given_back(admin: Browser, rooms: FakeAsk) -> None:
    form = {"columns": ["email", "role_name"], "size": "100", "volver": "/usuarios?rol=admin"}
    answer = admin.post("/listas/users/columnas", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/usuarios?rol=admin")
    admin.post("/listas/users/columnas", data=form | {"usual": "1"})
    kept, usual = (heard.arguments for heard in rooms.heard_of(identity.set_list_choice))
    assert kept == {"code": "users", "columns": ["email", "role_name"], "size": 100}
    assert usual == {"code": "users", "columns": [], "size": None}


def test_a_view_is_kept_offered_and_forgotten(admin: Browser, rooms: FakeAsk) -> None:
    def create(code: str, new: identity.NewListView) -> ListView:
        return ListView(id=3, **new.model_dump(), own=True, by="Ana")

    rooms.answers["create_list_view"] = create
    form = {"name": "Activos", "query": "habilitado=true", "volver": "/usuarios?habilitado=true"}
    answer = admin.post("/listas/users/vistas", data=form | {"shared": "true"})
    assert answer.headers["location"] == "/usuarios?habilitado=true"
    assert rooms.heard_of(identity.create_list_view)[0].arguments["new"]["shared"] is True
    own = ListView(id=3, name="<Mías>", query="habilitado=true", shared=False, own=True, by="")
    other = ListView(id=4, name="De Eva", query="rol=admin", shared=True, own=False, by="Eva Ruiz")
    choose(rooms, views=[own, other])
    page = admin.get("/usuarios").text
    assert "&lt;Mías&gt;" in page
    assert "de Eva Ruiz" in page
    assert 'href="/usuarios?rol=admin"' in page
    assert page.count("/listas/vistas/") == 1  # only one's own can be forgotten
    answer = admin.post("/listas/vistas/3/eliminar", data={"volver": "https://evil.example/"})
    assert answer.headers["location"] == "/"


def test_a_view_that_cannot_be_kept_says_why(admin: Browser, rooms: FakeAsk) -> None:
    def refuse(code: str, new: identity.NewListView) -> ListView:
        raise Conflict("Ya guarda 30 vistas de esta lista. Elimine alguna.")

    rooms.answers["create_list_view"] = refuse
    form = {"name": "Otra", "query": "", "volver": "/usuarios"}
    admin.post("/listas/users/vistas", data=form)
    assert "Elimine alguna" in admin.get("/usuarios").text
    admin.post("/listas/users/vistas", data=form | {"name": ""})
    assert "La vista no se guardó." in admin.get("/usuarios").text
    assert len(rooms.heard_of(identity.create_list_view)) == 1


def test_there_are_no_other_lists(admin: Browser, rooms: FakeAsk) -> None:
    for path in ("columnas", "vistas"):
        assert admin.post(f"/listas/secrets/{path}", data={"name": "x"}).status_code == 404
    form = {"columns": ["nombre; drop"], "volver": "/usuarios"}
    assert admin.post("/listas/users/columnas", data=form).status_code == 422
    assert not rooms.heard_of(identity.set_list_choice)


# --- its file ---


def test_the_file_has_what_is_seen(admin: Browser, rooms: FakeAsk) -> None:
    pages: dict[str | None, Page[identity.User]] = {
        None: Page(items=[ANA], next="b"),
        "b": Page(items=[EVA]),
    }
    rooms.answers["list_users"] = lambda after, **_: pages[after]
    choose(rooms, columns=["state", "full_name", "last_login_at"])
    lines = admin.get("/usuarios/descargar?rol=advisor&orden=-username").text.splitlines()
    assert lines == [
        "\ufeffEstado;Nombre;Último ingreso",
        "Activo;'=Ana <b>;2026-11-03 10:00",
        "Desactivado;Eva Ruiz;",
    ]
    assert {heard.arguments["role"] for heard in rooms.heard_of(identity.list_users)} == {"advisor"}
    answer = admin.get("/usuarios/descargar?habilitado=false&formato=xlsx")
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    rows, about = (book.get_sheet_by_index(at).to_python() for at in (0, 1))
    assert rows[0] == ["Estado", "Nombre", "Último ingreso"]
    assert ["Estado", "no"] in about


# --- acting on many ---


def act(admin: Browser, query: str = "", **form: Any) -> Any:
    usual = {"accion": "desactivar", "idempotency_key": "k-1"}
    return admin.post(f"/usuarios/marcados{query}", data=usual | form)


def test_those_that_are_marked_are_acted_on_once(admin: Browser, rooms: FakeAsk) -> None:
    answer = act(admin, "?rol=advisor", ids=["8", "7", "8"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/usuarios?rol=advisor")
    [heard] = rooms.heard_of(identity.set_users_active)
    assert heard.arguments == {"user_ids": [7, 8], "active": False}
    act(admin, ids=["7", "8"])
    assert rooms.heard_of(identity.set_users_active)[1].idempotency_key == heard.idempotency_key
    assert "Se desactivaron 2 usuarios." in admin.get("/usuarios").text


def test_all_that_match_are_acted_on_in_portions(admin: Browser, rooms: FakeAsk) -> None:
    everybody = [make_user(id=at + 1) for at in range(MOST_AT_ONCE + 50)]

    def find(after: str | None, limit: int, **_: Any) -> Page[identity.User]:
        at = int(after or 0)
        more = at + limit < len(everybody)
        return Page(items=everybody[at : at + limit], next=str(at + limit) if more else None)

    rooms.answers["list_users"] = find
    act(admin, "?habilitado=true", todos="1", ids=["7"])
    first, second = rooms.heard_of(identity.set_users_active)
    assert len(first.arguments["user_ids"]) == MOST_AT_ONCE
    assert len(second.arguments["user_ids"]) == 50
    assert first.idempotency_key != second.idempotency_key
    assert {heard.arguments["active"] for heard in rooms.heard_of(identity.list_users)} == {True}


def test_what_was_refused_is_listed_with_its_reason(admin: Browser, rooms: FakeAsk) -> None:
    refused = Refused(id=8, label="Eva <b>", reason="Es la última administradora.")
    rooms.answers["set_users_active"] = lambda **_: Done(done=1, refused=[refused])
    page = act(admin, "?habilitado=true", ids=["7", "8"]).text
    assert "No se hizo en 1 usuario." in page
    assert "Eva &lt;b&gt;" in page
    assert "Es la última administradora." in page
    assert 'href="/usuarios?habilitado=true"' in page


@pytest.mark.parametrize(
    "form", [{}, {"ids": ["x", "-1", "9" * 40]}, {"ids": ["7"], "accion": "borrar"}]
)
def test_nothing_is_done_without_rows_or_with_another_verb(
    admin: Browser, rooms: FakeAsk, form: dict[str, Any]
) -> None:
    assert act(admin, **form).status_code == 422
    assert not rooms.heard_of(identity.set_users_active)


def test_no_more_than_ten_thousand_at_once(
    admin: Browser, rooms: FakeAsk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST", 1)
    answer = act(admin, todos="1")
    assert answer.status_code == 422
    assert "más de 10.000" in answer.text
    assert not rooms.heard_of(identity.set_users_active)


# --- declarations ---


@pytest.mark.parametrize(
    "wrong",
    [
        {"columns": (Column("password_hash", "Clave"),)},
        {"columns": USERS.columns, "filters": (Filter("color", "Color"),)},
    ],
)
def test_a_list_of_what_is_not_there_does_not_load(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="list_users has no"):
        Listing(identity.list_users, Noun("usuario", "usuarios"), **wrong)


@pytest.mark.parametrize("listing", Listing.known.values(), ids=Listing.known)
def test_every_list_has_words_in_addresses_and_columns_to_begin_with(listing: Any) -> None:
    assert {one.name for one in listing.filters} <= set(addresses.LISTS)
    assert any(column.first for column in listing.columns)
    titles = [column.title for column in listing.columns]
    assert len(titles) == len(set(titles))


def test_a_noun_speaks_of_one_and_of_many() -> None:
    campaigns, people = Noun("campaña", "campañas", feminine=True), Noun("usuario", "usuarios")
    assert (campaigns.title, campaigns.none) == ("Campañas", "Ninguna campaña")
    assert (people.none, people.count(1)) == ("Ningún usuario", "1 usuario")
    assert people.count(1234) == "1.234 usuarios"
    assert campaigns.matching(2) == "las 2 campañas que coinciden"
