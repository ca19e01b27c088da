"""The rejected rows of a file of people, to be mended and loaded again.

They are other people's data: whole for the one who brought the file, and for whoever says why they
are taken away and may do so; for others with masked cells.
"""

import csv
import io
from collections.abc import AsyncIterator, Collection, Sequence
from itertools import islice
from typing import IO

from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from services.gateway.asking import Asker
from services.gateway.downloads import attachment, csv_table, stored_csv
from shared import exports, files, sheets
from shared.contracts.audit import AuditKind, record_export
from shared.contracts.customer_query import Import, PersonalField
from shared.contracts.exports import ExportWhy
from shared.contracts.loads import LoadProgress, LoadState
from shared.contracts.risk_central import RISK_FILE, Load
from shared.errors import Conflict
from shared.loads.rejected import LINE, REASON, rejected_header
from shared.personal import NOTHING, mask_reason

_ROWS = 500  # at once


async def rejected_customers(ask: Asker, job: Import, why: ExportWhy | None) -> Response:
    """An import's rejected rows with a column `motivo`; only the header when there are none.

    Raises Conflict while the import runs, Denied and Invalid by the reason; it is on record.
    """
    if job.finished_at is None or _is_being_closed(job):
        raise Conflict("La importación sigue en curso. Espere a que termine.")
    name, header = f"importacion-{job.id}-rechazados.csv", rejected_header(job.columns)
    hidden = set(PersonalField)
    open_columns = {column for field, column in job.mapping.items() if field not in hidden}
    return await _rejected(ask, AuditKind.IMPORT, job, why, (name, header, open_columns))


async def rejected_risks(ask: Asker, load: Load, why: ExportWhy | None) -> Response:
    """As `rejected_customers`, of a load of the risk file; masked, all of a row is."""
    if load.finished_at is None:
        raise Conflict("La carga sigue en curso. Espere a que termine.")
    columns = load.columns or [column.label for column in RISK_FILE]
    header = rejected_header(columns, numbered=True)
    name = f"riesgos-{load.id}-rechazadas.csv"
    return await _rejected(ask, AuditKind.RISK_LOAD, load, why, (name, header, ()))


async def _rejected(
    ask: Asker,
    kind: AuditKind,
    job: LoadProgress,
    why: ExportWhy | None,
    file: tuple[str, Sequence[str], Collection[str]],
) -> Response:
    exports.check(why, ask.actor)
    await ask(record_export, kind, str(job.id), why.told if why else "")
    name, header, open_columns = file
    if job.rejected_key is None:
        return csv_table(name, header, [])
    if why or job.created_by == ask.username:
        return await stored_csv(job.rejected_key, name)
    return await _masked_csv(job.rejected_key, name, open_columns)


async def _masked_csv(key: str, name: str, open_columns: Collection[str]) -> Response:
    opened = files.open_key(key)
    source = await run_in_threadpool(opened.__enter__)

    async def lines() -> AsyncIterator[str]:
        try:
            async for text in _mask(source, open_columns):
                yield text
        finally:
            await run_in_threadpool(opened.__exit__, None, None, None)

    return StreamingResponse(lines(), media_type=sheets.CSV_TYPE, headers=attachment(name))


async def _mask(source: IO[bytes], open_columns: Collection[str]) -> AsyncIterator[str]:
    text = io.TextIOWrapper(source, "utf-8-sig", newline="")
    rows = csv.reader(text, delimiter=";")
    header: list[str] = await run_in_threadpool(next, rows, [])
    yield "".join(sheets.csv_lines(header, []))
    shown = {LINE, *open_columns}
    while batch := await run_in_threadpool(lambda: list(islice(rows, _ROWS))):
        yield "".join(sheets.csv_line(_masked(header, row, shown)) for row in batch)
    text.detach()  # closing is the opener's


def _masked(header: Sequence[str], row: Sequence[str], shown: Collection[str]) -> list[str]:
    """Cells beyond the header are of no known column."""
    names = [*header, *[""] * (len(row) - len(header))]
    return [_masked_cell(name, cell, shown) for name, cell in zip(names, row, strict=False)]


def _masked_cell(name: str, cell: str, shown: Collection[str]) -> str:
    if name == REASON:
        return mask_reason(cell)
    return cell if name in shown or not cell else NOTHING


def _is_being_closed(job: Import) -> bool:
    """Just cancelled: its worker has still to write the file."""
    return job.state is LoadState.CANCELLED and bool(job.rejected) and job.rejected_key is None
