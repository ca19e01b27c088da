"""Mailing runs: list, a new one, progress and what may be done about it, the monthly schedule."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

from fastapi import Request
from pydantic import Field
from starlette.responses import Response

from services.gateway import addresses, live, menu
from services.gateway.asking import Ask
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.live import Topic
from services.gateway.rendering import go, render, render_form
from services.gateway.routes.recipient import reason_of
from services.gateway.routing import Pages
from shared import bounds
from shared.contract import Id, Line, Model, Moment
from shared.contracts.campaign import (
    Campaign,
    CampaignRow,
    Phase,
    get_campaign,
    list_campaigns,
    list_members,
)
from shared.contracts.customer_query import EVERYBODY, Channel
from shared.contracts.mailer import (
    Mailing,
    MailingChanged,
    MailingProgressed,
    MailingState,
    MailPermission,
    MonthlySchedule,
    NewMailing,
    RecipientState,
    cancel_mailing,
    create_mailing,
    get_mailing,
    get_monthly_schedule,
    list_designs,
    list_mailings,
    list_recipients,
    pause_mailing,
    resume_mailing,
    retry_mailing,
    run_monthly,
    set_monthly_schedule,
)
from shared.errors import Invalid, NotFound
from shared.personal import is_cedula
from shared.words import inside

pages = Pages()
menu.add(
    menu.Heading.MARKETING,
    30,
    "Envíos",
    "/envios",
    MailPermission.READ,
    icon="mail-fast",
    purpose="Correo de las campañas y su avance",
)


def _moved(event: MailingProgressed | MailingChanged) -> list[Topic]:
    return [Topic(f"mailing:{event.mailing_id}", MailPermission.READ)]


live.tell(MailingProgressed, _moved)
live.tell(MailingChanged, _moved)

_MAX_CEDULAS = 100
_MAX_CHOSEN = 50


class NewRun(Model):
    """The form of a new run; without cédulas it goes to everybody."""

    design_id: Id | None = None
    subject: Annotated[Line, Field(max_length=150)] = ""
    send_at: Moment | None = None
    cedulas: str = ""
    again: bool = False


@pages.get("/envios", allow=MailPermission.READ)
async def show_mailings(
    request: Request, ask: Ask, campaign: addresses.CampaignId = None, after: addresses.After = None
) -> Response:
    """Runs, newest first, of one campaign or of all."""
    found = await ask(list_mailings, campaign_id=campaign, after=after)
    return render(request, "mailing/list.html", mailings=found, campaign=campaign)


# --- a new run ---


@pages.get("/envios/nuevo", allow=MailPermission.SEND)
async def show_new_mailing(
    request: Request, ask: Ask, campaign: addresses.CampaignId = None
) -> Response:
    """Choose a campaign in execution, then how and when."""
    if campaign is None:
        choices = await _executing(ask)
        return render(request, "mailing/choose_campaign.html", campaigns=choices)
    return await _new_mailing(request, ask, campaign, Form())


@pages.post("/envios/nuevo", allow=MailPermission.SEND)
async def add_mailing(request: Request, ask: Ask, campaign: addresses.OneCampaign) -> Response:
    """Begin a run; the form's key makes a double click one run."""
    form = await read_form(request)
    try:
        run = form.parse(NewRun)
        mailing = await ask(create_mailing, await _to_contract(ask, campaign, run))
    except FORM_ERRORS as error:
        return await _new_mailing(request, ask, campaign, form.failed(error))
    return go(request, f"/envios/{mailing.id}", notice="El envío comenzó a prepararse.")


async def _new_mailing(request: Request, ask: Ask, campaign_id: int, form: Form) -> Response:
    campaign = await ask(get_campaign, campaign_id)
    designs = await ask(list_designs, limit=200)
    return render_form(
        request,
        "mailing/new.html",
        form,
        campaign=campaign,
        designs=[(str(design.id), design.name) for design in designs.items],
        problem=_problem(campaign),
    )


