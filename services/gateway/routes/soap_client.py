"""SOAP clients of the risk central: who may ask, how much, and what was asked."""

from functools import partial
from typing import Annotated, Any

from fastapi import Path, Query, Request
from starlette.responses import Response

from services.gateway import addresses, menu
from services.gateway.asking import Ask, Asker
from services.gateway.downloads import LongTable, TableForm, rows_of, table
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.rendering import go, render, render_form
from services.gateway.routing import Pages
from shared import clock
from shared.contract import Page
from shared.contracts.audit import AuditKind, AuditPermission, record_export
from shared.contracts.risk_central import (
    FORMER_HOURS,
    NewSoapClient,
    RiskPermission,
    SoapClient,
    SoapClientChange,
    SoapOutcome,
    SoapQuestion,
    activate_soap_client,
    create_soap_client,
    deactivate_soap_client,
    get_soap_client,
    get_soap_ledger,
    list_soap_askers,
    list_soap_clients,
    list_soap_questions,
    renew_soap_secret,
    update_soap_client,
)
from shared.errors import PregonError
from shared.sheets import About, Cell

pages = Pages()
WRITE = RiskPermission.CLIENTS
LIST, QUESTIONS = "/central-de-riesgos/clientes", "/central-de-riesgos/consultas"
ONE = LIST + "/{name}"
Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_.-]{2,39}$")]
menu.add(
    menu.Heading.ADMINISTRATION,
    17,
    "Clientes SOAP",
    LIST,
    WRITE,
    icon="plug-connected",
    purpose="Qué sistemas consultan la central de riesgos, y cuánto",
)
_SHOWN = 10  # last questions on a client's page
_HEADER = ("fecha", "cliente", "operación", "personas", "conocidas", "resultado", "dirección", "ms")

Client = Annotated[str, Query(alias="sistema", max_length=100)]
Outcome = Annotated[str, Query(alias="resultado", max_length=40)]
On = Annotated[str, Query(alias="dia", max_length=20)]
Cedula = Annotated[str, Query(alias="cedula", max_length=20)]


@pages.get(LIST, allow=WRITE)
async def show_clients(request: Request, ask: Ask, after: addresses.After = None) -> Response:
    """Clients with their use of today against what they have."""
    clients = await ask(list_soap_clients, after=after)
    return render(request, "soap_client/list.html", clients=clients)


@pages.get(LIST + "/nuevo", allow=WRITE)
async def show_new_client(request: Request) -> Response:
    """A form with what a client usually has."""
    fields = NewSoapClient.model_fields
    begin = {name: [str(fields[name].default)] for name in ("per_minute", "per_day", "at_once")}
    return render_form(request, "soap_client/new.html", Form(begin))


@pages.post(LIST + "/nuevo", allow=WRITE)
async def add_client(request: Request, ask: Ask) -> Response:
    """Make a client; the answer alone shows its secret, which is kept nowhere."""
    form = await read_form(request)
    try:
        new = form.parse(NewSoapClient, networks=form.value("networks").split())
        client = await ask(create_soap_client, new)
    except FORM_ERRORS as error:
        return render_form(request, "soap_client/new.html", form.failed(error))
    return render(request, "soap_client/secret.html", client=client, title="Se creó el cliente")


@pages.get(ONE, allow=WRITE)
async def show_client(request: Request, name: Name, ask: Ask) -> Response:
    """One client, to be changed, with its last questions."""
    return await _show(request, ask, name)


@pages.post(ONE, allow=WRITE)
async def change_client(request: Request, name: Name, ask: Ask) -> Response:
    """Other limits; the door knows within seconds."""
    form = await read_form(request)
    try:
        change = form.parse(SoapClientChange, networks=form.value("networks").split())
        client = await ask(update_soap_client, name, change)
    except FORM_ERRORS as error:
        return await _show(request, ask, name, form.failed(error))
    return go(request, _address(name), notice=f"Se guardó {client.title}. Ya rige.")


@pages.post(ONE + "/clave", allow=WRITE)
async def renew_secret(request: Request, name: Name, ask: Ask) -> Response:
    """A new secret, shown once; the present one is good for a day more."""
    try:
        client = await ask(renew_soap_secret, name)
    except PregonError as error:
        return go(request, _address(name), notice=error.message, warns=True)
    return render(request, "soap_client/secret.html", client=client, title="Hay una clave nueva")


