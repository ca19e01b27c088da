"""Tokens and users over REST."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordRequestForm
from starlette.responses import Response

from services.gateway import bearer, entrance
from services.gateway.answers import Responses, form_example, problem_answer
from services.gateway.asking import Ask
from services.gateway.bearer import Token
from services.gateway.routing import ANY_USER, PUBLIC, Api
from services.gateway.session import SignedIn
from shared.contract import Model
from shared.contracts import identity as contract
from shared.contracts.identity import UserPermission
from shared.errors import Denied

api = Api("identity")


class Me(Model):
    """The user of a token and what it may do."""

    id: int
    username: str
    full_name: str
    role: str
    permissions: list[str]


_REFUSALS: Responses = {
    401: problem_answer(
        "Username and password do not fit, the user is deactivated, or a second factor is asked "
        "for: then there is a `code`, `second_factor_required`, and a `ticket`",
        "SecondFactorProblem",
    ),
    429: problem_answer("Too many failures; `Retry-After` has the seconds to wait"),
}
_EXAMPLE = {"username": "jefe", "password": "una clave larga"}
_FORM = form_example("application/x-www-form-urlencoded", _EXAMPLE)


@api.post("/token", allow=PUBLIC, response_model=Token, responses=_REFUSALS, openapi_extra=_FORM)
async def create_token(
    request: Request, credentials: Annotated[OAuth2PasswordRequestForm, Depends()], ask: Ask
) -> Token | Response:
    """Log in with username and password.

    The token goes into the header `Authorization: Bearer …` of every other call. For a user with a
    second factor the answer is 401 with `code` `second_factor_required` and a `ticket`, with which
    `/token/second-factor` gives the token.
    """
    pair = (credentials.username, credentials.password)
    try:
        given = await entrance.hall_of(request).enter(ask, *pair, request)
    except Denied as error:
        return bearer.refuse(request, error)
    return bearer.give(given)


@api.get("/me", allow=ANY_USER)
async def get_me(session: SignedIn) -> Me:
    """Get whom the token belongs to.

    With all that this user may do.
    """
    actor = session.actor.model_dump(include={"username", "full_name", "role"})
    return Me(id=session.actor.user_id, permissions=sorted(session.permissions), **actor)


api.expose("GET", "/users", contract.list_users, allow=UserPermission.WRITE)
api.expose("POST", "/users", contract.create_user, allow=UserPermission.WRITE, status=201)
api.expose("GET", "/users/{user_id}", contract.get_user, allow=UserPermission.WRITE)
api.expose("PATCH", "/users/{user_id}", contract.update_user, allow=UserPermission.WRITE)
_CODES = "/users/{user_id}/second-factor"
api.expose("DELETE", _CODES, contract.reset_second_factor, allow=UserPermission.WRITE, status=204)
