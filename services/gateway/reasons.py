"""Why somebody takes a file with personal data away, as addresses say it.

A page's reason that is none comes back as the form that asks for it, with what was typed: who
downloads has left the page where the first one stood.
"""

from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from services.gateway import problems
from services.gateway.forms import Form
from services.gateway.rendering import render_form
from services.gateway.session import find_session
from shared.contracts.customer_query import CustomerPermission
from shared.contracts.exports import MOST, ExportReason, ExportWhy
from shared.errors import Invalid
from shared.exports import MAY_NOT

_NAMES = {"motivo": "reason", "detalle": "words"}  # of the page's fields
_UNKNOWN = "Elija un motivo de la lista."
_TOO_LONG = f"Escriba el motivo en {MOST} caracteres como máximo."


class ReasonRefused(Exception):  # noqa: N818  # it is a state, and so it is told
    """The page asks again; `form` has what was typed, and what is wrong with it."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.form = form


def install(app: FastAPI) -> None:
    """Answer a page's refused reason by its form."""
    app.add_exception_handler(ReasonRefused, _ask_again)


def _of_page(
    motivo: Annotated[str, Query()] = "", detalle: Annotated[str, Query()] = ""
) -> ExportWhy | None:
    if not motivo:
        return None
    try:
        return _read(motivo, detalle)
    except Invalid as error:
        raise ReasonRefused(Form({"reason": [motivo], "words": [detalle]}).failed(error)) from None


def _read(reason: str, words: str) -> ExportWhy:
    """Raises Invalid."""
    if reason not in set(ExportReason):
        raise Invalid.field("reason", _UNKNOWN)
    try:
        why = ExportWhy(reason=ExportReason(reason), words=words)
    except ValidationError:
        raise Invalid.field("words", _TOO_LONG) from None
    why.check()
    return why


async def _ask_again(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, ReasonRefused)  # noqa: S101  # registered for it alone
    session = find_session(request)
    if session is None or CustomerPermission.EXPORT not in session.permissions:
        return problems.answer(request, 403, MAY_NOT)
    others = [item for item in request.query_params.multi_items() if item[0] not in _NAMES]
    return render_form(request, "export/reason.html", refused.form, others=others)


def _of_api(
    reason: Annotated[ExportReason | None, Query()] = None,
    words: Annotated[str, Query(max_length=MOST)] = "",
) -> ExportWhy | None:
    return ExportWhy(reason=reason, words=words) if reason else None


# None: without a reason; then personal data is masked
Why = Annotated[ExportWhy | None, Depends(_of_page)]
ApiWhy = Annotated[ExportWhy | None, Depends(_of_api)]
