"""What a user keeps of lists: columns and rows of a page, searches with a name."""

from fastapi import Request
from starlette.responses import Response

from services.gateway.asking import Ask
from services.gateway.forms import FORM_ERRORS, read_form
from services.gateway.rendering import go
from services.gateway.routing import ANY_USER, Pages
from services.gateway.session import local_path
from shared.contract import Id
from shared.contracts.identity import (
    NewListView,
    create_list_view,
    delete_list_view,
    set_list_choice,
)
from shared.errors import NotFound
from shared.lists import Listing

pages = Pages()


@pages.post("/listas/{code}/columnas", allow=ANY_USER)
async def choose_columns(request: Request, code: str, ask: Ask) -> Response:
    """Which columns, in which order, and how many rows; `usual` is as the list comes."""
    _check(code)
    form = await read_form(request)
    back = local_path(form.value("volver"))
    usual, size = bool(form.value("usual")), form.value("size")
    columns = [] if usual else list(form.chosen("columns"))
    rows = int(size) if size.isdecimal() and len(size) < 4 and not usual else None
    await ask(set_list_choice, code, columns, rows)
    return go(request, back)


@pages.post("/listas/{code}/vistas", allow=ANY_USER)
async def keep_view(request: Request, code: str, ask: Ask) -> Response:
    """Keep the search of a page under a name."""
    _check(code)
    form = await read_form(request)
    back = local_path(form.value("volver"))
    try:
        view = await ask(create_list_view, code, form.parse(NewListView))
    except FORM_ERRORS as error:
        told = error.fields[0].message if error.fields else error.message
        return go(request, back, notice=f"La vista no se guardó. {told}", warns=True)
    return go(request, back, notice=f"Se guardó la vista «{view.name}».")


@pages.post("/listas/vistas/{view_id:int}/eliminar", allow=ANY_USER)
async def forget_view(request: Request, view_id: Id, ask: Ask) -> Response:
    """Forget one of one's own; the list is as it was."""
    form = await read_form(request)
    await ask(delete_list_view, view_id)
    return go(request, local_path(form.value("volver")), notice="Se eliminó la vista.")


def _check(code: str) -> None:
    if code not in Listing.known:
        raise NotFound("No hay esa lista.")
