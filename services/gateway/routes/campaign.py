"""Campaigns: list and board, the form, and the campaign's page with its audience and work."""

import re
from collections.abc import Awaitable
from typing import Any, TypeVar

from fastapi import Request
from starlette.responses import Response

from services.gateway import addresses, lists, live, menu, places
from services.gateway.asking import Ask, Asker
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.live import Topic
from services.gateway.rendering import go, render, render_form
from services.gateway.routes.segment import read_definition
from services.gateway.routing import Pages
from shared.contract import Id
from shared.contracts.campaign import (
    CAMPAIGNS,
    AudienceMoved,
    AudienceState,
    Campaign,
    CampaignChange,
    CampaignPermission,
    NewCampaign,
    Phase,
    change_phase,
    create_campaign,
    get_audience,
    get_campaign,
    list_campaigns,
    list_members,
    list_phase_changes,
    request_audience,
    update_campaign,
)
from shared.contracts.customer_query import EVERYBODY, Channel, describe_segment, list_segments
from shared.contracts.mailer import Design, list_designs, list_mailings
from shared.contracts.telemarketing import count_unassigned, list_assignments, list_calls
from shared.errors import FieldError, Invalid, NotFound, Unavailable

pages = Pages()
menu.add(
    menu.Heading.MARKETING,
    10,
    "Campañas",
    "/campanas",
    CampaignPermission.READ,
    icon="speakerphone",
    purpose="Las campañas, sus fases y resultados",
)
live.tell(
    AudienceMoved,
    lambda event: [Topic(f"audience:{event.campaign_id}", CampaignPermission.READ)],
)
T = TypeVar("T")

BOARD = (
    Phase.DRAFT,
    Phase.PLANNED,
    Phase.EXECUTING,
    Phase.PAUSED,
    Phase.CLOSING,
    Phase.FINISHED,
)
_BOARD_LIMIT = 20
_SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
_NUMBER = re.compile(r"0(\.\d+)?")


@pages.get("/campanas", allow=CampaignPermission.READ)
async def show_campaigns(request: Request, ask: Ask) -> Response:
    """Campaigns, newest first."""
    return await lists.render(request, ask, CAMPAIGNS, "campaign/list.html")


@pages.get("/campanas/descargar", allow=CampaignPermission.READ)
async def download_campaigns(request: Request, ask: Ask) -> Response:
    """The list as a file."""
    return await lists.download(request, ask, CAMPAIGNS)


@pages.get("/campanas/tablero", allow=CampaignPermission.READ)
async def show_board(request: Request, ask: Ask) -> Response:
    """The newest campaigns of each phase, side by side."""
    columns = {phase: await ask(list_campaigns, phase=phase, limit=_BOARD_LIMIT) for phase in BOARD}
    return render(request, "campaign/board.html", columns=columns)


# --- the form ---


@pages.get("/campanas/nueva", allow=CampaignPermission.WRITE)
async def show_new_campaign(
    request: Request, ask: Ask, segmento: str = "", definicion: str = ""
) -> Response:
    """An empty form; the builder passes a definition, the list of segments the number of one."""
    form = Form({"channels": list(Channel), "segment_id": [segmento], "definition": [definicion]})
    return await _render_new(request, ask, form)


@pages.post("/campanas/nueva", allow=CampaignPermission.WRITE)
async def add_campaign(request: Request, ask: Ask) -> Response:
    """Create a draft, whose audience is transferred at once."""
    form = await read_form(request)
    try:
        campaign = await ask(create_campaign, _parse_new(form))
    except (*FORM_ERRORS, NotFound, Unavailable) as error:
        return await _render_new(request, ask, form.failed(error))
    notice = "Se creó la campaña. Su público se está transfiriendo."
    return go(request, f"/campanas/{campaign.id}", notice=notice)


@pages.get("/campanas/{campaign_id:int}/editar", allow=CampaignPermission.WRITE)
async def show_edit(request: Request, campaign_id: Id, ask: Ask) -> Response:
    """The campaign as a form."""
    campaign = await ask(get_campaign, campaign_id)
    return await _render_edit(request, ask, Form.of(campaign), campaign)


@pages.post("/campanas/{campaign_id:int}/editar", allow=CampaignPermission.WRITE)
async def edit_campaign(request: Request, campaign_id: Id, ask: Ask) -> Response:
    """Change the campaign; emptied fields are emptied."""
    form = await read_form(request)
    try:
        await ask(update_campaign, campaign_id, form.parse(CampaignChange))
    except (*FORM_ERRORS, NotFound, Unavailable) as error:
        campaign = await ask(get_campaign, campaign_id)
        return await _render_edit(request, ask, form.failed(error), campaign)
    return go(request, f"/campanas/{campaign_id}", notice="Se guardaron los cambios.")


def _parse_new(form: Form) -> NewCampaign:
    definition = form.value("definition")
    chosen: dict[str, Any] = {"definition": read_definition(definition)} if definition else {}
    if definition:
        chosen["segment_id"] = None
    return form.parse(NewCampaign, **chosen)


async def _render_new(request: Request, ask: Asker, form: Form) -> Response:
    summary = await _describe(ask, form)
    return render_form(
        request,
        "campaign/new.html",
        form,
        summary=summary,
        segments=[] if summary else (await ask(list_segments, limit=200)).items,
        **await _choices(ask),
    )


async def _render_edit(request: Request, ask: Asker, form: Form, campaign: Campaign) -> Response:
    return render_form(
        request, "campaign/edit.html", form, campaign=campaign, **await _choices(ask)
    )


