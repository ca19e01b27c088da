"""Roles: what users of a kind may do, as a matrix."""

from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from services.gateway import labels, menu
from services.gateway.asking import Ask
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.rendering import go, render, render_form
from services.gateway.routing import Pages
from shared.contracts.identity import (
    NewRole,
    RoleChange,
    RoleCode,
    UserPermission,
    create_role,
    delete_role,
    get_role,
    list_roles,
    update_role,
)
from shared.permissions import Permission, list_permissions

pages = Pages()
WRITE = UserPermission.WRITE
menu.add(
    menu.Heading.ADMINISTRATION,
    14,
    "Roles",
    "/roles",
    WRITE,
    icon="shield-lock",
    purpose="Qué puede hacer cada rol",
)


@dataclass(frozen=True)
class Group:
    """Permissions of one room."""

    title: str
    permissions: list[Permission]


def groups() -> list[Group]:
    """All permissions by room, in the order of the rooms' names."""
    found: dict[str, list[Permission]] = {title: [] for title in labels.ROOMS.values()}
    for permission in list_permissions():
        found[labels.room_of(permission)].append(permission)
    return [Group(title, permissions) for title, permissions in found.items() if permissions]


@pages.get("/roles", allow=WRITE)
async def show_roles(request: Request, ask: Ask) -> Response:
    """Roles by permissions, with who granted what and when."""
    roles = await ask(list_roles)
    grants = {(role.code, grant.permission): grant for role in roles for grant in role.grants}
    return render(request, "identity/roles.html", roles=roles, groups=groups(), grants=grants)


@pages.get("/roles/nuevo", allow=WRITE)
async def show_new_role(request: Request) -> Response:
    """An empty form."""
    return render_form(request, "identity/new_role.html", Form(), groups=groups())


@pages.post("/roles/nuevo", allow=WRITE)
async def add_role(request: Request, ask: Ask) -> Response:
    """Create a role."""
    form = await read_form(request)
    try:
        role = await ask(create_role, form.parse(NewRole))
    except FORM_ERRORS as error:
        failed = form.failed(error)
        return render_form(request, "identity/new_role.html", failed, groups=groups())
    return go(request, "/roles", notice=f"Se creó el rol {role.name}.")


@pages.get("/roles/{code}", allow=WRITE)
async def show_role(request: Request, code: RoleCode, ask: Ask) -> Response:
    """One role, to be changed."""
    return await _show(request, ask, code)


@pages.post("/roles/{code}", allow=WRITE)
async def change_role(request: Request, code: RoleCode, ask: Ask) -> Response:
    """Another name, or other permissions: at once, also for who is logged in."""
    form = await read_form(request)
    try:
        role = await ask(update_role, code, form.parse(RoleChange))
    except FORM_ERRORS as error:
        return await _show(request, ask, code, form.failed(error))
    return go(
        request, "/roles", notice=f"Se guardó el rol {role.name}. Ya rige para quien lo tiene."
    )


@pages.post("/roles/{code}/eliminar", allow=WRITE)
async def remove_role(request: Request, code: RoleCode, ask: Ask) -> Response:
    """Delete a role that nobody has."""
    try:
        await ask(delete_role, code)
    except FORM_ERRORS as error:
        return go(request, f"/roles/{code}", notice=error.message, warns=True)
    return go(request, "/roles", notice="Se eliminó el rol.")


async def _show(request: Request, ask: Ask, code: str, form: Form | None = None) -> Response:
    role = await ask(get_role, code)
    stored = {
        "name": [role.name],
        "permissions": role.permissions,
        "requires_second_factor": [str(role.requires_second_factor).lower()],
        "version": [str(role.version)],
    }
    return render_form(
        request,
        "identity/role.html",
        form or Form(stored),
        role=role,
        groups=groups(),
        grants={grant.permission: grant for grant in role.grants},
    )
