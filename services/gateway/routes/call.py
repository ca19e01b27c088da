"""The advisor's screen: next customer, risk check, result; and the calls that were made."""

from datetime import timedelta
from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from services.gateway import addresses, menu, places
from services.gateway.asking import Ask, Asker
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.rendering import go, render, render_form
from services.gateway.routing import Pages
from shared import bounds, clock
from shared.contract import Id, Model
from shared.contracts.campaign import list_campaigns
from shared.contracts.customer_query import TimelineEntry, list_timeline
from shared.contracts.telemarketing import (
    CALLERS,
    CallPermission,
    CallResult,
    Lease,
    NewCall,
    RiskPurpose,
    check_risk,
    find_last_risk,
    get_day,
    get_lease,
    get_queue_state,
    list_calls,
    list_results,
    next_call,
    record_call,
    release_lease,
    save_note,
)
from shared.ecuador.phones import format_phone
from shared.errors import Conflict, Unavailable
from shared.settings import settings

pages = Pages()
menu.add(
    menu.Heading.TELEMARKETING,
    10,
    "Llamadas",
    "/llamadas",
    CallPermission.WORK,
    icon="headset",
    purpose="Atender al siguiente cliente",
)


class _Question(Model):
    """What the bureau is asked for."""

    purpose: RiskPurpose = RiskPurpose.SALE


TIMELINE = 8  # entries beside the call; the profile has all
_HOUR = timedelta(hours=1)


@pages.get("/llamadas", allow=CallPermission.WORK)
async def show_desk(request: Request, ask: Ask) -> Response:
    """The customer at hand, or how the day stands and whether there is a next one."""
    lease = await ask(get_lease)
    if lease is not None:
        return await _render_call(request, ask, lease, Form())
    state, day = await ask(get_queue_state), await ask(get_day)
    return render(request, "call/desk.html", state=state, day=day)


@pages.post("/llamadas/siguiente", allow=CallPermission.WORK)
async def take_next(request: Request, ask: Ask) -> Response:
    """Take the next customer; the desk tells why when there is none."""
    await ask(next_call)
    return go(request, "/llamadas")


@pages.post("/llamadas/{lease_id:uuid}/resultado", allow=CallPermission.WORK)
async def store_result(request: Request, lease_id: UUID, ask: Ask) -> Response:
    """Record the result; the time of a callback counts only with that result."""
    form = await read_form(request)
    try:
        made = await ask(record_call, _new_call(form, lease_id))
    except FORM_ERRORS as error:
        lease = await ask(get_lease)
        if lease is None or lease.lease_id != lease_id:
            notice = f"El resultado no se guardó. {error.message}"
            return go(request, "/llamadas", notice=notice, warns=True)
        return await _render_call(request, ask, lease, form.failed(error))
    meanings = {meaning.result: meaning.label for meaning in await ask(list_results)}
    return go(request, "/llamadas", notice=f"{made.customer_name}: {meanings[made.result]}.")


def _new_call(form: Form, lease_id: UUID) -> NewCall:
    if form.value("result") == CallResult.CALLBACK:
        return form.parse(NewCall, lease_id=lease_id)
    return form.parse(NewCall, lease_id=lease_id, callback_at=None)


@pages.post("/llamadas/{lease_id:uuid}/nota", allow=CallPermission.WORK)
async def keep_note(request: Request, lease_id: UUID, ask: Ask) -> Response:
    """What is typed during the call, saved as it grows."""
    form = await read_form(request)
    await ask(save_note, lease_id, form.value("note"))
    return Response(status_code=204)


@pages.post("/llamadas/{lease_id:uuid}/soltar", allow=CallPermission.WORK)
async def give_back(request: Request, lease_id: UUID, ask: Ask) -> Response:
    """Leave the customer for later, without a call."""
    try:
        await ask(release_lease, lease_id)
    except Conflict as error:
        return go(request, "/llamadas", notice=error.message, warns=True)
    return go(request, "/llamadas", notice="El cliente vuelve a su lista.")


@pages.get("/llamadas/{lease_id:uuid}/tiempo", allow=CallPermission.WORK)
async def show_time(request: Request, lease_id: UUID, ask: Ask) -> Response:
    """The part that tells how long the customer is still held."""
    lease = await ask(get_lease)
    if lease is not None and lease.lease_id != lease_id:
        return go(request, "/llamadas")
    return render(request, "call/time.html", lease_id=lease_id, minutes=_minutes_left(lease))


@pages.post("/llamadas/riesgo/{customer_id:int}", allow=CallPermission.CHECK_RISK)
async def ask_risk(request: Request, customer_id: Id, ask: Ask) -> Response:
    """The part with the bureau's answer, also when it does not answer."""
    form = await read_form(request)
    asked = form.parse(_Question)
    check = await ask(check_risk, customer_id, asked.purpose)
    return render(
        request, "call/risk.html", customer_id=customer_id, risk=check, purpose=asked.purpose
    )


@pages.get("/llamadas/historial", allow=CALLERS)
async def show_history(
    request: Request,
    ask: Ask,
    campaign_id: addresses.Campaign = "",
    customer_id: addresses.Customer = "",
    advisor: addresses.Advisor = "",
    after: addresses.After = None,
) -> Response:
    """Calls that were made, newest first."""
    found = await ask(
        list_calls,
        campaign_id=_number(campaign_id),
        customer_id=_number(customer_id),
        advisor=advisor.strip() or None,
        after=after,
    )
    campaigns = await ask(list_campaigns, limit=200)
    return render(
        request,
        "call/history.html",
        calls=found,
        campaigns=campaigns.items,
        campaign_id=campaign_id,
        customer_id=customer_id,
        advisor=advisor,
    )


def _number(text: str) -> int | None:
    """A number typed into a filter; an empty filter is none, and so is what is no number."""
    return bounds.whole(text)


async def _render_call(request: Request, ask: Asker, lease: Lease, form: Form) -> Response:
    customer_id = lease.customer.customer_id
    return render_form(
        request,
        "call/call.html",
        form,
        lease=lease,
        lease_id=lease.lease_id,
        customer_id=customer_id,
        customer=lease.customer,
        phone=format_phone(lease.customer.phone),
        place=places.place(lease.customer.canton, lease.customer.province),
        results=await ask(list_results),
        day=await ask(get_day),
        risk=await ask(find_last_risk, customer_id),
        timeline=await _timeline(ask, customer_id),
        minutes=_minutes_left(lease),
        suggested=_suggest_callback(),
    )


async def _timeline(ask: Asker, customer_id: int) -> list[TimelineEntry] | None:
    """The newest entries; None when customer_query does not answer: the call goes on."""
    try:
        return (await ask(list_timeline, customer_id, limit=TIMELINE)).items
    except (Unavailable, Conflict):
        return None


def _minutes_left(lease: Lease | None) -> int:
    if lease is None:
        return 0
    return max(0, int((lease.expires_at - clock.now()).total_seconds() // 60) + 1)


def _suggest_callback() -> str:
    """The hour after the next, as a `datetime-local` field takes it.

    Tomorrow's first when nobody is called any more by then.
    """
    local = clock.now().astimezone(clock.GUAYAQUIL).replace(minute=0) + 2 * _HOUR
    begin, end = settings().calling_hours.split("-")
    if not begin <= f"{local:%H:%M}" < end:
        day = local if f"{local:%H:%M}" < begin else local + 24 * _HOUR
        return f"{day:%Y-%m-%d}T{begin}"
    return f"{local:%Y-%m-%dT%H:%M}"
