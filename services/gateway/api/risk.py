"""Loads of the risk file over REST; persons are asked for over SOAP."""

from functools import partial
from typing import Annotated

from fastapi import File, Form, UploadFile
from starlette.responses import Response

from services.gateway.answers import CSV_ANSWER, form_example
from services.gateway.asking import Ask
from services.gateway.downloads import rejected_risks
from services.gateway.exposing import documented
from services.gateway.routing import Api
from services.gateway.uploads import RISK_FILE, store_upload
from shared.contract import Id
from shared.contracts import risk_central as contract
from shared.contracts.risk_central import RiskPermission

api = Api("risk")

_ONE = "/risk-loads/{load_id}"
_LOADER = RiskPermission.LOAD
_HIDDEN = frozenset({"rejected_key"})  # how the rows are found in the store is nobody's business


@api.post(
    "/risk-loads",
    allow=_LOADER,
    status_code=202,
    response_model=documented(contract.Load, _HIDDEN),
    openapi_extra=form_example("multipart/form-data", {"file": "riesgos.csv", "full": True}),
)
async def start_load(
    ask: Ask,
    file: Annotated[UploadFile, File()],
    full: Annotated[bool, Form()] = False,  # noqa: FBT002  # a form field has no keyword
    dry_run: Annotated[bool, Form()] = False,  # noqa: FBT002  # as above
    hold: Annotated[bool, Form()] = False,  # noqa: FBT002  # as above
) -> contract.Load:
    """Load a risk file (CSV or XLSX) in the background.

    The answer comes at once; ask for the load to see how far it is. Loads follow each other.
    A file that breaks in the middle loads nothing. A `full` file stands for all persons: at its end
    they are asked at once, and who is not in it is removed; other files change their persons only.
    A dry run changes nothing. With `hold` only the first rows are read, see `/preview`; `/resume`
    goes on.

    Invalid: the file is empty, too large, none of .csv, .txt and .xlsx, or not what its name says.
    """
    key = await store_upload(ask, file, RISK_FILE)
    name = (file.filename or "")[-200:]
    new = contract.NewLoad(file_key=key, file_name=name, full=full, dry_run=dry_run, hold=hold)
    return await ask(contract.start_load, new)


api.expose("GET", "/risk-loads", contract.list_loads, allow=_LOADER, hidden=_HIDDEN)
api.expose("GET", _ONE, contract.get_load, allow=_LOADER, hidden=_HIDDEN)
api.expose("GET", _ONE + "/preview", contract.preview_load, allow=_LOADER)
_act = partial(api.expose, "POST", allow=_LOADER, hidden=_HIDDEN)
_act(_ONE + "/rerun", contract.rerun_load, status=202)
_act(_ONE + "/resume", contract.resume_load, status=202)
_act(_ONE + "/cancel", contract.cancel_load)


@api.get(_ONE + "/rejected", allow=_LOADER, response_class=Response, responses=CSV_ANSWER)
async def get_rejected_risks(load_id: Id, ask: Ask) -> Response:
    """Get the rejected rows of a load as CSV.

    As they stood in the file, with a column `motivo`; only the header when there are none.

    NotFound: there is no such load.
    Conflict: the load is still running.
    """
    return await rejected_risks(await ask(contract.get_load, load_id))
