"""One's own account: password and sessions."""

from typing import Annotated

from fastapi import Path, Request
from pydantic import Field
from starlette.responses import Response

from services.gateway import agents, entrance
from services.gateway.asking import Ask, Asker
from services.gateway.entrance import tell_when
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.rendering import go, render_form
from services.gateway.routing import ANY_USER, Pages
from services.gateway.session import SignedIn, source_of
from shared.contract import Model
from shared.contracts.identity import (
    Password,
    Session,
    change_password,
    end_other_sessions,
    end_session,
    get_user,
    list_sessions,
)
from shared.errors import Denied, Invalid

pages = Pages()
SessionName = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]


class _NewPassword(Model):
    """The password there is, and the one to come, twice."""

    current: Annotated[str, Field(max_length=200)]
    password: Password
    repeated: str


@pages.get("/cuenta", allow=ANY_USER)
async def show_account(request: Request, session: SignedIn, ask: Ask) -> Response:
    """What is held of the user who asks, and where the user is logged in."""
    return await _render(request, session, ask, Form())


@pages.post("/cuenta/contrasena", allow=ANY_USER)
async def set_password(request: Request, session: SignedIn, ask: Ask) -> Response:
    """Another password; wherever else the user is logged in, the session ends."""
    form = await read_form(request)
    try:
        new = form.parse(_NewPassword)
        if new.password != new.repeated:
            raise Invalid.field("repeated", "No es igual a la contraseña nueva.")
        await ask(change_password, session.token, new.current, new.password, source_of(request))
    except FORM_ERRORS as error:
        return await _render(request, session, ask, form.failed(error))
    except Denied as error:
        refusal = await _render(request, session, ask, form.failed(Invalid(error.message)))
        tell_when(refusal, error)
        return refusal
    return go(request, "/cuenta", notice="La contraseña se cambió; las demás sesiones terminaron.")


@pages.post("/cuenta/sesiones/cerrar", allow=ANY_USER)
async def end_others(request: Request, session: SignedIn, ask: Ask) -> Response:
    """Log out everywhere else."""
    await ask(end_other_sessions, session.token)
    return go(request, "/cuenta", notice="Las demás sesiones se cerraron.")


@pages.post("/cuenta/sesiones/{name}/cerrar", allow=ANY_USER)
async def end_one(request: Request, name: SessionName, ask: Ask) -> Response:
    """Log out in one other place."""
    await ask(end_session, name)
    return go(request, "/cuenta", notice="La sesión se cerró.")


async def _render(request: Request, session: Session, ask: Asker, form: Form) -> Response:
    return render_form(
        request,
        "identity/account.html",
        form,
        user=await ask(get_user, session.actor.user_id),
        sessions=await ask(list_sessions, session.token),
        describe=agents.describe,
        provider=entrance.ways()["provider"],
    )
