"""identity's teams: who leads whom, and from when to when."""

from datetime import date
from typing import Annotated

from pydantic import Field

from shared.change import Change
from shared.contract import Day, Id, Limit, Line, Model, Page, procedure
from shared.contracts.staff import Username
from shared.scope import HOUSE
from shared.words import Term


class TeamState(Term):
    """Whether a team's supervisor leads anybody by it."""

    RUNNING = "running", "En marcha"
    CLOSED = "closed", "Cerrado"


class Member(Model):
    """Somebody in a team, for a time; both days count."""

    id: int
    username: str
    full_name: str
    starts_on: date
    ends_on: date | None  # None: until further notice


class TeamRow(Model):
    """A team, as a list shows it."""

    id: int
    name: str
    supervisor: str
    supervisor_name: str
    active: bool
    members: int  # today
    version: int  # grows with each change of the team itself

    @property
    def state(self) -> TeamState:
        """As a page names it."""
        return TeamState.RUNNING if self.active else TeamState.CLOSED


class Team(TeamRow):
    """A team with all who are, were or will be in it, the latest first."""

    history: list[Member]


class NewTeam(Model):
    """A team to create; its members come afterwards."""

    name: Annotated[Line, Field(min_length=3, max_length=80)]
    supervisor: Username


class TeamChange(Change, of=NewTeam):
    """What to change of a team. To close it ends the time of its members with yesterday."""

    active: bool


class NewMember(Model):
    """Somebody who comes into a team."""

    username: Username
    starts_on: Day


@procedure("identity", scope=HOUSE)
def list_teams(after: str | None = None, limit: Limit = 50) -> Page[TeamRow]:
    """List teams by name.

    Closed ones too, each with how many are in it today.
    """


@procedure("identity", scope=HOUSE)
def get_team(team_id: Id) -> Team:
    """Get a team.

    With its members of now, of before and of later.

    NotFound: there is no such team.
    """


@procedure("identity", scope=HOUSE, example={"name": "Televentas Quito", "supervisor": "lcevallos"})
def create_team(new: NewTeam) -> Team:
    """Create a team.

    Its supervisor leads nobody yet; members are added one by one.

    Invalid: a field is wrong, the name is taken, or there is no such user.
    """


@procedure("identity", scope=HOUSE, example={"supervisor": "lcevallos", "version": 1})
def update_team(team_id: Id, change: TeamChange) -> Team:
    """Change what is sent of a team.

    Who supervises, and whether the team runs, counts from the next request on.

    NotFound: there is no such team.
    Conflict: somebody changed the team after that `version`, or the supervisor is a member.
    Invalid: a field is wrong, the name is taken, or there is no such user.
    """


@procedure("identity", scope=HOUSE, example={"username": "lgomez", "starts_on": "2026-12-01"})
def add_member(team_id: Id, new: NewMember) -> Member:
    """Put somebody into a team.

    From a day on, until further notice; nobody is in two teams at once.

    NotFound: there is no such team.
    Conflict: the team is closed, or the person is in a team on one of these days or supervises
    this one.
    Invalid: there is no such user.
    """


@procedure("identity", scope=HOUSE, example={"ends_on": "2026-12-31"})
def end_member(team_id: Id, member_id: Id, ends_on: Day) -> Member:
    """Say the last day of somebody in a team.

    The day before the first one takes a membership back that never was.

    NotFound: the team has no such membership.
    Conflict: the person is in another team on one of these days.
    Invalid: it had not begun by that day.
    """
