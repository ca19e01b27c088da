"""API tokens: how other systems ask in a user's name."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Path, Request
from starlette.responses import Response

from services.gateway import addresses, menu
from services.gateway.asking import Ask, Asker
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.rendering import go, render, render_form
from services.gateway.routes.role import Group, groups
from services.gateway.routes.team import list_people
from services.gateway.routing import ANY_USER, Pages
from shared import clock
from shared.contracts.identity import (
    IN_PERSON,
    NewToken,
    TokenPermission,
    create_api_token,
    list_api_tokens,
    list_own_api_tokens,
    revoke_api_token,
)
from shared.contracts.tokens import LONGEST_DAYS
from shared.permissions import list_permissions

pages = Pages()
WRITE = TokenPermission.WRITE
TokenId = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{10}$")]
menu.add(
    menu.Heading.ADMINISTRATION,
    16,
    "Accesos de sistemas",
    "/accesos",
    WRITE,
    icon="key",
    purpose="Qué otros sistemas entran, y en nombre de quién",
)


@pages.get("/accesos", allow=WRITE)
async def show_tokens(request: Request, ask: Ask, after: addresses.After = None) -> Response:
    """Tokens, newest first."""
    tokens = await ask(list_api_tokens, after=after)
    words = {item.value: item.word for item in list_permissions()}
    return render(request, "identity/tokens.html", tokens=tokens, words=words)


@pages.get("/accesos/nuevo", allow=WRITE)
async def show_new_token(request: Request, ask: Ask) -> Response:
    """A form for three months."""
    begin = {
        "expires_on": [(clock.today() + timedelta(days=90)).isoformat()],
        "requests_a_minute": [str(NewToken.model_fields["requests_a_minute"].default)],
    }
    return await _render_form(request, ask, Form(begin))


@pages.post("/accesos/nuevo", allow=WRITE)
async def add_token(request: Request, ask: Ask) -> Response:
    """Make a token; the answer alone shows its value, which is kept nowhere."""
    form = await read_form(request)
    try:
        new = form.parse(NewToken, networks=form.value("networks").split())
        token = await ask(create_api_token, new)
    except FORM_ERRORS as error:
        return await _render_form(request, ask, form.failed(error))
    return render(request, "identity/token_issued.html", token=token)


@pages.post("/accesos/{token_id}/revocar", allow=WRITE)
async def revoke_token(request: Request, token_id: TokenId, ask: Ask) -> Response:
    """End it, for good and at once."""
    token = await ask(revoke_api_token, token_id)
    return go(request, "/accesos", notice=f"Se revocó el acceso {token.name}. Ya no abre nada.")


@pages.get("/cuenta/accesos", allow=ANY_USER)
async def show_own_tokens(request: Request, ask: Ask) -> Response:
    """Which systems act in the user's name; for the card of the account's page."""
    tokens = await ask(list_own_api_tokens)
    return render(request, "identity/own_tokens.html", tokens=tokens)


async def _render_form(request: Request, ask: Asker, form: Form) -> Response:
    today = clock.today()
    options: dict[str, Any] = {
        "people": await list_people(ask),
        "groups": _groups(),
        "first": today.isoformat(),
        "last": (today + timedelta(days=LONGEST_DAYS)).isoformat(),
    }
    return render_form(request, "identity/new_token.html", form, **options)


def _groups() -> list[Group]:
    """Permissions by room, without those that ask for a person."""
    found = [
        Group(group.title, [item for item in group.permissions if item not in IN_PERSON])
        for group in groups()
    ]
    return [group for group in found if group.permissions]
