"""Whom a mailing run went to and whom not, as a file."""

from collections.abc import AsyncIterator, Iterable
from typing import Annotated

from starlette.responses import Response

from services.gateway import addresses
from services.gateway.asking import Ask
from services.gateway.downloads import LongTable, TableForm, table
from services.gateway.reasons import Why
from services.gateway.routing import Pages
from shared import clock, exports
from shared.contract import Id
from shared.contracts.audit import AuditKind, record_export
from shared.contracts.exports import ExportWhy
from shared.contracts.mailer import (
    MailPermission,
    Recipient,
    RecipientState,
    SkipReason,
    export_recipients,
    get_mailing,
    told,
)
from shared.sheets import About, Cell

pages = Pages()
_FILE_PAGE = 200
_NOT_RECEIVED = (
    RecipientState.FAILED,
    RecipientState.DOUBTFUL,
    RecipientState.SKIPPED,
    RecipientState.CANCELLED,
)


def reason_of(row: Recipient) -> str:
    """Why somebody was skipped, or the mail server's own words."""
    known = {reason.value: reason.word for reason in SkipReason}
    return known.get(row.reason, told(row.reason)) if row.reason else ""


@pages.get("/envios/{mailing_id}/destinatarios.csv", allow=MailPermission.READ)
async def download_recipients(
    mailing_id: Id,
    ask: Ask,
    why: Why,
    state: Annotated[RecipientState | None, addresses.State] = None,
    form: Annotated[TableForm, addresses.Form] = TableForm.CSV,
) -> Response:
    """The ledger of one state or, without one, of all who did not get the mail.

    Addresses are whole for whoever may take them away and says why.
    """
    mailing = await ask(get_mailing, mailing_id)
    exports.check(why, ask.actor)
    states = (state,) if state else _NOT_RECEIVED
    found = LongTable(
        f"Destinatarios del envío de {mailing.campaign_name}",
        ("cliente", "nombre", "correo", "estado", "motivo", "fecha"),
        _recipients(ask, mailing_id, states, why),
    )
    await ask(record_export, AuditKind.RECIPIENTS, str(mailing_id), why.told if why else "")
    filters = (("Estado", ", ".join(item.plural for item in states)),)
    about = About(found.title, by=ask.full_name, as_of=clock.now(), filters=filters)
    name = f"envio-{mailing_id}-{state or 'no-recibieron'}"
    return await table(name, found, form, about)


async def _recipients(
    ask: Ask, mailing_id: int, states: Iterable[RecipientState], why: ExportWhy | None
) -> AsyncIterator[list[tuple[Cell, ...]]]:
    for state in states:
        after: str | None = None
        while True:
            page = await ask(
                export_recipients, mailing_id, state, why, after=after, limit=_FILE_PAGE
            )
            yield [_cells(row) for row in page.items]
            after = page.next
            if after is None:
                break


def _cells(row: Recipient) -> tuple[Cell, ...]:
    return row.customer_id, row.full_name, row.email, row.state.word, reason_of(row), row.at
