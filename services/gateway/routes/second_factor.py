"""The second step of a log-in, and one's own second factor."""

from typing import Annotated

import segno
from fastapi import Request
from markupsafe import Markup
from pydantic import Field
from starlette.responses import Response

from services.gateway import addresses, entrance
from services.gateway import session as sessions
from services.gateway.asking import Ask, Asker
from services.gateway.entrance import tell_when
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.rendering import go, render, render_form
from services.gateway.routing import ANY_USER, PUBLIC, SETTING_UP, Pages
from services.gateway.session import SET_UP, TICKET, SignedIn, local_path, source_of
from shared.contract import Id, Model
from shared.contracts.identity import (
    RecoveryCodes,
    Session,
    UserPermission,
    get_second_factor,
    prepare_second_factor,
    remove_second_factor,
    renew_recovery_codes,
    reset_second_factor,
    set_second_factor,
)
from shared.contracts.second_factor import Code
from shared.errors import Denied, Invalid, PregonError, Unavailable
from shared.settings import settings

pages = Pages()
_TITLE = "Código QR con la clave para su aplicación de códigos"
_REFUSALS = (*FORM_ERRORS, Denied)


class _Proof(Model):
    """That it is the user who asks, and not the open browser.

    Without a password it was the company's provider that said so.
    """

    password: Annotated[str, Field(max_length=200)] = ""
    code: Code


class _NewFactor(_Proof):
    """A code of the new telephone and, where one is set, of the present one."""

    present: Code | None = None


# --- the second step of a log-in ---


@pages.get("/ingresar/codigo", allow=PUBLIC)
async def show_code(request: Request, next: addresses.Back = "/") -> Response:  # noqa: A002  # the parameter of the address
    """Where the code is typed; without the first step there is nothing to type it for."""
    leads_to = local_path(next)
    if TICKET not in request.cookies:
        return _to_log_in(request, leads_to, "Ingrese primero su usuario y su contraseña.")
    return render(request, "identity/code.html", form=Form(), next=leads_to)


@pages.post("/ingresar/codigo", allow=PUBLIC)
async def enter_code(request: Request, ask: Ask) -> Response:
    """Start the session; a wrong code may be mended, an old ticket leads back to the log-in."""
    form = await read_form(request)
    leads_to = local_path(form.value("next"))
    field = "recovery" if form.chosen("recovery") else "code"
    ticket = request.cookies.get(TICKET, "")
    try:
        given = await entrance.finish(ask, ticket, _typed(form, field), request)
    except (Denied, Invalid, Unavailable) as error:
        return _refuse_code(request, form, error, field, leads_to)
    response = await entrance.welcome(request, ask, given, leads_to)
    sessions.forget_ticket(response)
    return response


def _typed(form: Form, field: str) -> str:
    text = form.value(field).strip()
    if not text:
        raise Invalid.field(field, "Escriba el código.")
    return text


def _refuse_code(
    request: Request, form: Form, error: PregonError, field: str, leads_to: str
) -> Response:
    waits = entrance.seconds_to_wait(error) is not None
    if isinstance(error, Denied) and not waits:
        response = _to_log_in(request, leads_to, error.message)
        sessions.forget_ticket(response)
        return response
    if isinstance(error, Invalid):
        text = error.fields[0].message if error.fields else error.message
        form.failed(Invalid.field(field, text))
    else:
        form.failed(type(error)(error.message))  # the seconds to wait are for programs
    refusal = render_form(request, "identity/code.html", form, next=leads_to)
    tell_when(refusal, error)
    return refusal


def _to_log_in(request: Request, leads_to: str, notice: str) -> Response:
    return go(request, entrance.address_of("/ingresar", leads_to), notice=notice, warns=True)


# --- one's own ---


@pages.get(SET_UP, allow=SETTING_UP)
async def show_second_factor(request: Request, session: SignedIn, ask: Ask) -> Response:
    """How it is, and what a telephone needs to know to become it."""
    return await _show(request, session, ask)


@pages.post(SET_UP, allow=SETTING_UP)
async def turn_on(request: Request, session: SignedIn, ask: Ask) -> Response:
    """Confirm the telephone by a code of it; the recovery codes are shown this once."""
    form = await read_form(request)
    source = source_of(request)
    try:
        new = form.parse(_NewFactor)
        given = (session.token, new.password, new.code, source, new.present)
        codes = await ask(set_second_factor, *given)
    except _REFUSALS as error:
        return await _show(request, session, ask, on=form, error=error)
    return _show_codes(request, session, codes)


@pages.post(f"{SET_UP}/codigos", allow=ANY_USER)
async def renew_codes(request: Request, session: SignedIn, ask: Ask) -> Response:
    """Ten others."""
    form = await read_form(request)
    try:
        proof = form.parse(_Proof)
        given = (session.token, proof.password, proof.code, source_of(request))
        codes = await ask(renew_recovery_codes, *given)
    except _REFUSALS as error:
        return await _show(request, session, ask, renewal=form, error=error)
    return _show_codes(request, session, codes, renewed=True)


@pages.post(f"{SET_UP}/quitar", allow=ANY_USER)
async def turn_off(request: Request, session: SignedIn, ask: Ask) -> Response:
    """Back to the password alone, where the role allows it."""
    form = await read_form(request)
    try:
        proof = form.parse(_Proof)
        given = (session.token, proof.password, proof.code, source_of(request))
        await ask(remove_second_factor, *given)
    except _REFUSALS as error:
        return await _show(request, session, ask, off=form, error=error)
    notice = "La verificación en dos pasos se desactivó; las demás sesiones terminaron."
    return go(request, SET_UP, notice=notice)


@pages.post("/usuarios/{user_id}/verificacion/quitar", allow=UserPermission.WRITE)
async def reset(request: Request, user_id: Id, ask: Ask) -> Response:
    """Of a user who lost the telephone."""
    address = f"/usuarios/{user_id}"
    try:
        await ask(reset_second_factor, user_id)
    except FORM_ERRORS as error:
        return go(request, address, notice=error.message, warns=True)
    return go(request, address, notice="Se quitó la verificación en dos pasos.")


async def _show(
    request: Request,
    session: Session,
    ask: Asker,
    *,
    error: PregonError | None = None,
    **forms: Form,
) -> Response:
    """The page with its forms; the one that was refused says why."""
    if error is not None:
        for form in forms.values():
            form.failed(error if isinstance(error, FORM_ERRORS) else Invalid(error.message))
    context = {name: forms.get(name, Form()) for name in ("on", "renewal", "off")}
    factor = await ask(get_second_factor, session.token)
    new = await ask(prepare_second_factor)
    response = render(
        request,
        "identity/second_factor.html",
        status=error.status if error else 200,
        factor=factor,
        secret=" ".join(new.secret[i : i + 4] for i in range(0, len(new.secret), 4)),
        qr=_draw(new.uri),
        restricted=session.restricted,
        provider=settings().oidc_name,
        **context,
    )
    if error is not None:
        tell_when(response, error)
    return response


def _draw(uri: str) -> Markup:
    """Dark on light in every theme: telephones read no other."""
    drawn = segno.make(uri, error="m").svg_inline(
        scale=4, border=4, dark="#000", light="#fff", title=_TITLE, omitsize=True
    )
    return Markup(drawn)  # noqa: S704  # made here of squares


def _show_codes(
    request: Request, session: Session, given: RecoveryCodes, *, renewed: bool = False
) -> Response:
    return render(
        request,
        "identity/recovery_codes.html",
        codes=given.codes,
        restricted=session.restricted,
        renewed=renewed,
    )
