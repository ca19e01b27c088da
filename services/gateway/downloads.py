"""Files a person or a program takes away: stored ones, and tables as CSV."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import IO
from urllib.parse import quote

from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from shared import files
from shared.contracts.customer_query import Import
from shared.contracts.risk_central import Load, RiskReport
from shared.errors import Conflict

_BLOCK = 1 << 16
_CSV = "text/csv; charset=utf-8"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Cell = str | int | float | Decimal | None


async def stored_csv(key: str, file_name: str) -> StreamingResponse:
    """A stored CSV, streamed. Raises NotFound before the answer has begun."""
    opened = files.open_key(key)
    source = await run_in_threadpool(opened.__enter__)
    return StreamingResponse(
        _blocks(opened, source), media_type=_CSV, headers=_attachment(file_name)
    )


async def _blocks(
    opened: AbstractContextManager[IO[bytes]], source: IO[bytes]
) -> AsyncIterator[bytes]:
    try:
        while block := await run_in_threadpool(source.read, _BLOCK):
            yield block
    finally:
        await run_in_threadpool(opened.__exit__, None, None, None)


def csv_table(file_name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """A table as CSV in UTF-8 with BOM, so that a spreadsheet shows the accents."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    body = text.getvalue().encode("utf-8-sig")
    return Response(body, media_type=_CSV, headers=_attachment(file_name))


async def rejected_customers(job: Import) -> Response:
    """An import's rejected rows with a column `motivo`; only the header when there are none.

    Raises Conflict while the import runs.
    """
    if job.finished_at is None:
        raise Conflict("La importación sigue en curso. Espere a que termine.")
    header = [*job.columns, "motivo"]
    return await _rejected(job.rejected_key, f"importacion-{job.id}-rechazados.csv", header)


async def rejected_risks(load: Load) -> Response:
    """As `rejected_customers`, of a load of the risk file."""
    if load.finished_at is None:
        raise Conflict("La carga sigue en curso. Espere a que termine.")
    header = [*RiskReport.model_fields, "linea", "motivo"]
    return await _rejected(load.rejected_key, f"riesgos-{load.id}-rechazadas.csv", header)


async def _rejected(key: str | None, file_name: str, header: Sequence[str]) -> Response:
    if key is None:
        return csv_table(file_name, header, [])
    return await stored_csv(key, file_name)


def _attachment(file_name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file_name)}"}


def _harmless(cell: Cell) -> Cell:
    """A text that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
