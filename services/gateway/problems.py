"""Errors as answers: problem+json (RFC 9457) for programs, a page or a notice for people."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.gateway import nesting
from services.gateway.rendering import is_partial, render
from services.gateway.session import SessionExpired, is_api, local_path
from shared import trace
from shared.contract import Model
from shared.errors import Denied, FieldError, PregonError
from shared.spanish import spanish

MEDIA_TYPE = "application/problem+json"


class Problem(Model):
    """What went wrong (RFC 9457), in Spanish; `errors` names fields by their dotted paths."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError]
    trace_id: str  # by which the logs know the request


_TITLES = {
    400: "La solicitud no se entiende",
    401: "La sesión expiró",
    403: "Sin permiso",
    404: "No encontrado",
    405: "Método no permitido",
    408: "El envío tardó demasiado",
    409: "No se puede hacer ahora",
    413: "El archivo es demasiado grande",
    422: "Hay datos por corregir",
    429: "Demasiados intentos",
    500: "Algo salió mal",
    503: "Servicio no disponible",
}
_TEXTS = {
    400: "Revise los datos enviados e intente de nuevo.",
    401: "Ingrese de nuevo para continuar.",
    404: "La página o el dato que busca no existe o fue eliminado.",
    405: "Esta dirección no admite ese método.",
    408: "Revise su conexión e intente de nuevo.",
    413: "Reduzca el tamaño de lo que envía e intente de nuevo.",
    500: "El error quedó registrado. Intente de nuevo; si continúa, informe el código de abajo.",
}
_UNREADABLE = "El JSON no se puede leer: no es UTF-8, o un número es demasiado grande."
_ICONS = {403: "lock", 404: "search", 409: "alert-triangle", 422: "edit", 503: "plug-connected"}


def install(app: FastAPI) -> None:
    """Answer every error an endpoint raises; defects are answered by `guards.Defects`."""
    app.add_exception_handler(PregonError, _on_pregon_error)
    app.add_exception_handler(SessionExpired, _on_session_expired)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)


def answer(
    request: Request, status: int, text: str = "", fields: Sequence[FieldError] = ()
) -> Response:
    """The error in the form the asker understands: problem+json, part of a page, or a page."""
    title = _TITLES.get(status) or HTTPStatus(status).phrase
    text = text or _TEXTS.get(status, "")
    if is_api(request):
        return _problem(status, title, text, fields)
    template = "errors/part.html" if is_partial(request) else "errors/page.html"
    return render(
        request,
        template,
        status=status,
        error={"title": title, "text": text, "fields": fields, "code": status},
        icon_name=_ICONS.get(status, "alert-triangle"),
        back=_page_of(request) if request.method == "POST" else "/",
        trace_id=trace.trace_id(),
    )


def _problem(status: int, title: str, text: str, fields: Sequence[FieldError]) -> Response:
    problem = Problem(
        type="about:blank",
        title=title,
        status=status,
        detail=text,
        errors=list(fields),
        trace_id=trace.trace_id(),
    )
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return Response(problem.model_dump_json(), status, headers=headers, media_type=MEDIA_TYPE)


async def _on_pregon_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PregonError)  # noqa: S101  # registered for it alone
    wait = next((item.message for item in error.fields if item.field == "retry_after"), None)
    too_often = wait is not None and isinstance(error, Denied)
    told = answer(request, 429 if too_often else error.status, error.message, error.fields)
    if wait is not None:
        told.headers["Retry-After"] = wait  # seconds
    return told


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for it alone
    fields = [_field(item) for item in error.errors()]
    return answer(request, 422, "Hay datos por corregir.", fields)


def _field(item: dict[str, Any]) -> FieldError:
    """FastAPI puts `body`, `query` or `path` before the field's own path."""
    path = ".".join(str(part) for part in item["loc"][1:]) or str(item["loc"][0])
    return FieldError(path, spanish(item))


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for it alone
    if isinstance(error.__cause__, ValueError):  # so FastAPI tells of JSON
        return answer(request, 422, "Hay datos por corregir.", [FieldError("body", _UNREADABLE)])
    if isinstance(error.__cause__, RecursionError):  # the body's JSON, which has been read
        text = f"Hay más de {nesting.LEVELS} niveles uno dentro de otro."
        body = (await request.body()).decode(errors="replace")
        field = FieldError(nesting.find_too_deep(body) or "body", text)
        return answer(request, 422, "Hay datos por corregir.", [field])
    return answer(request, error.status_code)


async def _on_session_expired(request: Request, error: Exception) -> Response:
    if is_api(request):
        return answer(request, 401, str(error))
    log_in = f"/ingresar?volver={quote(_page_of(request), safe='/')}"
    if is_partial(request):
        return Response(status_code=204, headers={"HX-Redirect": log_in})
    return RedirectResponse(log_in, status_code=303)


def _page_of(request: Request) -> str:
    """The page to come back to: the one asked for, or the one whose form was sent."""
    if is_partial(request):
        return _local(request.headers.get("hx-current-url", ""))
    if request.method != "GET":
        return _local(request.headers.get("referer", ""))
    return f"{request.url.path}?{request.url.query}".rstrip("?")


def _local(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:  # of a header, so anybody's words
        return "/"
    return local_path(f"{parts.path}?{parts.query}".rstrip("?"))
