"""Customer files: upload, progress, what was rejected and why."""

from typing import Any

from fastapi import Request
from starlette.responses import Response

from services.gateway import addresses, live
from services.gateway.asking import Ask, Asker
from services.gateway.downloads import csv_table
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.live import Topic
from services.gateway.reasons import Why
from services.gateway.rejects import rejected_customers
from services.gateway.rendering import go, render, render_form
from services.gateway.routing import Pages
from services.gateway.uploads import CUSTOMER_FILE, store_named
from shared.contract import Id
from shared.contracts import customer_query as contract
from shared.contracts.customer_query import (
    CustomerPermission,
    Import,
    ImportMoved,
    NewImport,
    cancel_import,
    get_import,
    list_imports,
    preview_import,
    rerun_import,
    resume_import,
    start_import,
    undo_import,
)
from shared.contracts.loads import LoadState

pages = Pages()
live.tell(
    ImportMoved, lambda event: [Topic(f"import:{event.import_id}", CustomerPermission.IMPORT)]
)

COLUMNS = {column.field: column for column in contract.CUSTOMER_FILE}
_EXAMPLE = (
    "1710034065",
    "Ana Lucía",
    "Zambrano Vera",
    "F",
    "1990-05-14",
    "850.00",
    "Pichincha",
    "Quito",
    "Av. Amazonas N24-10",
    "ana@correo.example",
    "0991234567",
    "2019-03-01",
    "",
    "sí",
    "no",
)


@pages.get("/clientes/importar", allow=CustomerPermission.IMPORT)
async def show_upload(request: Request) -> Response:
    """The form for a file."""
    return _render_upload(request, Form())


@pages.post("/clientes/importar", allow=CustomerPermission.IMPORT, takes=CUSTOMER_FILE.takes)
async def upload(request: Request, ask: Ask) -> Response:
    """Store the file and begin to read it."""
    form = await read_form(request)
    try:
        stored = await store_named(ask, form.file("file"), CUSTOMER_FILE)
        job = await ask(start_import, form.parse(NewImport, **stored))
    except FORM_ERRORS as error:
        return _render_upload(request, form.failed(error))
    return go(request, f"/clientes/importaciones/{job.id}")


@pages.get("/clientes/importar/ejemplo.csv", allow=CustomerPermission.IMPORT)
async def download_example() -> Response:
    """A file with all columns and one row, to begin with."""
    return csv_table(
        "clientes-ejemplo.csv", [column.label for column in contract.CUSTOMER_FILE], [_EXAMPLE]
    )


@pages.get("/clientes/importaciones", allow=CustomerPermission.IMPORT)
async def show_imports(request: Request, ask: Ask, after: addresses.After = None) -> Response:
    """Imports, newest first."""
    found = await ask(list_imports, after=after)
    return render(request, "customer_import/list.html", imports=found)


@pages.get("/clientes/importaciones/{import_id:int}", allow=CustomerPermission.IMPORT)
async def show_import(request: Request, import_id: Id, ask: Ask) -> Response:
    """One import; its progress asks again by itself while it runs."""
    job = await ask(get_import, import_id)
    return render(
        request, "customer_import/show.html", form=_as_before(job), **await _shown(ask, job)
    )


@pages.get("/clientes/importaciones/{import_id:int}/avance", allow=CustomerPermission.IMPORT)
async def show_progress(request: Request, import_id: Id, ask: Ask) -> Response:
    """The part of the page that moves; the whole page once the import has ended."""
    job = await ask(get_import, import_id)
    if not _is_moving(job):
        return go(request, f"/clientes/importaciones/{import_id}")
    return render(request, "customer_import/progress.html", job=job, is_moving=True)


@pages.get("/clientes/importaciones/{import_id:int}/rechazados", allow=CustomerPermission.IMPORT)
async def download_rejected_rows(import_id: Id, ask: Ask, why: Why) -> Response:
    """The rejected rows with a column `motivo`."""
    return await rejected_customers(ask, await ask(get_import, import_id), why)


@pages.post("/clientes/importaciones/{import_id:int}/repetir", allow=CustomerPermission.IMPORT)
async def repeat(request: Request, import_id: Id, ask: Ask) -> Response:
    """Read the same file again: for real after a dry run, or with the columns chosen by hand."""
    form = await read_form(request)
    try:
        job = await ask(rerun_import, import_id, _mapping(form), _chosen(form, "dry_run"))
    except FORM_ERRORS as error:
        return await _render_failed(request, ask, import_id, form.failed(error))
    return go(request, f"/clientes/importaciones/{job.id}")


@pages.post("/clientes/importaciones/{import_id:int}/leer", allow=CustomerPermission.IMPORT)
async def read_held(request: Request, import_id: Id, ask: Ask) -> Response:
    """Go on with a file whose first rows were shown, or show them by other columns."""
    form = await read_form(request)
    dry_run, hold = _chosen(form, "dry_run"), _chosen(form, "hold")
    try:
        await ask(resume_import, import_id, _mapping(form), dry_run, hold or False)
    except FORM_ERRORS as error:
        return await _render_failed(request, ask, import_id, form.failed(error))
    return go(request, f"/clientes/importaciones/{import_id}")


@pages.post("/clientes/importaciones/{import_id:int}/cancelar", allow=CustomerPermission.IMPORT)
async def cancel(request: Request, import_id: Id, ask: Ask) -> Response:
    """Stop reading; what was imported stays."""
    await ask(cancel_import, import_id)
    return go(request, f"/clientes/importaciones/{import_id}", notice="La importación se canceló.")


@pages.post("/clientes/importaciones/{import_id:int}/deshacer", allow=CustomerPermission.IMPORT)
async def undo(request: Request, import_id: Id, ask: Ask) -> Response:
    """Take back what the import did."""
    await ask(undo_import, import_id)
    return go(request, f"/clientes/importaciones/{import_id}")


async def _render_failed(request: Request, ask: Asker, import_id: int, form: Form) -> Response:
    shown = await _shown(ask, await ask(get_import, import_id))
    return render_form(request, "customer_import/show.html", form, **shown)


def _as_before(job: Import) -> Form:
    """The file is read again as it was, until somebody says otherwise."""
    return Form({"dry_run": ["true"] if job.dry_run else []})


def _mapping(form: Form) -> dict[str, str] | None:
    return {name: column for name in COLUMNS if (column := form.value(f"map_{name}"))} or None


def _chosen(form: Form, name: str) -> bool | None:
    """What a switch says; None where the form has none."""
    return form.value(name) == "true" if form.value(name) else None


def _is_moving(job: Import) -> bool:
    """Whether a worker has something to do with it, so that the page asks again."""
    if job.finished_at is None:
        return job.state is not LoadState.HELD
    return job.undo is not None and job.undo.state in (LoadState.WAITING, LoadState.RUNNING)


def _render_upload(request: Request, form: Form) -> Response:
    return render_form(
        request,
        "customer_import/upload.html",
        form,
        columns=contract.CUSTOMER_FILE,
        accepted=CUSTOMER_FILE,
    )


async def _shown(ask: Asker, job: Import) -> dict[str, Any]:
    held = job.state is LoadState.HELD
    return {
        "job": job,
        "columns": contract.CUSTOMER_FILE,
        "is_moving": _is_moving(job),
        "preview": await ask(preview_import, job.id) if held else None,
    }
