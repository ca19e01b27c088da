"""Invitations and forgotten passwords over REST."""

from typing import Annotated

from fastapi import Body, Request
from starlette.responses import Response

from services.gateway import bearer
from services.gateway.answers import problem_answer
from services.gateway.asking import Ask
from services.gateway.routing import PUBLIC, Api
from services.gateway.session import source_of
from shared.contract import Model
from shared.contracts import identity as contract
from shared.contracts.identity import UserPermission
from shared.contracts.password_links import Typed
from shared.errors import Denied

api = Api("identity")
_OFTEN = problem_answer("Asked for too often; `Retry-After` has the seconds to wait")
_EXAMPLE = {"example": {"value": {"user": "asesor1"}}}


class Forgotten(Model):
    """Whose password is forgotten: a username or a mail address."""

    user: Typed


@api.post("/password-resets", allow=PUBLIC, status_code=202, responses={429: _OFTEN})
async def ask_password_reset(
    request: Request, asked: Annotated[Forgotten, Body(openapi_examples=_EXAMPLE)], ask: Ask
) -> Response:
    """Have a link to choose another password sent to a user.

    By username or mail address. The answer is the same whether there is such a user.
    """
    try:
        await ask(contract.ask_password_reset, asked.user, source_of(request))
    except Denied as error:
        return bearer.refuse(request, error)
    return Response(status_code=202)


_ACCESS = "/users/{user_id}/password-link"
api.expose(
    "GET",
    _ACCESS,
    contract.get_password_link,
    allow=UserPermission.WRITE,
    none="No link was ever sent to the user",
)
api.expose(
    "POST",
    "/users/{user_id}/invitation",
    contract.send_invitation,
    allow=UserPermission.WRITE,
    status=202,
)
