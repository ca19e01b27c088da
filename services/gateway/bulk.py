"""An action on the rows of a list that were marked, or on all that match.

_ACTIONS = (Bulk("desactivar", "Desactivar", "user-off", set_users_active, {"active": False}, …),)

@pages.post("/usuarios/marcados", allow=UserPermission.WRITE)
async def act_on_users(request: Request, ask: Ask) -> Response:
    return await bulk.act(request, ask, USERS, _ACTIONS, back="/usuarios")
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from starlette.responses import Response

from services.gateway.asking import Asker
from services.gateway.forms import Form, read_form
from services.gateway.rendering import go, render
from services.gateway.searching import Search
from shared.contract import Procedure
from shared.errors import Invalid
from shared.lists import MOST_AT_ONCE, Done, Listing

MOST = 10_000  # rows of one action
NONE = "Marque al menos una fila."
TOO_MANY = "Coinciden más de 10.000 filas. Use un filtro y hágalo por partes."


@dataclass(frozen=True)
class Bulk:
    """`verb` is the button, `question` the one that is asked before: `¿Desactivar {}?`."""

    name: str
    verb: str
    icon: str
    procedure: Procedure[..., Done]
    question: str
    told: str  # `Se desactivaron {}.`
    values: Mapping[str, Any] = field(default_factory=dict)
    detail: str = ""


async def act(
    request: Request, ask: Asker, listing: Listing[Any], actions: Sequence[Bulk], *, back: str
) -> Response:
    """Do it; what was refused stands on a page of its own, with the reason of each."""
    form = await read_form(request)
    action = next((one for one in actions if one.name == form.value("accion")), None)
    if action is None:
        raise Invalid("Elija qué hacer con las filas marcadas.")
    ids = await _marked(request, ask, listing, form)
    done = await _act(ask, action, ids)
    address = f"{back}?{request.url.query}" if request.url.query else back
    told = action.told.format(listing.noun.count(done.done))
    if not done.refused:
        return go(request, address, notice=told)
    shown: dict[str, Any] = {"listing": listing, "action": action, "done": done, "told": told}
    return render(request, "list/refused.html", back=address, **shown)


async def _act(ask: Asker, action: Bulk, ids: Sequence[int]) -> Done:
    """In portions, each a command of its own that is safe to repeat."""
    done = Done(done=0, refused=[])
    for at in range(0, len(ids), MOST_AT_ONCE):
        part = list(ids[at : at + MOST_AT_ONCE])
        done += await ask.part(str(part[0]))(action.procedure, part, **action.values)
    return done


async def _marked(request: Request, ask: Asker, listing: Listing[Any], form: Form) -> Sequence[int]:
    """The rows' numbers in their order. Raises Invalid for none and for too many."""
    if form.value("todos") == "1":
        ids = [row_id async for row_id in _matching(request, ask, listing)]
    else:
        ids = [int(text) for text in form.chosen("ids") if text.isdecimal() and len(text) < 17]
    if not ids:
        raise Invalid(NONE)
    if len(ids) > MOST:
        raise Invalid(TOO_MANY)
    return sorted(set(ids))


async def _matching(request: Request, ask: Asker, listing: Listing[Any]) -> AsyncIterator[int]:
    """One more than `MOST` at most."""
    values, after = Search.of(request, listing).values, None
    for _ in range(MOST // MOST_AT_ONCE + 1):
        page = await ask(listing.procedure, **values, after=after, limit=MOST_AT_ONCE)
        for row in page.items:
            yield row.id
        after = page.next
        if after is None:
            return
