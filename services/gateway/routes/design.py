"""Mail designs: gallery, upload, preview, test; and the images that designs brought along."""

from pathlib import PurePath
from typing import Annotated

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import Field
from starlette.responses import Response

from services.gateway import addresses, menu
from services.gateway.asking import Ask
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.previews import count_remote, sandboxed
from services.gateway.rendering import go, render, render_form
from services.gateway.routing import PUBLIC, Pages
from services.gateway.uploads import DESIGN_FILE, store_upload
from shared import files
from shared.contract import Id, Model
from shared.contracts.customer_query import CustomerRow, list_customers
from shared.contracts.mailer import (
    MailPermission,
    NewDesign,
    create_design,
    delete_design,
    get_design,
    list_designs,
    list_merge_fields,
    preview_design,
    send_test,
    told,
)
from shared.errors import Invalid, NotFound
from shared.personal import is_cedula

pages = Pages()
menu.add(
    menu.Heading.MARKETING,
    20,
    "Diseños",
    "/disenos",
    MailPermission.DESIGN,
    icon="template",
    purpose="Diseños de correo",
)

_THUMBNAIL = 0.5
_IMAGES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif"}
_YEAR_SECONDS = 31_536_000


class TestMail(Model):
    """Where a test goes; an empty subject is the design's."""

    email: str
    subject: Annotated[str, Field(max_length=150)] = ""


@pages.get("/disenos", allow=MailPermission.DESIGN)
async def show_designs(request: Request, ask: Ask, after: addresses.After = None) -> Response:
    """The gallery, built-in designs first."""
    found = await ask(list_designs, after=after, limit=24)
    return render(request, "design/list.html", designs=found)


@pages.get("/disenos/nuevo", allow=MailPermission.DESIGN)
async def show_new_design(request: Request, ask: Ask) -> Response:
    """An empty form and the list of personal fields."""
    return await _new_design(request, ask, Form())


@pages.post("/disenos/nuevo", allow=MailPermission.DESIGN, takes=DESIGN_FILE.takes)
async def add_design(request: Request, ask: Ask) -> Response:
    """Create a design from a file or from pasted HTML; what is wrong names the line."""
    form = await read_form(request)
    try:
        new = form.parse(NewDesign, **await _read_source(ask, form))
        design = await ask(create_design, new)
    except FORM_ERRORS as error:
        return await _new_design(request, ask, form.failed(error))
    return go(request, f"/disenos/{design.id}", notice="Se creó el diseño. Revise cómo se ve.")


async def _read_source(ask: Ask, form: Form) -> dict[str, str]:
    """A chosen file counts; pasted HTML otherwise."""
    try:
        upload = form.file("file")
    except Invalid:
        return {}
    return {"file_key": await store_upload(ask, upload, DESIGN_FILE)}


async def _new_design(request: Request, ask: Ask, form: Form) -> Response:
    fields = await ask(list_merge_fields)
    return render_form(request, "design/new.html", form, fields=fields)


@pages.get("/disenos/{design_id}", allow=MailPermission.DESIGN)
async def show_design(
    request: Request, design_id: Id, ask: Ask, cedula: str = "", width: addresses.Width = "wide"
) -> Response:
    """A design as one customer or an example person gets it."""
    return await _design(request, ask, design_id, Form(), cedula=cedula, width=width)


async def _design(
    request: Request, ask: Ask, design_id: int, form: Form, *, cedula: str, width: str
) -> Response:
    customer = await _find_customer(ask, cedula)
    customer_id = customer.id if customer else None
    design = await ask(get_design, design_id)
    preview = await ask(preview_design, design_id, customer_id)
    return render_form(
        request,
        "design/show.html",
        form,
        design=design,
        test_error=told(design.test_error or ""),
        preview=preview,
        remote=count_remote(preview.html),
        customer=customer,
        cedula=cedula,
        narrow=width == "narrow",
    )


async def _find_customer(ask: Ask, cedula: str) -> CustomerRow | None:
    if not cedula.strip():
        return None
    found = await ask(list_customers, search=cedula.strip(), limit=1)
    exact = [item for item in found.items if is_cedula(cedula.strip(), item.cedula)]
    return exact[0] if exact else None


@pages.get("/disenos/{design_id}/vista", allow=MailPermission.DESIGN)
async def show_preview(
    design_id: Id, ask: Ask, customer_id: addresses.CustomerId = None
) -> Response:
    """The filled-in HTML alone, for the sandboxed frame."""
    preview = await ask(preview_design, design_id, customer_id)
    return sandboxed(preview.html)


@pages.get("/disenos/{design_id}/miniatura", allow=MailPermission.DESIGN)
async def show_thumbnail(design_id: Id, ask: Ask) -> Response:
    """The HTML at half size, for the gallery."""
    preview = await ask(preview_design, design_id)
    return sandboxed(preview.html, zoom=_THUMBNAIL)


@pages.post("/disenos/{design_id}/prueba", allow=MailPermission.DESIGN)
async def send_test_mail(request: Request, design_id: Id, ask: Ask) -> Response:
    """Send the design to one's own address."""
    form = await read_form(request)
    try:
        test = form.parse(TestMail)
        await ask(send_test, design_id, test.subject, test.email)
    except FORM_ERRORS as error:
        failed = form.failed(error)
        return await _design(request, ask, design_id, failed, cedula="", width="wide")
    notice = f"La prueba va en camino a {test.email}. La campana le dirá si el servidor la aceptó."
    return go(request, f"/disenos/{design_id}", notice=notice)


@pages.post("/disenos/{design_id}/eliminar", allow=MailPermission.DESIGN)
async def remove_design(request: Request, design_id: Id, ask: Ask) -> Response:
    """Take a design out of the gallery; ended runs still name it."""
    await ask(delete_design, design_id)
    return go(request, "/disenos", notice="Se eliminó el diseño.")


@pages.get("/imagenes/{key:path}", allow=PUBLIC)
async def show_image(key: str) -> Response:
    """An image of a design, for whoever got the mail: a key cannot be guessed."""
    kind = _IMAGES.get(PurePath(key).suffix)
    if kind is None:
        raise NotFound("La imagen no existe.")
    content = await run_in_threadpool(_read, key)
    headers = {"Cache-Control": f"public, max-age={_YEAR_SECONDS}, immutable"}
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return Response(content, media_type=kind, headers=headers)


def _read(key: str) -> bytes:
    with files.open_key(key) as source:
        return source.read()
