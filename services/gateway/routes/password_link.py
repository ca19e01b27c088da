"""Links by mail to choose a password: asked for at the log-in, sent again to the invited, used.

Programs that look at mails open what they find, so to look at a link changes nothing: only POST
does. The address of such a page goes nowhere: not as a referrer, nor into a cache or a log.
"""

from fastapi import Request
from starlette.responses import Response

from services.gateway import entrance
from services.gateway import session as sessions
from services.gateway.asking import Ask
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.rendering import go, render, render_form
from services.gateway.routing import PUBLIC, Pages
from services.gateway.session import COOKIE, source_of
from shared.contract import Id, Model
from shared.contracts.identity import (
    Password,
    UserPermission,
    ask_password_reset,
    get_link_holder,
    log_out,
    send_invitation,
    use_password_link,
)
from shared.contracts.password_links import Typed
from shared.errors import Denied, Invalid, NotFound, PregonError, Unavailable

pages = Pages()
_LINK = "/ingresar/clave/{token}"


class _Forgotten(Model):
    """Who asks for another password."""

    who: Typed


class _Chosen(Model):
    """The password to come, twice."""

    password: Password
    repeated: str


@pages.get("/ingresar/recuperar", allow=PUBLIC)
async def show_forgotten(request: Request) -> Response:
    """Where a link is asked for."""
    return render(request, "identity/forgotten.html", form=Form())


@pages.post("/ingresar/recuperar", allow=PUBLIC)
async def send_link(request: Request, ask: Ask) -> Response:
    """Ask for it: the answer is the same for every name."""
    form = await read_form(request)
    try:
        await ask(ask_password_reset, form.parse(_Forgotten).who, source_of(request))
    except (Denied, *FORM_ERRORS) as error:
        fields = error.fields if isinstance(error, FORM_ERRORS) else ()
        told = form.failed(type(error)(error.message, fields))
        refusal = render_form(request, "identity/forgotten.html", told)
        entrance.tell_when(refusal, error)
        return refusal
    return render(request, "identity/link_on_its_way.html")


@pages.head(_LINK, allow=PUBLIC)
@pages.get(_LINK, allow=PUBLIC)
async def show_choice(request: Request, token: str, ask: Ask) -> Response:
    """The form to choose a password."""
    return await _show(request, token, ask, Form())


@pages.post(_LINK, allow=PUBLIC)
async def choose(request: Request, token: str, ask: Ask) -> Response:
    """Take the password; one logs in with it, and with the second factor where there is one."""
    form = await read_form(request)
    try:
        new = form.parse(_Chosen)
        if new.password != new.repeated:
            raise Invalid.field("repeated", "No es igual a la contraseña.")
        await ask(use_password_link, token, new.password, source_of(request))
    except NotFound as error:
        return _dead(request, error.message)
    except (Denied, Unavailable, *FORM_ERRORS) as error:
        return await _refuse(request, token, ask, form, error)
    return await _to_log_in(request, ask)


@pages.post("/usuarios/{user_id}/invitacion", allow=UserPermission.WRITE)
async def invite_again(request: Request, user_id: Id, ask: Ask) -> Response:
    """Another invitation, for who lost the first or let it expire."""
    address = f"/usuarios/{user_id}"
    try:
        await ask(send_invitation, user_id)
    except FORM_ERRORS as error:
        text = error.fields[0].message if error.fields else error.message
        return go(request, address, notice=text, warns=True)
    return go(request, address, notice="La invitación se está enviando.")


async def _refuse(
    request: Request, token: str, ask: Ask, form: Form, error: PregonError
) -> Response:
    fields = error.fields if isinstance(error, FORM_ERRORS) else ()
    told = form.failed(type(error)(error.message, fields))  # the seconds to wait are for programs
    refusal = await _show(request, token, ask, told)
    entrance.tell_when(refusal, error)
    return refusal


async def _show(request: Request, token: str, ask: Ask, form: Form) -> Response:
    try:
        holder = await ask(get_link_holder, token)
    except NotFound as error:
        return _dead(request, error.message)
    return _hide(render_form(request, "identity/choose_password.html", form, holder=holder))


def _dead(request: Request, told: str) -> Response:
    return _hide(render(request, "identity/link_dead.html", status=404, told=told))


def _hide(response: Response) -> Response:
    """Keep the address, which is the link, from the next page that is asked for."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


async def _to_log_in(request: Request, ask: Ask) -> Response:
    """Nobody is logged in here any more, whoever was."""
    if before := request.cookies.get(COOKIE):
        await ask(log_out, before)
    response = go(request, "/ingresar", notice="Su contraseña quedó guardada. Ingrese con ella.")
    sessions.forget(response)
    return _hide(response)
