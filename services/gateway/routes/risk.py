"""The risk central: search, loads of its file, and what a load rejected."""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from services.gateway import addresses, live, menu
from services.gateway.asking import Ask, Asker
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.live import Topic
from services.gateway.reasons import Why
from services.gateway.rejects import rejected_risks
from services.gateway.rendering import go, render, render_form
from services.gateway.routing import Pages
from services.gateway.session import SignedIn
from services.gateway.uploads import RISK_FILE, store_named
from shared.contract import Id, Model
from shared.contracts.identity import Session
from shared.contracts.loads import LoadState
from shared.contracts.risk_central import RISK_FILE as RISK_COLUMNS
from shared.contracts.risk_central import (
    LoadMoved,
    NewLoad,
    RiskPermission,
    RiskPurpose,
    RiskReport,
    cancel_load,
    find_risks,
    get_load,
    list_loads,
    preview_load,
    rerun_load,
    resume_load,
    start_load,
)

pages = Pages()
live.tell(LoadMoved, lambda event: [Topic(f"load:{event.load_id}", RiskPermission.LOAD)])
menu.add(
    menu.Heading.CUSTOMERS,
    30,
    "Central de riesgos",
    "/central-de-riesgos",
    RiskPermission.LOAD,
    RiskPermission.SEARCH,
    icon="shield-check",
    purpose="Calificación y deudas de las personas",
)


@pages.get("/central-de-riesgos", allow=frozenset({RiskPermission.LOAD, RiskPermission.SEARCH}))
async def show_risk_central(
    request: Request,
    ask: Ask,
    session: SignedIn,
    search: addresses.Search = "",
    purpose: Annotated[str, Query(alias="finalidad", max_length=20)] = "",
    after: addresses.After = None,
) -> Response:
    """Search for whoever may, with its purpose; loads for whoever loads."""
    form = Form({"search": [search], "purpose": [purpose]})
    if not search.strip() or RiskPermission.SEARCH not in session.permissions:
        return await _render(request, ask, session, form, None, after)
    try:
        asked = form.parse(_Question)
        found = await ask(find_risks, asked.search, asked.purpose)
    except FORM_ERRORS as error:
        return await _render(request, ask, session, form.failed(error), None, after)
    return await _render(request, ask, session, form, found, after)


@pages.post("/central-de-riesgos/cargas", allow=RiskPermission.LOAD, takes=RISK_FILE.takes)
async def upload(request: Request, ask: Ask, session: SignedIn) -> Response:
    """Store the file and begin to load it."""
    form = await read_form(request)
    try:
        stored = await store_named(ask, form.file("file"), RISK_FILE)
        load = await ask(start_load, form.parse(NewLoad, **stored))
    except FORM_ERRORS as error:
        return await _render(request, ask, session, form.failed(error), None, None)
    return go(request, f"/central-de-riesgos/cargas/{load.id}")


@pages.get("/central-de-riesgos/cargas/{load_id:int}", allow=RiskPermission.LOAD)
async def show_load(request: Request, load_id: Id, ask: Ask) -> Response:
    """One load; its progress asks again by itself while it runs."""
    load = await ask(get_load, load_id)
    held = load.state is LoadState.HELD
    return render(
        request,
        "risk/load.html",
        load=load,
        form=Form(
            {
                "dry_run": ["true"] if load.dry_run else [],
                "removes_most": ["true"] if load.removes_most else [],
            }
        ),
        columns=RISK_COLUMNS,
        preview=await ask(preview_load, load_id) if held else None,
    )


@pages.post("/central-de-riesgos/cargas/{load_id:int}/leer", allow=RiskPermission.LOAD)
async def read_held(request: Request, load_id: Id, ask: Ask) -> Response:
    """Go on with a file whose first rows were shown."""
    form = await read_form(request)
    dry_run, removes_most = _is_on(form, "dry_run"), _is_on(form, "removes_most")
    await ask(resume_load, load_id, dry_run, removes_most)
    return go(request, f"/central-de-riesgos/cargas/{load_id}")


@pages.post("/central-de-riesgos/cargas/{load_id:int}/cancelar", allow=RiskPermission.LOAD)
async def cancel(request: Request, load_id: Id, ask: Ask) -> Response:
    """Stop loading; of a full load nothing stays."""
    await ask(cancel_load, load_id)
    notice = "La carga se canceló."
    return go(request, f"/central-de-riesgos/cargas/{load_id}", notice=notice)


@pages.post("/central-de-riesgos/cargas/{load_id:int}/repetir", allow=RiskPermission.LOAD)
async def rerun(request: Request, load_id: Id, ask: Ask) -> Response:
    """Go on with a load that failed, or load what was only tried."""
    form = await read_form(request)
    begun = await ask(rerun_load, load_id, _is_on(form, "removes_most") or None)
    return go(request, f"/central-de-riesgos/cargas/{begun.id}")


@pages.get("/central-de-riesgos/cargas/{load_id:int}/avance", allow=RiskPermission.LOAD)
async def show_progress(request: Request, load_id: Id, ask: Ask) -> Response:
    """The part of the page that moves; the whole page once the load has ended."""
    load = await ask(get_load, load_id)
    if load.finished_at is not None or load.state is LoadState.HELD:
        return go(request, f"/central-de-riesgos/cargas/{load_id}")
    return render(request, "risk/progress.html", load=load)


@pages.get("/central-de-riesgos/cargas/{load_id:int}/rechazadas", allow=RiskPermission.LOAD)
async def download_rejected_rows(load_id: Id, ask: Ask, why: Why) -> Response:
    """The rejected rows with a column `motivo`."""
    return await rejected_risks(ask, await ask(get_load, load_id), why)


def _is_on(form: Form, switch: str) -> bool:
    return form.value(switch) == "true"


class _Question(Model):
    search: str
    purpose: RiskPurpose


async def _render(
    request: Request,
    ask: Asker,
    session: Session,
    form: Form,
    found: list[RiskReport] | None,
    after: str | None,
) -> Response:
    may_load = RiskPermission.LOAD in session.permissions
    return render_form(
        request,
        "risk/risk_central.html",
        form,
        found=found,
        loads=await ask(list_loads, after=after) if may_load else None,
        accepted=RISK_FILE,
        purposes=list(RiskPurpose),
    )