def _problem(campaign: Campaign) -> str:
    """Why the campaign cannot be mailed now; empty when it can."""
    if campaign.phase is not Phase.EXECUTING:
        return "La campaña no está en ejecución. Cambie su fase para poder enviar."
    if Channel.MAIL not in campaign.channels:
        return "La campaña no usa el correo. Agregue ese canal para poder enviar."
    if not campaign.audience.reachable_mail:
        return "Nadie del público se puede contactar por correo."
    return ""


async def _to_contract(ask: Ask, campaign_id: int, run: NewRun) -> NewMailing:
    return NewMailing(
        campaign_id=campaign_id,
        design_id=run.design_id,
        subject=run.subject,
        send_at=run.send_at,
        again=run.again,
        customer_ids=await _find_members(ask, campaign_id, run.cedulas.split()),
    )


async def _find_members(ask: Ask, campaign_id: int, cedulas: list[str]) -> list[int] | None:
    """The people of these cédulas in the audience. Raises Invalid naming those that are not."""
    wanted = sorted({cedula.strip(",;") for cedula in cedulas})
    if not wanted:
        return None
    if len(wanted) > _MAX_CEDULAS:
        raise Invalid.field("cedulas", f"Escriba como máximo {_MAX_CEDULAS} cédulas.")
    pages = await asyncio.gather(
        *(ask(list_members, campaign_id, search=cedula, limit=1) for cedula in wanted)
    )
    members = [page.items[0] if page.items else None for page in pages]
    found = {
        cedula: member.customer_id
        for cedula, member in zip(wanted, members, strict=True)
        if member is not None and is_cedula(cedula, member.cedula)
    }
    if missing := [cedula for cedula in wanted if cedula not in found]:
        listed = ", ".join(missing[:5])
        raise Invalid.field("cedulas", f"No están en el público de la campaña: {listed}.")
    return sorted(found.values())


async def _executing(ask: Ask) -> list[CampaignRow]:
    found = await ask(list_campaigns, phase=Phase.EXECUTING, limit=200)
    return [campaign for campaign in found.items if Channel.MAIL in campaign.channels]


# --- the monthly schedule ---


@pages.get("/envios/mensual", allow=MailPermission.SEND)
async def show_monthly(request: Request, ask: Ask) -> Response:
    """Day, hour and campaigns of the monthly run."""
    schedule = await ask(get_monthly_schedule)
    return await _monthly(request, ask, Form.of(schedule), schedule.error)


@pages.post("/envios/mensual", allow=MailPermission.SEND)
async def change_monthly(request: Request, ask: Ask) -> Response:
    """Replace the schedule."""
    form = await read_form(request)
    try:
        await ask(set_monthly_schedule, form.parse(MonthlySchedule))
    except FORM_ERRORS as error:
        return await _monthly(request, ask, form.failed(error))
    return go(request, "/envios/mensual", notice="Se guardó la programación mensual.")


@pages.post("/envios/mensual/ejecutar", allow=MailPermission.SEND)
async def run_month(request: Request, ask: Ask) -> Response:
    """Begin this month's runs that have not begun yet."""
    outcomes = await ask(run_monthly)
    started = sum(outcome.started for outcome in outcomes)
    return go(request, "/envios/mensual", notice=_monthly_notice(started, len(outcomes)))


def _monthly_notice(started: int, total: int) -> str:
    if not total:
        return "Ninguna campaña elegida está en ejecución con un diseño."
    if not started:
        return "Los envíos de este mes ya se habían creado: no se envió nada de nuevo."
    return f"Comenzaron {started} envíos; {total - started} ya existían este mes."


async def _monthly(request: Request, ask: Ask, form: Form, problem: str | None = None) -> Response:
    campaigns = {str(campaign.id): campaign.name for campaign in await _executing(ask)}
    others = [text for text in form.chosen("campaign_ids") if text not in campaigns]
    campaigns |= await _not_executing(ask, others)
    mailings = await ask(list_mailings, limit=200)
    return render_form(
        request,
        "mailing/monthly.html",
        form,
        campaigns=list(campaigns.items()),
        mailings=[mailing for mailing in mailings.items if mailing.month],
        problem=problem,
    )


