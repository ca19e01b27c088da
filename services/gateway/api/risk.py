"""Loads of the risk file over REST; persons are asked for over SOAP."""

from typing import Annotated

from fastapi import File, UploadFile
from starlette.responses import Response

from services.gateway.asking import Ask
from services.gateway.downloads import csv_table, stored_csv
from services.gateway.routing import Api
from services.gateway.uploads import store_upload
from shared.contract import Id, Limit, Page
from shared.contracts.identity import Permission
from shared.contracts.risk_central import (
    RISK_FILE,
    Load,
    get_load,
    list_loads,
    rerun_load,
    start_load,
)
from shared.errors import Conflict
from shared.loads.rejected import rejected_header

api = Api("risk")

RISK_FILES = (".csv", ".txt", ".xlsx")
RISK_FILE_MEGABYTES = 500
_STORED = {"rejected_key"}  # how the rows are found in the store is nobody's business


@api.post(
    "/risk-loads", allow=Permission.RISK_LOAD, status_code=202, response_model_exclude=_STORED
)
async def load_risks(ask: Ask, file: Annotated[UploadFile, File()]) -> Load:
    """Load a risk file (CSV or XLSX) in the background; one that breaks loads nothing."""
    key = await store_upload(ask, file, suffixes=RISK_FILES, megabytes=RISK_FILE_MEGABYTES)
    return await ask(start_load, key, (file.filename or "")[-200:])


@api.get(
    "/risk-loads",
    allow=Permission.RISK_LOAD,
    response_model_exclude={"items": {"__all__": _STORED}},
)
async def show_loads(ask: Ask, after: str | None = None, limit: Limit = 20) -> Page[Load]:
    """Loads, newest first."""
    return await ask(list_loads, after=after, limit=limit)


@api.get("/risk-loads/{load_id}", allow=Permission.RISK_LOAD, response_model_exclude=_STORED)
async def show_load(load_id: Id, ask: Ask) -> Load:
    """Progress and counts: read = created + updated + unchanged + rejected."""
    return await ask(get_load, load_id)


@api.post(
    "/risk-loads/{load_id}/rerun",
    allow=Permission.RISK_LOAD,
    status_code=202,
    response_model_exclude=_STORED,
)
async def rerun(load_id: Id, ask: Ask) -> Load:
    """Go on with a load that failed, after what it had done; 409 for any other."""
    return await ask(rerun_load, load_id)


@api.get(
    "/risk-loads/{load_id}/rejected",
    allow=Permission.RISK_LOAD,
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def show_rejected_rows(load_id: Id, ask: Ask) -> Response:
    """The rejected rows as they stood, with a column `motivo`; 409 while the load runs."""
    return await rejected_rows(await ask(get_load, load_id))


async def rejected_rows(load: Load) -> Response:
    """A load's rejected rows, only the header when there are none.

    Raises Conflict while the load runs.
    """
    if load.finished_at is None:
        raise Conflict("La carga sigue en curso. Espere a que termine.")
    name = f"riesgos-{load.id}-rechazadas.csv"
    if load.rejected_key is None:
        columns = load.columns or [column.label for column in RISK_FILE]
        return csv_table(name, rejected_header(columns, numbered=True), [])
    return await stored_csv(load.rejected_key, name)
