"""Customers and the import of customer files over REST."""

from typing import Annotated

from fastapi import Body, File, Form, UploadFile
from pydantic import Field, Json
from starlette.responses import Response

from services.gateway.asking import Ask
from services.gateway.downloads import rejected_rows
from services.gateway.routing import Api
from services.gateway.uploads import store_upload
from shared.contract import Id, Limit, Model, Page
from shared.contracts.customer_query import (
    Category,
    Customer,
    CustomerChange,
    CustomerRow,
    Import,
    ImportPreview,
    NewCustomer,
    NewImport,
    PersonalData,
    TimelineEntry,
    cancel_import,
    create_customer,
    erase_customer,
    get_customer,
    get_import,
    get_personal_data,
    list_customers,
    list_imports,
    list_timeline,
    preview_import,
    rerun_import,
    resume_import,
    start_import,
    undo_import,
    update_customer,
)
from shared.contracts.identity import Permission

api = Api("customer")

CUSTOMER_FILES = (".csv", ".txt", ".xlsx")
CUSTOMER_FILE_MEGABYTES = 500
_STORED = {"rejected_key"}  # how the rows are found in the store is nobody's business
ERASE_REASON = "Solicitud del titular de los datos"


class Erasure(Model):
    """Why a person's data is erased."""

    reason: Annotated[str, Field(min_length=1, max_length=300)] = ERASE_REASON


class ImportAgain(Model):
    """How the file is read this time."""

    mapping: dict[str, str] | None = None  # our field → the file's column; None: as before
    dry_run: bool = False


class Reading(ImportAgain):
    """How a file that is held is read."""

    hold: bool = False  # show the first rows again


@api.post(
    "/customers/imports",
    allow=Permission.CUSTOMER_IMPORT,
    status_code=202,
    response_model_exclude=_STORED,
)
async def import_customers(
    ask: Ask,
    file: Annotated[UploadFile, File()],
    mapping: Annotated[Json[dict[str, str]] | None, Form()] = None,
    dry_run: Annotated[bool, Form()] = False,  # noqa: FBT002  # a form field has no keyword
    hold: Annotated[bool, Form()] = False,  # noqa: FBT002  # as above
) -> Import:
    """Read a CSV or XLSX in the background; `mapping` is JSON: our field → the file's column.

    With `hold` only the first rows are read: see `/preview`, then go on with `/resume`.
    """
    key = await store_upload(ask, file, suffixes=CUSTOMER_FILES, megabytes=CUSTOMER_FILE_MEGABYTES)
    name = (file.filename or "")[-200:]
    new = NewImport(file_key=key, file_name=name, mapping=mapping, dry_run=dry_run, hold=hold)
    return await ask(start_import, new)


@api.get(
    "/customers/imports",
    allow=Permission.CUSTOMER_IMPORT,
    response_model_exclude={"items": {"__all__": _STORED}},
)
async def show_imports(ask: Ask, after: str | None = None, limit: Limit = 20) -> Page[Import]:
    """Imports, newest first."""
    return await ask(list_imports, after=after, limit=limit)


@api.get(
    "/customers/imports/{import_id}",
    allow=Permission.CUSTOMER_IMPORT,
    response_model_exclude=_STORED,
)
async def show_import(import_id: Id, ask: Ask) -> Import:
    """Progress and counts: read = created + updated + unchanged + rejected."""
    return await ask(get_import, import_id)


@api.post(
    "/customers/imports/{import_id}/rerun",
    allow=Permission.CUSTOMER_IMPORT,
    status_code=202,
    response_model_exclude=_STORED,
)
async def run_import_again(import_id: Id, ask: Ask, again: ImportAgain | None = None) -> Import:
    """Read the file of an import that has ended, also of one that failed, as a new import."""
    again = again or ImportAgain()
    return await ask(rerun_import, import_id, again.mapping, again.dry_run)


