"""Teams: list, one team, and who comes and goes."""

from datetime import date
from typing import Any

import pytest

from shared import clock
from shared.contract import Page
from shared.contracts import identity
from shared.contracts.identity import Member, Team, TeamRow, User
from shared.errors import Conflict, FieldError, Invalid
from tests.unit.gateway.conftest import Browser, FakeAsk, make_user

TODAY = clock.today()


def make_team(**changes: Any) -> Team:
    usual = {
        "id": 3,
        "name": "Televentas",
        "supervisor": "lorena",
        "supervisor_name": "Lorena Cevallos",
        "active": True,
        "members": 1,
        "version": 2,
        "history": [
            make_member(),
            make_member(id=9, full_name="Eva Paz", ends_on=date(2026, 2, 1)),
        ],
    }
    return Team(**usual | changes)


def make_member(**changes: Any) -> Member:
    usual = {
        "id": 8,
        "username": "ana",
        "full_name": "Ana Mora",
        "starts_on": date(2026, 1, 5),
        "ends_on": None,
    }
    return Member(**usual | changes)


@pytest.fixture
def team(rooms: FakeAsk) -> None:
    """One team, and a person whom one may name beside one who has left."""
    left = make_user(username="ida", ends_on=date(2026, 1, 1))
    people: Page[User] = Page(items=[make_user(), left])
    rooms.answers[identity.get_team.name] = lambda team_id: make_team(id=team_id)
    rooms.answers[identity.list_users.name] = lambda **_: people


def test_no_team_yet_says_what_to_do(admin: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.list_teams.name] = lambda **_: Page(items=[])
    page = admin.get("/equipos").text
    assert "Todavía no hay equipos" in page
    assert 'href="/equipos/nuevo"' in page


def test_teams_are_listed_with_who_leads_them(admin: Browser, rooms: FakeAsk) -> None:
    row = TeamRow(**make_team().model_dump(exclude={"history"}))
    rooms.answers[identity.list_teams.name] = lambda **_: Page(items=[row], next="x")
    page = admin.get("/equipos").text
    assert 'href="/equipos/3">Televentas' in page
    assert "Lorena Cevallos" in page
    assert "En marcha" in page
    assert "desde=x" in page


@pytest.mark.usefixtures("team")
def test_a_team_shows_who_is_in_it_and_who_was(admin: Browser) -> None:
    page = admin.get("/equipos/3").text
    assert "/equipos/3/miembros/8/salida" in page
    assert "/equipos/3/miembros/9/salida" not in page  # has left already
    assert "1 feb 2026" in page
    assert '<option value="ana">' in page
    assert '<option value="ida">' not in page


@pytest.mark.usefixtures("team")
def test_a_team_is_made_and_a_wrong_one_keeps_what_was_typed(
    admin: Browser, rooms: FakeAsk
) -> None:
    rooms.answers[identity.create_team.name] = lambda new: make_team(name=new.name)
    form = {"name": "Quito", "supervisor": "lorena"}
    assert admin.post("/equipos/nuevo", data=form).headers["location"] == "/equipos/3"

    def taken(new: Any) -> None:
        raise Invalid.field("name", "Ya hay un equipo con ese nombre.")

    rooms.answers[identity.create_team.name] = taken
    answer = admin.post("/equipos/nuevo", data=form)
    assert answer.status_code == 422
    assert 'value="Quito"' in answer.text
    assert 'id="error-name">Ya hay un equipo' in answer.text


@pytest.mark.usefixtures("team")
def test_who_is_elsewhere_is_told_at_the_field_and_nothing_else_is_lost(
    admin: Browser, rooms: FakeAsk
) -> None:
    def elsewhere(**_: Any) -> None:
        text = "Ana Mora está en el equipo «Guayaquil» desde el 1 ene 2026."
        raise Conflict(text, [FieldError("username", text)])

    rooms.answers[identity.add_member.name] = elsewhere
    form = {"username": "ana", "starts_on": TODAY.isoformat()}
    answer = admin.post("/equipos/3/miembros", data=form)
    assert answer.status_code == 409
    assert 'id="error-username">Ana Mora está en el equipo «Guayaquil»' in answer.text
    assert 'value="ana"' in answer.text
    rooms.answers[identity.add_member.name] = lambda team_id, new: make_member()
    assert admin.post("/equipos/3/miembros", data=form).status_code == 303


@pytest.mark.usefixtures("team")
def test_somebody_leaves_on_a_day(admin: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.end_member.name] = lambda **_: make_member(ends_on=TODAY)
    answer = admin.post("/equipos/3/miembros/8/salida", data={"ends_on": "2026-12-31"})
    assert answer.status_code == 303
    (heard,) = rooms.heard_of(identity.end_member)
    assert heard.arguments == {"team_id": 3, "member_id": 8, "ends_on": "2026-12-31"}
    assert admin.post("/equipos/3/miembros/8/salida", data={"ends_on": ""}).status_code == 422


@pytest.mark.usefixtures("team")
def test_a_team_is_closed_with_the_version_that_was_seen(admin: Browser, rooms: FakeAsk) -> None:
    rooms.answers[identity.update_team.name] = lambda team_id, change: make_team(active=False)
    assert 'name="active" value="false"' in admin.get("/equipos/3").text
    admin.post("/equipos/3", data={"active": "false", "version": "2"})
    (heard,) = rooms.heard_of(identity.update_team)
    assert heard.arguments["change"] == {"version": 2, "active": False}
