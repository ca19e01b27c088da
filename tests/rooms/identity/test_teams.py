"""Teams: whom a supervisor leads today, and that nobody is in two at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert
from sqlalchemy.exc import IntegrityError

from services.identity.models import Member
from shared import clock
from shared.contracts.identity import NewMember, NewTeam, NewUser, TeamChange
from shared.errors import Conflict, Invalid, NotFound

HERE = "10.0.0.1"
PASSWORD = "una-clave-larga"
TODAY = clock.today()
DAY = timedelta(days=1)


@pytest.fixture
def people(identity: Any) -> dict[str, Any]:
    """A supervisor, another one, and three advisors."""
    roles = {"lorena": "supervisor", "marco": "supervisor"} | dict.fromkeys(
        ("ana", "berta", "carlos"), "advisor"
    )
    return {
        name: identity.create_user(
            NewUser(username=name, full_name=name.title(), role=role, password=PASSWORD)
        )
        for name, role in roles.items()
    }


@pytest.fixture
def team(identity: Any, people: dict[str, Any]) -> Any:  # they must be there
    return identity.create_team(NewTeam(name="Televentas", supervisor="lorena"))


def put(identity: Any, team: Any, username: str, since: date = TODAY) -> Any:
    return identity.add_member(team.id, NewMember(username=username, starts_on=since))


def led_by(identity: Any, username: str) -> frozenset[str]:
    """Whom the user's requests may be about, as rooms are told."""
    token = identity.log_in(username, PASSWORD, HERE).token
    found: frozenset[str] = identity.get_session(token).actor.team
    return found


def test_a_supervisor_leads_those_who_are_in_the_team_today(identity: Any, team: Any) -> None:
    put(identity, team, "ana", TODAY)
    put(identity, team, "berta", TODAY + DAY)
    gone = put(identity, team, "carlos", TODAY - 10 * DAY)
    identity.end_member(team.id, gone.id, TODAY - DAY)
    assert led_by(identity, "lorena") == {"ana"}
    assert led_by(identity, "marco") == led_by(identity, "ana") == frozenset()