async def _describe(ask: Asker, form: Form) -> str:
    """The passed definition in Spanish; empty without one."""
    if not form.value("definition"):
        return ""
    try:
        return await ask(describe_segment, read_definition(form.value("definition")))
    except Invalid as error:
        form.failed(error)
        return "El segmento tiene errores"


async def _choices(ask: Asker) -> dict[str, Any]:
    designs = await _if_there(ask(list_designs, limit=200))
    return {
        "channels": list(Channel),
        "shares": _share_options,
        "designs": None if designs is None else _design_options(designs.items),
    }


def _share_options(chosen: str) -> list[tuple[str, str]]:
    """Usual shares to hold back, and the campaign's own where it is another."""
    shares = sorted({*_SHARES, *([float(chosen)] if _NUMBER.fullmatch(chosen) else [])})
    return [(str(share), f"{share * 100:g} %" if share else "Sin control") for share in shares]


def _design_options(designs: list[Design]) -> list[tuple[str, str]]:
    return [(str(design.id), design.name) for design in designs]


# --- the campaign's page ---


@pages.get("/campanas/{campaign_id:int}", allow=CampaignPermission.READ)
async def show_campaign(
    request: Request,
    campaign_id: Id,
    ask: Ask,
    search: addresses.Search = "",
    after: addresses.After = None,
) -> Response:
    """The plan and the audience."""
    members = None
    if EVERYBODY.whose(ask.actor) is None:
        members = await ask(list_members, campaign_id, search=search.strip() or None, after=after)
    return await _render_tab(
        request,
        ask,
        campaign_id,
        "audience",
        members=members,
        search=search,
        place=places.place,
    )


@pages.get("/campanas/{campaign_id:int}/publico", allow=CampaignPermission.READ)
async def show_audience(request: Request, campaign_id: Id, ask: Ask) -> Response:
    """The part that moves while the audience is transferred; the whole page when it is there."""
    audience = await ask(get_audience, campaign_id)
    if audience.state is not AudienceState.TRANSFERRING:
        return go(request, f"/campanas/{campaign_id}")
    return render(request, "campaign/transfer.html", audience=audience, campaign_id=campaign_id)


@pages.post("/campanas/{campaign_id:int}/publico", allow=CampaignPermission.WRITE)
async def transfer_audience(request: Request, campaign_id: Id, ask: Ask) -> Response:
    """Transfer the segment's customers anew."""
    await ask(request_audience, campaign_id)
    return go(request, f"/campanas/{campaign_id}", notice="El público se está transfiriendo.")


@pages.get("/campanas/{campaign_id:int}/fases", allow=CampaignPermission.READ)
async def show_phases(request: Request, campaign_id: Id, ask: Ask) -> Response:
    """Where it stands, where it may go, and who moved it."""
    return await _render_phases(request, ask, campaign_id, Form())


@pages.post("/campanas/{campaign_id:int}/fases", allow=CampaignPermission.WRITE)
async def move_campaign(request: Request, campaign_id: Id, ask: Ask) -> Response:
    """Move to another phase; what is missing for it is listed."""
    form = await read_form(request)
    try:
        phase = _parse_phase(form.value("phase"))
        await ask(change_phase, campaign_id, phase, form.value("reason"))
    except FORM_ERRORS as error:
        missing = [item for item in error.fields if item.field != "reason"]
        return await _render_phases(request, ask, campaign_id, form.failed(error), missing)
    return go(request, f"/campanas/{campaign_id}/fases", notice="La campaña cambió de fase.")


@pages.get("/campanas/{campaign_id:int}/correo", allow=CampaignPermission.READ)
async def show_mail(
    request: Request, campaign_id: Id, ask: Ask, after: addresses.After = None
) -> Response:
    """The campaign's mailings; a message where mail does not answer."""
    mailings = await _if_there(ask(list_mailings, campaign_id=campaign_id, after=after))
    return await _render_tab(request, ask, campaign_id, "mail", mailings=mailings)


@pages.get("/campanas/{campaign_id:int}/llamadas", allow=CampaignPermission.READ)
async def show_calls(
    request: Request, campaign_id: Id, ask: Ask, after: addresses.After = None
) -> Response:
    """Who calls whom and what came of it; a message where telemarketing does not answer."""
    assignments = await _if_there(ask(list_assignments, campaign_id=campaign_id, limit=200))
    there = assignments is not None
    return await _render_tab(
        request,
        ask,
        campaign_id,
        "calls",
        assignments=assignments,
        calls=await _if_there(ask(list_calls, campaign_id=campaign_id, after=after))
        if there
        else None,
        left=await _if_there(ask(count_unassigned, campaign_id)) if there else None,
    )


def _parse_phase(text: str) -> Phase:
    if text not in set(Phase):
        raise Invalid.field("phase", "Elija la fase.")
    return Phase(text)


async def _render_phases(
    request: Request,
    ask: Asker,
    campaign_id: int,
    form: Form,
    missing: list[FieldError] | None = None,
) -> Response:
    changes = await ask(list_phase_changes, campaign_id)
    return await _render_tab(
        request,
        ask,
        campaign_id,
        "phases",
        status=form.status,
        form=form,
        changes=changes,
        missing=missing or [],
    )


async def _render_tab(
    request: Request, ask: Asker, campaign_id: int, tab: str, **context: Any
) -> Response:
    campaign = await ask(get_campaign, campaign_id)
    return render(request, f"campaign/{tab}.html", campaign=campaign, **context)


async def _if_there(asked: Awaitable[T]) -> T | None:
    """The reply, or None while its room does not answer."""
    try:
        return await asked
    except (Unavailable, NotFound):
        return None
