"""Loads of the risk file over REST; persons are asked for over SOAP."""

from typing import Annotated

from fastapi import File, Form, UploadFile
from starlette.responses import Response

from services.gateway.answers import CSV_ANSWER, form_example
from services.gateway.asking import Ask
from services.gateway.course import Course
from services.gateway.exposing import documented
from services.gateway.reasons import ApiWhy
from services.gateway.rejects import rejected_risks
from services.gateway.routing import Api
from services.gateway.uploads import RISK_FILE, store_named
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
    takes=RISK_FILE.takes,
    status_code=202,
    response_model=documented(contract.Load, _HIDDEN),
    openapi_extra=form_example("multipart/form-data", {"file": "riesgos.csv", "full": True}),
)
async def start_load(
    ask: Ask,
    file: Annotated[UploadFile, File()],
    course: Course,
    full: Annotated[bool, Form()] = False,  # noqa: FBT002  # a form field has no keyword
    removes_most: Annotated[bool, Form()] = False,  # noqa: FBT002  # as above
) -> contract.Load:
    """Load a risk file (CSV or XLSX) in the background; loads follow each other.

    A `full` file stands for all persons: who is not in it is removed, all at once; other files
    change their persons only. One that would remove more than half of them ends as failed unless
    `removes_most` says that this is meant. With `hold` see `/preview` and `/resume`.

    Invalid: the file is empty, too large, none of .csv, .txt and .xlsx, or not what its name says.
    """
    stored = await store_named(ask, file, RISK_FILE)
    given = {**stored, **course, "full": full, "removes_most": removes_most}
    return await ask(contract.start_load, contract.NewLoad.model_validate(given))


api.expose("GET", "/risk-loads", contract.list_loads, allow=_LOADER, hidden=_HIDDEN)
api.expose("GET", _ONE, contract.get_load, allow=_LOADER, hidden=_HIDDEN)
api.expose("GET", _ONE + "/preview", contract.preview_load, allow=_LOADER)
for act in (contract.rerun_load, contract.resume_load, contract.cancel_load):
    address = f"{_ONE}/{act.name.removesuffix('_load')}"
    api.expose("POST", address, act, allow=_LOADER, hidden=_HIDDEN, status=202)


@api.get(_ONE + "/rejected", allow=_LOADER, response_class=Response, responses=CSV_ANSWER)
async def get_rejected_risks(load_id: Id, ask: Ask, why: ApiWhy) -> Response:
    """Get the rejected rows of a load as CSV.

    As they stood, with a column `motivo`. What is of a person is masked, but for whoever began the
    load, or may take it away (`export.personal`) and says for which `reason`; `words` say another
    one.

    NotFound: there is no such load.
    Conflict: the load is still running.
    Denied: a reason is given, and the user may not take personal data away.
    Invalid: another reason is not said in `words`.
    """
    return await rejected_risks(ask, await ask(contract.get_load, load_id), why)
