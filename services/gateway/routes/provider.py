"""Sign-in by the company's provider: there and back. What comes back is judged by identity alone.

The way there is a link and no form: a form's redirection to another site is not allowed by our
own policy (`form-action`), and no page needs a wider one for this.
"""

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from services.gateway import addresses, entrance
from services.gateway import session as sessions
from services.gateway.asking import Ask
from services.gateway.forms import FORM_ERRORS
from services.gateway.rendering import go, render
from services.gateway.routing import PUBLIC, SETTING_UP, Pages
from services.gateway.session import SET_UP, SignedIn, local_path, source_of
from shared import log
from shared.contract import Id
from shared.contracts.identity import (
    UserPermission,
    begin_provider_log_in,
    begin_provider_proof,
    find_provider_log_out,
    finish_provider_proof,
    unlink_provider_account,
)
from shared.errors import Conflict, Denied, Invalid, PregonError, Unavailable

pages = Pages()
_PROVED = f"{SET_UP}/confirmado"
_logger = log.get("gateway")
_LONGEST_WAY = 1000  # characters of where one was going: a cookie has 4,096
_CANCELLED = "El ingreso se canceló, o su empresa no lo permitió."
_DOWN = "El ingreso de su empresa no está disponible ahora. Intente en unos minutos."
_NOT_UNDERSTOOD = (
    "Su empresa no completó el ingreso. Intente de nuevo; si continúa, avise al administrador."
)
_SAID: dict[str, PregonError] = {  # RFC 6749, 4.1.2.1
    "access_denied": Denied(_CANCELLED),
    "temporarily_unavailable": Unavailable(_DOWN),
    "server_error": Unavailable(_DOWN),
}


@pages.get("/ingresar/proveedor", allow=PUBLIC)
async def leave_for_provider(request: Request, ask: Ask, next: addresses.Back = "/") -> Response:  # noqa: A002  # the parameter of the address
    """Lead to the provider's own log-in."""
    leads_to = local_path(next)
    try:
        way = await ask(begin_provider_log_in)
    except (Conflict, Unavailable) as error:
        return _refuse(request, error, leads_to)
    response = RedirectResponse(way.address, status_code=303)
    sessions.keep_trip(response, way.kept, leads_to if len(leads_to) <= _LONGEST_WAY else "/")
    sessions.forget_proof(response)
    return response


@pages.get("/ingresar/proveedor/regreso", allow=PUBLIC)
async def come_back(request: Request, ask: Ask) -> Response:
    """Where the provider sends the browser, the one address that it knows: with a code, or not."""
    if sessions.PROOF in request.cookies:
        return RedirectResponse(f"{_PROVED}?{request.url.query}", status_code=303)
    kept, leads_to = sessions.read_trip(request)
    told = request.query_params
    try:
        if "error" in told:
            raise _what_it_said(told["error"])
        answer = (kept, told.get("state", ""), told.get("code", ""))
        given = await entrance.come_back(ask, *answer, request)
    except (Denied, Conflict, Invalid, Unavailable) as error:
        response = _refuse(request, error, leads_to)
    else:
        response = await entrance.welcome(request, ask, given, leads_to)
        sessions.keep_way(response)
    sessions.forget_trip(response)
    return response


# --- that it is the user who asks, of whoever is logged in ---


@pages.get(f"{SET_UP}/confirmar", allow=SETTING_UP)
async def leave_for_proof(request: Request, ask: Ask) -> Response:
    """Lead to the provider's own log-in, which asks anew."""
    try:
        way = await ask(begin_provider_proof)
    except (Conflict, Unavailable) as error:
        return go(request, SET_UP, notice=error.message, warns=True)
    response = RedirectResponse(way.address, status_code=303)
    sessions.keep_proof(response, way.kept)
    return response


@pages.get(_PROVED, allow=SETTING_UP)
async def take_proof(request: Request, session: SignedIn, ask: Ask) -> Response:
    """Back to the forms, which ask for no password then."""
    told = request.query_params
    try:
        if "error" in told:
            raise _what_it_said(told["error"])
        kept = request.cookies.get(sessions.PROOF, "")
        answer = (kept, told.get("state", ""), told.get("code", ""), source_of(request))
        await ask(finish_provider_proof, session.token, *answer)
    except (Denied, Conflict, Invalid, Unavailable) as error:
        text = _NOT_UNDERSTOOD if isinstance(error, Invalid) else error.message
        response = go(request, SET_UP, notice=text, warns=True)
    else:
        response = go(request, SET_UP, notice="Se confirmó que es usted.")
    sessions.forget_proof(response)
    return response


def _what_it_said(code: str) -> PregonError:
    """In our words: anybody can write such an address, so none of its own are shown or logged."""
    known = code if code in _SAID else "other"
    _logger.info("the provider refused", error=known)
    return _SAID.get(code, Denied(_NOT_UNDERSTOOD))


def _refuse(request: Request, error: PregonError, leads_to: str) -> Response:
    """A page that says what to do."""
    if isinstance(error, Invalid):  # of an address that somebody wrote
        error = Denied(_NOT_UNDERSTOOD)
    response = render(
        request,
        "identity/provider_refused.html",
        status=error.status,
        text=error.message,
        next=leads_to,
        **entrance.ways(),
    )
    entrance.tell_when(response, error)
    return response


@pages.get("/ingresar/proveedor/salida", allow=PUBLIC)
async def show_log_out(request: Request, ask: Ask) -> Response:
    """Offer to end the session there as well; who shares the machine wants that."""
    try:
        address = await ask(find_provider_log_out)
    except Unavailable:
        address = None
    if address is None:
        return RedirectResponse("/ingresar", status_code=303)
    return render(request, "identity/provider_left.html", address=address, **entrance.ways())


@pages.post("/usuarios/{user_id}/cuenta-de-la-empresa/quitar", allow=UserPermission.WRITE)
async def unlink(request: Request, user_id: Id, ask: Ask) -> Response:
    """Of a user whose account there is another now."""
    address = f"/usuarios/{user_id}"
    try:
        await ask(unlink_provider_account, user_id)
    except FORM_ERRORS as error:
        return go(request, address, notice=error.message, warns=True)
    return go(request, address, notice="Se desvinculó la cuenta de la empresa.")
