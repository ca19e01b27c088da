"""Customers and the import of customer files over REST."""

from functools import partial
from typing import Annotated

from fastapi import Body, File, Form, UploadFile
from pydantic import Field, Json
from starlette.responses import Response

from services.gateway.answers import CSV_ANSWER, form_example
from services.gateway.asking import Ask
from services.gateway.course import Course
from services.gateway.exposing import documented
from services.gateway.personal import PersonalRecord, find_record
from services.gateway.reasons import ApiWhy
from services.gateway.rejects import rejected_customers
from services.gateway.routing import Api
from services.gateway.session import SignedIn
from services.gateway.uploads import CUSTOMER_FILE, store_named
from shared.contract import Id, Model
from shared.contracts import customer_query as contract
from shared.contracts.customer_query import CustomerPermission

api = Api("customer")
READ = CustomerPermission.READ
WRITE = CustomerPermission.WRITE
_ONE = "/customers/{customer_id}"
_IMPORT = "/customers/imports/{import_id}"
_IMPORTER = CustomerPermission.IMPORT
_HIDDEN = frozenset({"rejected_key"})  # how the rows are found in the store is nobody's business
_EXAMPLE = {"file": "clientes.csv", "mapping": '{"cedula": "CI"}', "dry_run": True}
ERASE_REASON = "Solicitud del titular de los datos"


class Erasure(Model):
    """Why a person's data is erased."""

    reason: Annotated[str, Field(min_length=1, max_length=300)] = ERASE_REASON


@api.post(
    "/customers/imports",
    allow=_IMPORTER,
    takes=CUSTOMER_FILE.takes,
    status_code=202,
    response_model=documented(contract.Import, _HIDDEN),
    openapi_extra=form_example("multipart/form-data", _EXAMPLE),
)
async def start_import(
    ask: Ask,
    file: Annotated[UploadFile, File()],
    course: Course,
    mapping: Annotated[Json[dict[str, str]] | None, Form()] = None,
) -> contract.Import:
    """Begin to read a CSV or XLSX of customers in the background.

    The answer comes at once; ask for the import to see how far it is. `mapping` is JSON: our
    field → the file's column; without it the columns are those chosen last for such a header, or
    guessed. A dry run changes nothing. With `hold` only the first rows are read, see `/preview`;
    `/resume` goes on.

    Invalid: the file is empty, too large, none of .csv, .txt and .xlsx, or not what its name says;
    or `mapping` is wrong.
    """
    stored = await store_named(ask, file, CUSTOMER_FILE)
    new = contract.NewImport(**stored, mapping=mapping, **course)
    return await ask(contract.start_import, new)


_expose = partial(api.expose, allow=_IMPORTER, hidden=_HIDDEN)
_expose("GET", "/customers/imports", contract.list_imports)
_expose("GET", _IMPORT, contract.get_import)
_expose("POST", _IMPORT + "/rerun", contract.rerun_import, status=202, body="ImportAgain")
_expose("GET", _IMPORT + "/preview", contract.preview_import)
_expose("POST", _IMPORT + "/resume", contract.resume_import, status=202)
_expose("POST", _IMPORT + "/cancel", contract.cancel_import)
_expose("POST", _IMPORT + "/undo", contract.undo_import, status=202)


@api.get(_IMPORT + "/rejected", allow=_IMPORTER, response_class=Response, responses=CSV_ANSWER)
async def get_rejected_customers(import_id: Id, ask: Ask, why: ApiWhy) -> Response:
    """Get the rejected rows of an import as CSV.

    As they stood in the file, with a column `motivo`; only the header when there are none. Personal
    values are masked, but for whoever began the import, or may take them away (`export.personal`)
    and says for which `reason`; `words` say another one.

    NotFound: there is no such import.
    Conflict: the import is still running.
    Denied: a reason is given, and the user may not take personal data away.
    Invalid: another reason is not said in `words`.
    """
    return await rejected_customers(ask, await ask(contract.get_import, import_id), why)


api.expose("GET", "/customers", contract.list_customers, allow=READ)
api.expose("POST", "/customers/find", contract.find_customer, allow=CustomerPermission.FIND)
api.expose("POST", "/customers", contract.create_customer, allow=WRITE, status=201)
api.expose("GET", _ONE, contract.get_customer, allow=READ)
api.expose("PATCH", _ONE, contract.update_customer, allow=WRITE)
api.expose(
    "POST",
    _ONE + "/reveal",
    contract.reveal_customer,
    allow=frozenset({CustomerPermission.REVEAL, CustomerPermission.PERSONAL}),
    body="Reveal",
)
api.expose("GET", _ONE + "/timeline", contract.list_timeline, allow=READ)


@api.get(_ONE + "/personal-data", allow=READ)
async def get_personal_data(customer_id: Id, ask: Ask, session: SignedIn) -> PersonalRecord:
    """Get everything held on a person, for the person's own request.

    The time line and who saw the data (`audit.read_person`; else null) with their newest thousand
    entries each.

    NotFound: there is no such customer.
    """
    return await find_record(ask, session, customer_id)


@api.delete(_ONE, allow=CustomerPermission.ERASE, status_code=204)
async def erase_customer(
    customer_id: Id,
    ask: Ask,
    reason: str | None = None,
    erasure: Annotated[Erasure | None, Body(examples=[{"reason": ERASE_REASON}])] = None,
) -> None:
    """Erase a person's data for good.

    The person is gone from every part of the product; what happened with them stays countable.
    The reason, a query parameter or in the body, is kept. Who has an e-mail address is told by a
    last mail that it was done. Erasing again does no harm.

    NotFound: there is no such customer.
    """
    why = reason or (erasure or Erasure()).reason
    await ask(contract.erase_customer, customer_id, why)