@pages.post(ONE + "/desactivar", allow=WRITE)
async def shut_out(request: Request, name: Name, ask: Ask) -> Response:
    """Shut it out within seconds."""
    client = await ask(deactivate_soap_client, name)
    return go(request, _address(name), notice=f"Se desactivó {client.title}. Ya no entra.")


@pages.post(ONE + "/activar", allow=WRITE)
async def let_in(request: Request, name: Name, ask: Ask) -> Response:
    """Let it in again, with a new secret."""
    try:
        client = await ask(activate_soap_client, name)
    except PregonError as error:
        return go(request, _address(name), notice=error.message, warns=True)
    return render(request, "soap_client/secret.html", client=client, title="Se activó el cliente")


# --- what was asked ---


@pages.get(QUESTIONS, allow=WRITE)
async def show_questions(
    request: Request,
    ask: Ask,
    client: Client = "",
    on: On = "",
    outcome: Outcome = "",
    after: addresses.After = None,
) -> Response:
    """What was asked over SOAP, newest first."""
    filters = _filters(client, on, outcome)
    return render(
        request,
        "soap_client/questions.html",
        questions=await ask(list_soap_questions, after=after, **filters),
        ledger=await ask(get_soap_ledger),
        filters=filters,
        outcomes=list(SoapOutcome),
        file=f"{QUESTIONS}.csv?{request.url.query}",
    )


@pages.get(QUESTIONS + ".csv", allow=WRITE)
async def download_questions(
    ask: Ask,
    client: Client = "",
    on: On = "",
    outcome: Outcome = "",
    form: Annotated[TableForm, addresses.Form] = TableForm.CSV,
) -> Response:
    """The same as a file, at most 100,000 rows; taking it away is on record."""
    filters = _filters(client, on, outcome)
    await ask(record_export, AuditKind.BUREAU)
    found = LongTable("Consultas por SOAP", _HEADER, rows_of(partial(_find, ask, filters), _cells))
    told = tuple((name, str(value)) for name, value in filters.items() if value)
    about = About(found.title, by=ask.full_name, as_of=clock.now(), filters=told)
    return await table("consultas-por-soap", found, form, about)


@pages.get("/central-de-riesgos/quien-consulto", allow=AuditPermission.READ)
async def show_askers(
    request: Request, ask: Ask, cedula: Cedula = "", after: addresses.After = None
) -> Response:
    """Which systems asked about a person; that somebody looked is on record."""
    form, found = Form({"cedula": [cedula]}), None
    if cedula.strip():
        try:
            found = await ask(list_soap_askers, cedula, after=after)
        except FORM_ERRORS as error:
            form = form.failed(error)
    return render_form(request, "soap_client/askers.html", form, questions=found)


def _filters(client: str, on: str, outcome: str) -> dict[str, Any]:
    """What was typed into the address; what cannot be anything is no filter."""
    return {
        "client": client.strip() or None,
        "day": addresses.day(on),
        "outcome": SoapOutcome(outcome) if outcome in set(SoapOutcome) else None,
    }


async def _find(
    ask: Asker, filters: dict[str, Any], after: str | None, limit: int
) -> Page[SoapQuestion]:
    return await ask(list_soap_questions, after=after, limit=limit, **filters)


def _cells(question: SoapQuestion) -> tuple[Cell, ...]:
    counts = (question.persons, question.known, question.outcome.word)
    asked = (question.at, question.client, question.operation)
    return (*asked, *counts, question.address, question.milliseconds)


async def _show(request: Request, ask: Asker, name: str, form: Form | None = None) -> Response:
    client = await ask(get_soap_client, name)
    last: Page[SoapQuestion] = await ask(list_soap_questions, client=name, limit=_SHOWN)
    return render_form(
        request,
        "soap_client/one.html",
        form or _form_of(client),
        client=client,
        questions=last,
        former_hours=FORMER_HOURS,
    )


def _form_of(client: SoapClient) -> Form:
    stored = {"title": [client.title], "networks": ["\n".join(client.networks)]}
    numbers = ("per_minute", "per_day", "at_once", "version")
    return Form(stored | {name: [str(getattr(client, name))] for name in numbers})


def _address(name: str) -> str:
    return f"{LIST}/{name}"
