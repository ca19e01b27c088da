"""The record of who did and saw what: search, files, and who saw one customer's data."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Query, Request
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
    AuditWho,
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
_HEADER = (
    *("fecha", "actividad", "usuario", "nombre", "sistema"),
    *("cliente", "motivo", "dirección", "línea"),
)


@dataclass
class _Asked:
    """What was typed into the address."""

    username: Annotated[str, Query(alias="usuario", max_length=100)] = ""
    customer: addresses.Customer = ""
    listed: Annotated[str, Query(alias="listas")] = ""
    action: Annotated[str, Query(alias="accion")] = ""
    from_on: Annotated[str, Query(alias="del")] = ""
    to_on: Annotated[str, Query(alias="al")] = ""
    who: Annotated[str, Query(alias="quien")] = ""
    system: Annotated[str, Query(alias="sistema", max_length=100)] = ""

    @property
    def filters(self) -> dict[str, Any]:
        """As the room takes it; what cannot be anything is no filter."""
        number = int(self.customer) if self.customer.isdecimal() and len(self.customer) < 17 else 0
        return {
            "username": self.username.strip().lower() or None,
            "customer_id": number if 0 < number <= ENTITY_ID_MAX else None,
            "listed": self.listed == "1",
            "action": AuditAction(self.action) if self.action in set(AuditAction) else None,
            "from_on": addresses.day(self.from_on),
            "to_on": addresses.day(self.to_on),
            "who": AuditWho(self.who) if self.who in set(AuditWho) else None,
            "system": self.system.strip() or None,
        }


Asked = Annotated[_Asked, Depends()]


@pages.get("/auditoria", allow=AuditPermission.READ)
async def show_audit(
    request: Request, ask: Ask, asked: Asked, after: addresses.After = None
) -> Response:
    """What was done and seen, newest first."""
    found = await ask(list_audit, after=after, **asked.filters)
    return render(
        request,
        "audit/list.html",
        entries=found,
        filters=asked.filters,
        actions=list(AuditAction),
        file=f"/auditoria/registro.csv?{request.url.query}",
    )


@pages.get("/auditoria/registro.csv", allow=AuditPermission.READ)
async def download_audit(
    ask: Ask, asked: Asked, form: Annotated[TableForm, addresses.Form] = TableForm.CSV
) -> Response:
    """The same as a file, at most 100,000 lines; taking it away is a line of its own."""
    filters = asked.filters
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


async def _find(
    ask: Asker, filters: dict[str, Any], after: str | None, limit: int
) -> Page[AuditEntry]:
    return await ask(list_audit, after=after, limit=limit, **filters)


def _cells(entry: AuditEntry) -> tuple[Cell, ...]:
    who = (entry.username, entry.full_name, entry.system)
    return (
        *(entry.at, entry.sentence, *who),
        *(entry.customer_id, entry.purpose, entry.source, str(entry.id)),
    )
