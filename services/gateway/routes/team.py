"""Teams: who leads whom, and from when to when."""

from fastapi import Request
from starlette.responses import Response

from services.gateway import addresses, menu
from services.gateway.asking import Ask
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.rendering import go, render, render_form
from services.gateway.routing import Pages
from shared import clock
from shared.contract import Day, Id, Model
from shared.contracts.identity import (
    NewMember,
    NewTeam,
    TeamChange,
    User,
    UserPermission,
    UserState,
    add_member,
    create_team,
    end_member,
    get_team,
    list_teams,
    list_users,
    update_team,
)
from shared.errors import PregonError

pages = Pages()
WRITE = UserPermission.WRITE_TEAMS
menu.add(
    menu.Heading.ADMINISTRATION,
    12,
    "Equipos",
    "/equipos",
    WRITE,
    icon="users-group",
    purpose="Quién supervisa a quién",
)


class _LastDay(Model):
    """When somebody leaves a team."""

    ends_on: Day


@pages.get("/equipos", allow=WRITE)
async def show_teams(request: Request, ask: Ask, after: addresses.After = None) -> Response:
    """Teams by name."""
    return render(request, "identity/teams.html", teams=await ask(list_teams, after=after))


@pages.get("/equipos/nuevo", allow=WRITE)
async def show_new_team(request: Request, ask: Ask) -> Response:
    """An empty form."""
    people = await list_people(ask)
    return render_form(request, "identity/new_team.html", Form(), people=people)


@pages.post("/equipos/nuevo", allow=WRITE)
async def add_team(request: Request, ask: Ask) -> Response:
    """Create a team, and go on with its members."""
    form = await read_form(request)
    try:
        team = await ask(create_team, form.parse(NewTeam))
    except FORM_ERRORS as error:
        people = await list_people(ask)
        return render_form(request, "identity/new_team.html", form.failed(error), people=people)
    return go(request, f"/equipos/{team.id}", notice="Se creó el equipo. Agregue a sus miembros.")


@pages.get("/equipos/{team_id}", allow=WRITE)
async def show_team(request: Request, team_id: Id, ask: Ask) -> Response:
    """One team with its members of now and before."""
    return await _show(request, ask, team_id)


@pages.post("/equipos/{team_id}", allow=WRITE)
async def change_team(request: Request, team_id: Id, ask: Ask) -> Response:
    """Another name or supervisor; close the team, or open it again."""
    form = await read_form(request)
    try:
        team = await ask(update_team, team_id, form.parse(TeamChange))
    except FORM_ERRORS as error:
        return await _show(request, ask, team_id, form=form.failed(error))
    return go(request, f"/equipos/{team_id}", notice=f"Se guardó el equipo {team.name}.")


@pages.post("/equipos/{team_id}/miembros", allow=WRITE)
async def put_in_team(request: Request, team_id: Id, ask: Ask) -> Response:
    """Somebody comes into the team."""
    form = await read_form(request)
    try:
        member = await ask(add_member, team_id, form.parse(NewMember))
    except FORM_ERRORS as error:
        return await _show(request, ask, team_id, coming=form.failed(error))
    return go(request, f"/equipos/{team_id}", notice=f"{member.full_name} entra al equipo.")


@pages.post("/equipos/{team_id}/miembros/{member_id}/salida", allow=WRITE)
async def take_out_of_team(request: Request, team_id: Id, member_id: Id, ask: Ask) -> Response:
    """Somebody's last day in the team."""
    form = await read_form(request)
    try:
        day = form.parse(_LastDay).ends_on
        member = await ask(end_member, team_id, member_id, day)
    except FORM_ERRORS as error:
        return await _show(request, ask, team_id, trouble=error)
    return go(request, f"/equipos/{team_id}", notice=f"{member.full_name} sale del equipo.")


async def _show(
    request: Request,
    ask: Ask,
    team_id: int,
    *,
    form: Form | None = None,
    coming: Form | None = None,
    trouble: PregonError | None = None,
) -> Response:
    """The page of a team; what was typed in one of its forms stays in that one."""
    team = await ask(get_team, team_id)
    today = clock.today()
    form = form or Form.of(team)
    if trouble is not None:
        form.failed(trouble)
    coming = coming or Form({"starts_on": [today.isoformat()]})
    return render(
        request,
        "identity/team.html",
        status=max(form.status, coming.status),
        form=form,
        coming=coming,
        team=team,
        people=await list_people(ask),
        today=today,
    )


async def list_people(ask: Ask) -> list[User]:
    """All who can be named: users who can log in, now or soon."""
    found: list[User] = []
    after: str | None = None
    while True:
        page = await ask(list_users, after=after, limit=200)
        found += [user for user in page.items if user.state in _NAMED]
        if (after := page.next) is None:
            return found


_NAMED = {UserState.ACTIVE, UserState.AWAITED}