async def _not_executing(ask: Ask, chosen: Sequence[str]) -> dict[str, str]:
    """Campaigns that were chosen and are not offered any more; what names none is left out."""
    found = {}
    for text in list(dict.fromkeys(chosen))[:_MAX_CHOSEN]:
        if (number := bounds.whole(text)) is None:
            continue
        with suppress(NotFound):
            campaign = await ask(get_campaign, number)
            found[text] = f"{campaign.name} ({inside(campaign.phase.word)})"
    return found


# --- one run ---


@pages.get("/envios/{mailing_id}", allow=MailPermission.READ)
async def show_mailing(
    request: Request,
    mailing_id: Id,
    ask: Ask,
    state: Annotated[RecipientState | None, addresses.State] = None,
    after: addresses.After = None,
) -> Response:
    """Progress, and who did not get it and why."""
    mailing = await ask(get_mailing, mailing_id)
    shown = state or _most_telling(mailing)
    recipients = None
    if EVERYBODY.whose(ask.actor) is None:
        recipients = await ask(list_recipients, mailing_id, state=shown, after=after)
    return render(
        request,
        "mailing/show.html",
        mailing=mailing,
        recipients=recipients,
        shown=shown,
        reason_of=reason_of,
        state_shown=mailing.state,
    )


def _most_telling(mailing: Mailing) -> RecipientState:
    """What somebody looks for first: failures, doubts, whose turn never came, who was left out."""
    if mailing.failed:
        return RecipientState.FAILED
    if mailing.doubtful:
        return RecipientState.DOUBTFUL
    if mailing.cancelled:
        return RecipientState.CANCELLED
    return RecipientState.SKIPPED if mailing.skipped else RecipientState.SENT


@pages.get("/envios/{mailing_id}/avance", allow=MailPermission.READ)
async def follow_mailing(
    request: Request, mailing_id: Id, ask: Ask, since: Annotated[MailingState, addresses.Seen]
) -> Response:
    """The live part of the page; `since` is the state that the rest of the page shows."""

    return render(
        request,
        "mailing/progress.html",
        mailing=await ask(get_mailing, mailing_id),
        state_shown=since,
    )


@pages.get("/envios/{mailing_id}/recargar", allow=MailPermission.READ)
async def reload_mailing(mailing_id: Id, ask: Ask) -> Response:
    """Have the browser load the page again: the run's state, and with it the buttons, changed."""
    await ask(get_mailing, mailing_id)
    return Response(status_code=204, headers={"HX-Refresh": "true"})


@pages.post("/envios/{mailing_id}/pausar", allow=MailPermission.SEND)
async def pause(request: Request, mailing_id: Id, ask: Ask) -> Response:
    """Stop for now."""
    await ask(pause_mailing, mailing_id)
    return go(request, f"/envios/{mailing_id}", notice="El envío está pausado.")


@pages.post("/envios/{mailing_id}/reanudar", allow=MailPermission.SEND)
async def resume(request: Request, mailing_id: Id, ask: Ask) -> Response:
    """Go on."""
    await ask(resume_mailing, mailing_id)
    return go(request, f"/envios/{mailing_id}", notice="El envío continúa.")


@pages.post("/envios/{mailing_id}/cancelar", allow=MailPermission.SEND)
async def cancel(request: Request, mailing_id: Id, ask: Ask) -> Response:
    """Stop for good."""
    await ask(cancel_mailing, mailing_id)
    return go(request, f"/envios/{mailing_id}", notice="El envío se canceló.")


@pages.post("/envios/{mailing_id}/reintentar", allow=MailPermission.SEND)
async def retry(request: Request, mailing_id: Id, ask: Ask) -> Response:
    """Send again to the failed and, when asked, the doubtful."""
    form = await read_form(request)
    await ask(retry_mailing, mailing_id, include_doubtful=form.value("include_doubtful") == "true")
    return go(request, f"/envios/{mailing_id}", notice="Se envía de nuevo a quienes faltaban.")
