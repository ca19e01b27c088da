"""Customer files: upload, progress, what was rejected and why."""

from typing import Any

from fastapi import Request
from starlette.responses import Response

from services.gateway import addresses
from services.gateway.asking import Ask
from services.gateway.downloads import csv_table, rejected_customers
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.rendering import go, render, render_form
from services.gateway.routing import Pages
from services.gateway.uploads import CUSTOMER_FILE, store_upload
from shared.contract import Id
from shared.contracts.customer_query import (
    Import,
    NewImport,
    get_import,
    list_imports,
    rerun_import,
    start_import,
)
from shared.contracts.identity import Permission

pages = Pages()

# Our fields as the file names them, and as a person does; the first three are required.
FIELDS = {
    "cedula": ("cedula", "Cédula o RUC"),
    "first_names": ("nombres", "Nombres"),
    "last_names": ("apellidos", "Apellidos"),
    "gender": ("genero", "Género"),
    "birth_on": ("fecha_nacimiento", "Fecha de nacimiento"),
    "income": ("ingresos", "Ingresos mensuales"),
    "province": ("provincia", "Provincia"),
    "canton": ("canton", "Cantón"),
    "address": ("direccion", "Dirección"),
    "email": ("email", "Correo"),
    "phone": ("telefono", "Teléfono"),
    "joined_on": ("fecha_alta", "Cliente desde"),
    "category": ("categoria", "Categoría"),
    "consent_mail": ("acepta_correo", "Acepta correo"),
    "consent_phone": ("acepta_llamadas", "Acepta llamadas"),
}
REQUIRED = 3
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


@pages.get("/clientes/importar", allow=Permission.CUSTOMER_IMPORT)
async def show_upload(request: Request) -> Response:
    """The form for a file."""
    return _render_upload(request, Form())


@pages.post("/clientes/importar", allow=Permission.CUSTOMER_IMPORT)
async def upload(request: Request, ask: Ask) -> Response:
    """Store the file and begin to read it."""
    form = await read_form(request)
    try:
        file = form.file("file")
        key = await store_upload(ask, file, CUSTOMER_FILE)
        name = (file.filename or "")[-200:]
        new = form.parse(NewImport, file_key=key, file_name=name)
        job = await ask(start_import, new)
    except FORM_ERRORS as error:
        return _render_upload(request, form.failed(error))
    return go(request, f"/clientes/importaciones/{job.id}")


@pages.get("/clientes/importar/ejemplo.csv", allow=Permission.CUSTOMER_IMPORT)
async def download_example() -> Response:
    """A file with all columns and one row, to begin with."""
    return csv_table("clientes-ejemplo.csv", [column for column, _ in FIELDS.values()], [_EXAMPLE])


@pages.get("/clientes/importaciones", allow=Permission.CUSTOMER_IMPORT)
async def show_imports(request: Request, ask: Ask, after: addresses.After = None) -> Response:
    """Imports, newest first."""
    found = await ask(list_imports, after=after)
    return render(request, "customer_import/list.html", imports=found)


@pages.get("/clientes/importaciones/{import_id:int}", allow=Permission.CUSTOMER_IMPORT)
async def show_import(request: Request, import_id: Id, ask: Ask) -> Response:
    """One import; its progress asks again by itself while it runs."""
    job = await ask(get_import, import_id)
    return render(request, "customer_import/show.html", form=Form(), **_shown(job))


@pages.get("/clientes/importaciones/{import_id:int}/avance", allow=Permission.CUSTOMER_IMPORT)
async def show_progress(request: Request, import_id: Id, ask: Ask) -> Response:
    """The part of the page that moves; the whole page once the import has ended."""
    job = await ask(get_import, import_id)
    if job.finished_at is not None:
        return go(request, f"/clientes/importaciones/{import_id}")
    return render(request, "customer_import/progress.html", **_shown(job))


@pages.get("/clientes/importaciones/{import_id:int}/rechazados", allow=Permission.CUSTOMER_IMPORT)
async def download_rejected_rows(import_id: Id, ask: Ask) -> Response:
    """The rejected rows with a column `motivo`."""
    return await rejected_customers(await ask(get_import, import_id))


@pages.post("/clientes/importaciones/{import_id:int}/repetir", allow=Permission.CUSTOMER_IMPORT)
async def repeat(request: Request, import_id: Id, ask: Ask) -> Response:
    """Read the same file again: for real after a dry run, or with the columns chosen by hand."""
    form = await read_form(request)
    mapping = {field: column for field in FIELDS if (column := form.value(f"map_{field}"))}
    dry_run = form.value("dry_run") == "true"
    try:
        job = await ask(rerun_import, import_id, mapping or None, dry_run)
    except FORM_ERRORS as error:
        job = await ask(get_import, import_id)
        failed = form.failed(error)
        return render_form(request, "customer_import/show.html", failed, **_shown(job))
    return go(request, f"/clientes/importaciones/{job.id}")


def _render_upload(request: Request, form: Form) -> Response:
    return render_form(
        request,
        "customer_import/upload.html",
        form,
        fields=list(FIELDS.values()),
        required=REQUIRED,
        accepted=CUSTOMER_FILE,
    )


def _shown(job: Import) -> dict[str, Any]:
    names = {field: name for field, (_, name) in FIELDS.items()}
    return {"job": job, "names": names, "required": REQUIRED}
