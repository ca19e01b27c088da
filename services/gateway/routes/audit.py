"""The record of who did and saw what: search, files, and who saw one customer's data."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query, Request
from starlette.responses import Response

from services.gateway import addresses, menu
from services.gateway.asking import Ask, Asker
from services.gateway.downloads import LongTable, TableForm, rows_of, table
from services.gateway.rendering import render
from services.gateway.routing import Pages
from shared import clock
from shared.contract import ENTITY_ID_MAX, Id, Page
from shared.contracts.audit import (
    AuditAction,
    AuditEntry,
    AuditKind,
    AuditPermission,
    list_audit,
    list_viewers,
    record_export,
)
from shared.sheets import About, Cell

pages = Pages()
menu.add(
    menu.Heading.ADMINISTRATION,
    60,
    "Auditoría",
    "/auditoria",
    AuditPermission.READ,
    icon="history",
    purpose="Quién hizo y vio qué",
)
_HEADER = ("fecha", "actividad", "usuario", "nombre", "cliente", "motivo", "dirección", "línea")

Username = Annotated[str, Query(alias="usuario", max_length=100)]
Action = Annotated[str, Query(alias="accion")]
FromOn = Annotated[str, Query(alias="del")]
ToOn = Annotated[str, Query(alias="al")]
Listed = Annotated[str, Query(alias="listas")]


@pages.get("/auditoria", allow=AuditPermission.READ)
async def show_audit(
    request: Request,
    ask: Ask,
    username: Username = "",
    customer: addresses.Customer = "",
    listed: Listed = "",
    action: Action = "",
    from_on: FromOn = "",
    to_on: ToOn = "",
    after: addresses.After = None,
) -> Response:
    """What was done and seen, newest first."""
    filters = _filters(username, customer, listed, action, from_on, to_on)
    found = await ask(list_audit, after=after, **filters)
    return render(
        request,
        "audit/list.html",
        entries=found,
        filters=filters,
        actions=list(AuditAction),
        file=f"/auditoria/registro.csv?{request.url.query}",
    )


@pages.get("/auditoria/registro.csv", allow=AuditPermission.READ)
async def download_audit(
    ask: Ask,
    username: Username = "",
    customer: addresses.Customer = "",
    listed: Listed = "",
    action: Action = "",
    from_on: FromOn = "",
    to_on: ToOn = "",
    form: Annotated[TableForm, addresses.Form] = TableForm.CSV,
) -> Response:
    """The same as a file, at most 100,000 lines; taking it away is a line of its own."""
    filters = _filters(username, customer, listed, action, from_on, to_on)
    await ask(record_export, AuditKind.AUDIT)
    found = LongTable(
        "Registro de actividades", _HEADER, rows_of(partial(_find, ask, filters), _cells)
    )
    told = tuple((name, str(value)) for name, value in filters.items() if value)
    about = About(found.title, by=ask.full_name, as_of=clock.now(), filters=told)
    return await table("registro-de-actividades", found, form, about)


@pages.get("/clientes/{customer_id:int}/quien-vio", allow=AuditPermission.READ_PERSON)
async def show_viewers(
    request: Request, customer_id: Id, ask: Ask, after: addresses.After = None
) -> Response:
    """Who saw or changed a customer's data; for the card of the customer's page."""
    found = await ask(list_viewers, customer_id, after=after)
    return render(request, "audit/viewers.html", customer_id=customer_id, entries=found)


def _filters(
    username: str, customer: str, listed: str, action: str, from_on: str, to_on: str
) -> dict[str, Any]:
    """What was typed into the address; what cannot be anything is no filter."""
    number = int(customer) if customer.isdecimal() and len(customer) < 17 else 0
    return {
        "username": username.strip().lower() or None,
        "customer_id": number if 0 < number <= ENTITY_ID_MAX else None,
        "listed": listed == "1",
        "action": AuditAction(action) if action in set(AuditAction) else None,
        "from_on": addresses.day(from_on),
        "to_on": addresses.day(to_on),
    }


async def _find(
    ask: Asker, filters: dict[str, Any], after: str | None, limit: int
) -> Page[AuditEntry]:
    return await ask(list_audit, after=after, limit=limit, **filters)


def _cells(entry: AuditEntry) -> tuple[Cell, ...]:
    who = (entry.username, entry.full_name)
    return (
        *(entry.at, entry.sentence, *who),
        *(entry.customer_id, entry.purpose, entry.source, str(entry.id)),
    )
