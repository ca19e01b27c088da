"""Sharing out a campaign's customers among the advisors."""

import asyncio

from fastapi import Request
from starlette.responses import Response

from services.gateway import addresses, menu
from services.gateway.asking import Ask, Asker
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.rendering import go, render_form
from services.gateway.routing import Pages
from shared.contract import Id
from shared.contracts.campaign import CampaignRow, Phase, list_campaigns
from shared.contracts.customer_query import Channel
from shared.contracts.identity import User, UserState, list_users
from shared.contracts.telemarketing import (
    Assigned,
    Assignment,
    CallList,
    CallPermission,
    HandedOver,
    NewAssignment,
    NewHolders,
    Strategy,
    assign_customers,
    count_unassigned,
    get_call_list,
    hand_over,
    list_assignments,
    list_open_work,
    refresh_risks,
    request_call_list,
    take_back,
)
from shared.ecuador.money import format_number
from shared.errors import NotFound

pages = Pages()
menu.add(
    menu.Heading.TELEMARKETING,
    30,
    "Asignaciones",
    "/asignaciones",
    CallPermission.ASSIGN,
    icon="user-check",
    purpose="Repartir clientes entre los asesores",
)


@pages.get("/asignaciones/pendientes", allow=CallPermission.ASSIGN)
async def show_open_work(request: Request, ask: Ask, advisor: addresses.Advisor = "") -> Response:
    """What those who call no more leave to be called, and to whom it may go."""
    return await _render_open_work(request, ask, advisor, Form({}))


@pages.post("/asignaciones/pendientes/{advisor}", allow=CallPermission.ASSIGN)
async def hand_work_over(request: Request, advisor: str, ask: Ask) -> Response:
    """Give it to the chosen advisors."""
    form = await read_form(request)
    try:
        done = await ask(hand_over, advisor, form.parse(NewHolders))
    except FORM_ERRORS as error:
        return await _render_open_work(request, ask, advisor, form.failed(error))
    return go(request, "/asignaciones/pendientes", notice=_handed(advisor, done))


async def _render_open_work(request: Request, ask: Asker, advisor: str, form: Form) -> Response:
    """Somebody who is only on leave is not listed, and may be chosen by the address."""
    work, advisors = await asyncio.gather(ask(list_open_work), _list_advisors(ask))
    return render_form(
        request,
        "assignment/open_work.html",
        form,
        work=work,
        chosen=advisor or (work[0].advisor if work else ""),
        advisors=[user for user in advisors if user.username != advisor],
    )


def _handed(advisor: str, done: HandedOver) -> str:
    given = sum(done.by_advisor.values())
    given_to = ((name, count) for name, count in done.by_advisor.items() if count)
    shares = ", ".join(f"{name} {format_number(count)}" for name, count in given_to)
    told = f"Clientes de {advisor} reasignados: {format_number(given)}"
    told += f" ({shares})." if shares else "."
    left = f" Le quedan {format_number(done.left)}: repita cuando terminen sus llamadas."
    return told + (left if done.left else "")


@pages.get("/asignaciones", allow=CallPermission.ASSIGN)
async def show_assignments(
    request: Request, ask: Ask, campaign_id: addresses.CampaignId = None
) -> Response:
    """A campaign's advisors with what each has, and the form for more."""
    form = Form({"per_advisor": ["50"], "strategy": [Strategy.EQUAL]})
    return await _render(request, ask, campaign_id, form)


@pages.post("/asignaciones/{campaign_id:int}", allow=CallPermission.ASSIGN)
async def assign(request: Request, campaign_id: Id, ask: Ask) -> Response:
    """Give the chosen advisors more customers."""
    form = await read_form(request)
    try:
        assigned = await ask(assign_customers, campaign_id, form.parse(NewAssignment))
    except FORM_ERRORS as error:
        return await _render(request, ask, campaign_id, form.failed(error))
    return go(request, _address(campaign_id), notice=_told(assigned))


@pages.post("/asignaciones/{campaign_id:int}/lista", allow=CallPermission.ASSIGN)
async def ask_for_list(request: Request, campaign_id: Id, ask: Ask) -> Response:
    """Ask for the call list again, after one that did not come."""
    await ask(request_call_list, campaign_id)
    text = "Se pidió la lista de llamadas. Llega en unos minutos."
    return go(request, _address(campaign_id), notice=text)


@pages.post("/asignaciones/{campaign_id:int}/{advisor}/retirar", allow=CallPermission.ASSIGN)
async def free(request: Request, campaign_id: Id, advisor: str, ask: Ask) -> Response:
    """Take an advisor's open customers back."""
    done = await ask(take_back, campaign_id, advisor)
    text = f"Se retiraron {format_number(done.freed)} clientes de {advisor}."
    return go(request, _address(campaign_id), notice=text)


@pages.post("/asignaciones/{campaign_id:int}/{advisor}/riesgos", allow=CallPermission.ASSIGN)
async def refresh(request: Request, campaign_id: Id, advisor: str, ask: Ask) -> Response:
    """Ask the bureau about everybody an advisor has open."""
    done = await ask(refresh_risks, campaign_id, advisor)
    people = format_number(done.customers)
    text = f"Se consulta la central de riesgos por {people} clientes de {advisor}."
    return go(request, _address(campaign_id), notice=text)


async def _render(request: Request, ask: Asker, campaign_id: int | None, form: Form) -> Response:
    campaigns = await _list_campaigns(ask)
    chosen = campaign_id or (campaigns[0].id if campaigns else None)
    return render_form(
        request,
        "assignment/assignments.html",
        form,
        campaigns=campaigns,
        campaign_id=chosen,
        advisors=await _list_advisors(ask),
        assignments=await _by_advisor(ask, chosen),
        unassigned=await ask(count_unassigned, chosen) if chosen else 0,
        call_list=await _find_call_list(ask, chosen),
        strategies=list(Strategy),
    )


async def _find_call_list(ask: Asker, campaign_id: int | None) -> CallList | None:
    if campaign_id is None:
        return None
    try:
        return await ask(get_call_list, campaign_id)
    except NotFound:  # none was asked for yet
        return None


async def _list_campaigns(ask: Asker) -> list[CampaignRow]:
    """Those that are called now: the newest 200 in execution, by phone."""
    found = await ask(list_campaigns, phase=Phase.EXECUTING, limit=200)
    return [row for row in found.items if Channel.PHONE in row.channels]


async def _list_advisors(ask: Asker) -> list[User]:
    """Those to whom this user may give customers."""
    found = await ask(list_users, permission=CallPermission.WORK, limit=200)
    whose = assign_customers.scope.whose(ask.actor)
    return [
        user
        for user in found.items
        if user.state is UserState.ACTIVE and (whose is None or user.username in whose)
    ]


async def _by_advisor(ask: Asker, campaign_id: int | None) -> dict[str, Assignment]:
    """Also of those who are no longer active: what they have must be taken back."""
    if campaign_id is None:
        return {}
    found = await ask(list_assignments, campaign_id=campaign_id, limit=200)
    return {item.advisor: item for item in found.items}


def _told(assigned: Assigned) -> str:
    given = sum(assigned.by_advisor.values())
    shares = ", ".join(f"{name} {count}" for name, count in assigned.by_advisor.items())
    left = format_number(assigned.left)
    if not given:
        return f"No se asignó a nadie. Quedan {left} clientes sin asesor."
    return f"Se asignaron {format_number(given)} clientes: {shares}. Quedan {left} sin asesor."


def _address(campaign_id: int) -> str:
    return f"/asignaciones?campana={campaign_id}"
