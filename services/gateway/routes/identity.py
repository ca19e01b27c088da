"""Log-in and log-out, and users."""

import asyncio

from fastapi import Request
from starlette.responses import Response

from services.gateway import addresses, bulk, entrance, lists, menu
from services.gateway import session as sessions
from services.gateway.asking import Ask
from services.gateway.bulk import Bulk
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.rendering import go, render, render_form
from services.gateway.routing import PUBLIC, Pages
from services.gateway.session import BY_PROVIDER, local_path, read_token
from shared.contract import Id
from shared.contracts.identity import (
    USERS,
    NewUser,
    UserChange,
    UserPermission,
    create_user,
    get_password_link,
    get_user,
    list_roles,
    log_out,
    set_users_active,
    update_user,
)
from shared.contracts.telemarketing import Assignment, list_assignments
from shared.errors import Denied, Invalid, PregonError, Unavailable

pages = Pages()
menu.add(
    menu.Heading.ADMINISTRATION,
    10,
    "Usuarios",
    "/usuarios",
    UserPermission.WRITE,
    icon="user",
    purpose="Quién puede ingresar, con qué rol y en qué fechas",
)
_ACTIONS = (
    Bulk(
        *("desactivar", "Desactivar", "user-off", set_users_active),
        question="¿Desactivar {}?",
        detail="Su sesión se cierra y no pueden ingresar hasta que alguien los active.",
        told="Se desactivaron {}.",
        values={"active": False},
    ),
    Bulk(
        *("activar", "Activar", "user-check", set_users_active),
        question="¿Activar {}?",
        told="Se activaron {}.",
        values={"active": True},
    ),
)


@pages.get("/ingresar", allow=PUBLIC)
async def show_log_in(request: Request, next: addresses.Back = "/") -> Response:  # noqa: A002  # the parameter of the address
    """The log-in page; `next` is where it leads, at once for who is logged in."""
    if await sessions.is_running(request):
        return go(request, local_path(next))
    shown = {"next": local_path(next), **entrance.ways()}
    return render(request, "identity/log_in.html", form=Form(), **shown)


@pages.post("/ingresar", allow=PUBLIC)
async def enter(request: Request, ask: Ask) -> Response:
    """Start a session; a refusal keeps the username and where one was going."""
    form = await read_form(request)
    leads_to = local_path(form.value("next"))
    pair = (form.value("username"), form.value("password"))
    try:
        given = await entrance.hall_of(request).enter(ask, *pair, request)
    except (Denied, Invalid, Unavailable) as error:
        told = form.failed(type(error)(error.message))  # the seconds to wait are for programs
        shown = {"next": leads_to, **entrance.ways()}
        refusal = render_form(request, "identity/log_in.html", told, **shown)
        entrance.tell_when(refusal, error)
        return refusal
    return await entrance.welcome(request, ask, given, leads_to)


@pages.post("/salir", allow=PUBLIC)
async def leave(request: Request, ask: Ask) -> Response:
    """End the session, also one that has expired already."""
    if token := read_token(request):
        await ask(log_out, token)
    by_provider = BY_PROVIDER in request.cookies
    address = "/ingresar/proveedor/salida" if by_provider else "/ingresar"
    response = go(request, address, notice="La sesión se cerró.")
    sessions.forget(response)
    return response


@pages.get("/usuarios", allow=UserPermission.WRITE)
async def show_users(request: Request, ask: Ask) -> Response:
    """Users by username."""
    roles = {"role": await _list_roles(ask)}
    return await lists.render(
        request, ask, USERS, "identity/list.html", choices=roles, bulk=_ACTIONS
    )


@pages.get("/usuarios/descargar", allow=UserPermission.WRITE)
async def download_users(request: Request, ask: Ask) -> Response:
    """The list as a file."""
    return await lists.download(request, ask, USERS)


@pages.post("/usuarios/marcados", allow=UserPermission.WRITE)
async def act_on_users(request: Request, ask: Ask) -> Response:
    """Activate or deactivate those that were marked."""
    return await bulk.act(request, ask, USERS, _ACTIONS, back="/usuarios")


@pages.get("/usuarios/nuevo", allow=UserPermission.WRITE)
async def show_new_user(request: Request, ask: Ask) -> Response:
    """An empty form."""
    roles = await _list_roles(ask)
    return render_form(request, "identity/new.html", Form(), roles=roles)


@pages.post("/usuarios/nuevo", allow=UserPermission.WRITE)
async def add_user(request: Request, ask: Ask) -> Response:
    """Create a user."""
    form = await read_form(request)
    try:
        user = await ask(create_user, form.parse(NewUser))
    except FORM_ERRORS as error:
        roles = await _list_roles(ask)
        return render_form(request, "identity/new.html", form.failed(error), roles=roles)
    notice = f"Se creó el usuario {user.username}."
    invited = f"{notice} Se le está enviando la invitación por correo."
    return go(request, "/usuarios", notice=invited if user.invited and user.email else notice)


@pages.get("/usuarios/{user_id}", allow=UserPermission.WRITE)
async def show_user(request: Request, user_id: Id, ask: Ask) -> Response:
    """One user, to be changed."""
    return await _show(request, ask, user_id, None)


@pages.post("/usuarios/{user_id}", allow=UserPermission.WRITE)
async def change_user(request: Request, user_id: Id, ask: Ask) -> Response:
    """Change name, role, days and hours, or password."""
    form = await read_form(request)
    try:
        user = await ask(update_user, user_id, form.parse(UserChange))
    except FORM_ERRORS as error:
        return await _show(request, ask, user_id, form.failed(error))
    return go(request, "/usuarios", notice=f"Se guardaron los cambios de {user.username}.")


@pages.post("/usuarios/{user_id}/estado", allow=UserPermission.WRITE)
async def change_state(request: Request, user_id: Id, ask: Ask) -> Response:
    """Activate or deactivate a user; the last administrator stays."""
    form = await read_form(request)
    try:
        user = await ask(update_user, user_id, form.parse(UserChange))
    except FORM_ERRORS as error:
        return await _show(request, ask, user_id, None, error)
    done = "activó" if user.active else "desactivó"
    return go(request, f"/usuarios/{user_id}", notice=f"Se {done} el usuario {user.username}.")


async def _show(
    request: Request, ask: Ask, user_id: int, form: Form | None, error: PregonError | None = None
) -> Response:
    """The page of a user; without a form, what is stored."""
    user, roles, link = await asyncio.gather(
        ask(get_user, user_id), _list_roles(ask), ask(get_password_link, user_id)
    )
    form = form or Form.of(user)
    if error is not None:
        form.failed(error)
    work = await _find_open_work(ask, user.username)
    context = {"user": user, "roles": roles, "work": work, "link": link}
    return render_form(request, "identity/edit.html", form, **context)


async def _list_roles(ask: Ask) -> list[tuple[str, str]]:
    """Code and name of each, as `kit.select` takes them."""
    return [(role.code, role.name) for role in await ask(list_roles)]


async def _find_open_work(ask: Ask, username: str) -> list[Assignment] | None:
    """What the user has still to call, by campaign; None while that is not known.

    Who may not see everybody's assignments is shown the own ones, which are another's.
    """
    try:
        found = await ask(list_assignments, advisor=username, limit=200)
    except (Denied, Unavailable):
        return None
    return [item for item in found.items if item.open and item.advisor == username]