@api.get(
    "/customers/imports/{import_id}/rejected",
    allow=Permission.CUSTOMER_IMPORT,
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def show_rejected_rows(import_id: Id, ask: Ask) -> Response:
    """The rejected rows as they stood, with a column `motivo`; 409 while the import runs."""
    return await rejected_rows(await ask(get_import, import_id))


@api.get("/customers", allow=Permission.CUSTOMER_READ)
async def show_customers(
    ask: Ask,
    search: str | None = None,
    province: str | None = None,
    category: Category | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[CustomerRow]:
    """Customers by surname; `search` is a cédula, a surname's beginning, an e-mail or a phone."""
    return await ask(
        list_customers,
        search=search,
        province=province,
        category=category,
        after=after,
        limit=limit,
    )


@api.post("/customers", allow=Permission.CUSTOMER_WRITE, status_code=201)
async def add_customer(new: NewCustomer, ask: Ask) -> Customer:
    """Create a customer."""
    return await ask(create_customer, new)


@api.get("/customers/{customer_id}", allow=Permission.CUSTOMER_READ)
async def show_customer(customer_id: Id, ask: Ask) -> Customer:
    """One profile."""
    return await ask(get_customer, customer_id)


@api.patch("/customers/{customer_id}", allow=Permission.CUSTOMER_WRITE)
async def change_customer(customer_id: Id, change: CustomerChange, ask: Ask) -> Customer:
    """Change what is given; a changed consent is written to the consent ledger."""
    return await ask(update_customer, customer_id, change)


@api.delete("/customers/{customer_id}", allow=Permission.CUSTOMER_ERASE, status_code=204)
async def remove_customer(
    customer_id: Id,
    ask: Ask,
    reason: str | None = None,
    erasure: Annotated[Erasure | None, Body()] = None,
) -> None:
    """Anonymise for good; the reason is a query parameter or stands in the body."""
    why = reason or (erasure or Erasure()).reason
    await ask(erase_customer, customer_id, why)


@api.get("/customers/{customer_id}/timeline", allow=Permission.CUSTOMER_READ)
async def show_timeline(
    customer_id: Id, ask: Ask, after: str | None = None, limit: Limit = 50
) -> Page[TimelineEntry]:
    """What happened with a customer, newest first."""
    return await ask(list_timeline, customer_id, after=after, limit=limit)


@api.get("/customers/{customer_id}/personal-data", allow=Permission.CUSTOMER_READ)
async def show_personal_data(customer_id: Id, ask: Ask) -> PersonalData:
    """Everything held on a person."""
    return await ask(get_personal_data, customer_id)


# --- more of imports ---


@api.get("/customers/imports/{import_id}/preview", allow=Permission.CUSTOMER_IMPORT)
async def show_preview(import_id: Id, ask: Ask) -> ImportPreview:
    """The first rows of an import that is held, as they will be read, with what is wrong."""
    return await ask(preview_import, import_id)


@api.post(
    "/customers/imports/{import_id}/resume",
    allow=Permission.CUSTOMER_IMPORT,
    status_code=202,
    response_model_exclude=_STORED,
)
async def read_held(import_id: Id, ask: Ask, reading: Reading | None = None) -> Import:
    """Go on with an import that is held; 409 for any other."""
    reading = reading or Reading()
    return await ask(resume_import, import_id, reading.mapping, reading.dry_run, reading.hold)


@api.post(
    "/customers/imports/{import_id}/cancel",
    allow=Permission.CUSTOMER_IMPORT,
    response_model_exclude=_STORED,
)
async def cancel(import_id: Id, ask: Ask) -> Import:
    """Stop reading; what was imported stays and counts. 409 when it has ended otherwise."""
    return await ask(cancel_import, import_id)


@api.post(
    "/customers/imports/{import_id}/undo",
    allow=Permission.CUSTOMER_IMPORT,
    status_code=202,
    response_model_exclude=_STORED,
)
async def undo(import_id: Id, ask: Ask) -> Import:
    """Take back in the background what an import did; `undo` counts it. Twice does nothing more."""
    return await ask(undo_import, import_id)