def test_the_last_day_counts_and_the_one_after_does_not(
    identity: Any, team: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = put(identity, team, "ana")
    identity.end_member(team.id, member.id, TODAY)
    token = identity.log_in("lorena", PASSWORD, HERE).token
    assert identity.get_session(token).actor.team == {"ana"}
    monkeypatch.setattr(clock, "today", lambda: TODAY + DAY)
    assert identity.get_session(token).actor.team == frozenset()


def test_another_supervisor_leads_from_the_next_request_on(identity: Any, team: Any) -> None:
    put(identity, team, "ana")
    token = identity.log_in("lorena", PASSWORD, HERE).token
    identity.update_team(team.id, TeamChange.to(supervisor="marco", version=team.version))
    assert identity.get_session(token).actor.team == frozenset()
    assert led_by(identity, "marco") == {"ana"}


def test_nobody_is_in_two_teams_at_once(identity: Any, team: Any) -> None:
    other = identity.create_team(NewTeam(name="Quito", supervisor="marco"))
    first = put(identity, team, "ana", TODAY - 5 * DAY)
    with pytest.raises(Conflict, match="está en el equipo «Televentas» desde el"):
        put(identity, other, "ana", TODAY)
    identity.end_member(team.id, first.id, TODAY - DAY)
    second = put(identity, other, "ana", TODAY)
    with pytest.raises(Conflict, match="«Quito»"):
        identity.end_member(team.id, first.id, TODAY)
    assert second.starts_on == TODAY
    assert led_by(identity, "marco") == {"ana"}


def test_the_table_itself_refuses_a_second_team(
    identity: Any, team: Any, people: dict[str, Any]
) -> None:
    put(identity, team, "ana")
    values = {"team_id": team.id, "user_id": people["ana"].id, "added_by": "x"}
    row = insert(Member).values(**values, starts_on=TODAY + 30 * DAY, ends_on=None)
    with identity.db() as session, pytest.raises(IntegrityError, match="one_at_a_time"):
        session.execute(row)


def test_a_mistake_is_taken_back_as_if_it_never_was(identity: Any, team: Any) -> None:
    other = identity.create_team(NewTeam(name="Quito", supervisor="marco"))
    wrong = put(identity, team, "ana")
    with pytest.raises(Invalid) as early:
        identity.end_member(team.id, wrong.id, TODAY - 2 * DAY)
    assert [item.field for item in early.value.fields] == ["ends_on"]
    identity.end_member(team.id, wrong.id, TODAY - DAY)
    put(identity, other, "ana")
    assert led_by(identity, "lorena") == frozenset()
    assert len(identity.get_team(team.id).history) == 1  # it stays on record


def test_a_closed_team_leads_nobody_and_its_people_are_free(identity: Any, team: Any) -> None:
    other = identity.create_team(NewTeam(name="Quito", supervisor="marco"))
    put(identity, team, "ana", TODAY - 5 * DAY)
    put(identity, team, "berta", TODAY + 5 * DAY)
    closed = identity.update_team(team.id, TeamChange.to(active=False))
    assert (closed.active, closed.members) == (False, 0)
    assert led_by(identity, "lorena") == frozenset()
    assert put(identity, other, "ana").starts_on == TODAY
    with pytest.raises(Conflict, match="cerrado"):
        put(identity, team, "carlos")


def test_who_leads_a_team_is_none_of_its_members(identity: Any, team: Any) -> None:
    with pytest.raises(Conflict, match="dirige"):
        put(identity, team, "lorena")
    put(identity, team, "marco")
    with pytest.raises(Conflict, match="miembro"):
        identity.update_team(team.id, TeamChange.to(supervisor="marco"))


def test_who_or_what_is_not_there_is_named(identity: Any, team: Any) -> None:
    wrong: dict[str, Callable[[], Any]] = {
        "username": lambda: put(identity, team, "nadie"),
        "supervisor": lambda: identity.create_team(NewTeam(name="Otro", supervisor="nadie")),
        "name": lambda: identity.create_team(NewTeam(name="Televentas", supervisor="lorena")),
    }
    for field, act in wrong.items():
        with pytest.raises(Invalid) as error:
            act()
        assert [item.field for item in error.value.fields] == [field]
    member = put(identity, team, "ana")
    other = identity.create_team(NewTeam(name="Quito", supervisor="marco"))
    with pytest.raises(NotFound):
        identity.end_member(other.id, member.id, TODAY)


def test_a_user_shows_the_team_of_today(identity: Any, team: Any, people: dict[str, Any]) -> None:
    put(identity, team, "ana")
    put(identity, team, "berta", TODAY + DAY)
    shown = {user.username: user.team for user in identity.list_users().items}
    assert (shown["ana"], shown["berta"], shown["lorena"]) == ("Televentas", None, None)
    assert identity.get_user(people["ana"].id).team == "Televentas"


def test_teams_are_listed_by_name_with_how_many_are_in_them(identity: Any, team: Any) -> None:
    identity.create_team(NewTeam(name="Quito", supervisor="marco"))
    put(identity, team, "ana")
    put(identity, team, "berta", TODAY + DAY)
    first = identity.list_teams(limit=1)
    assert [(row.name, row.members) for row in first.items] == [("Quito", 0)]
    rest = identity.list_teams(after=first.next)
    assert [(row.name, row.members) for row in rest.items] == [("Televentas", 1)]


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """What is asked of the database meanwhile, but for what belongs to a transaction."""
    heard: list[str] = []

    def note(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "INSERT", "DELETE")):
            heard.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield heard
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_a_request_costs_one_statement_whatever_the_user_may_and_leads(
    identity: Any, team: Any
) -> None:
    put(identity, team, "ana")
    token = identity.log_in("lorena", PASSWORD, HERE).token
    with statements(identity.db.kw["bind"]) as asked:
        found = identity.get_session(token)
    assert len(asked) == 1
    assert found.actor.team == {"ana"}
