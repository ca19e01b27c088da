"""The second step of a log-in over REST."""

from typing import Annotated

from fastapi import Request
from pydantic import Field
from starlette.responses import Response

from services.gateway import entrance, problems
from services.gateway.answers import Responses, problem_answer
from services.gateway.api.identity import Token, refuse, token_of
from services.gateway.asking import Ask
from services.gateway.routing import PUBLIC, Api
from shared.contract import Model
from shared.contracts import identity as contract
from shared.contracts.identity import UserPermission
from shared.contracts.second_factor import Code
from shared.errors import Denied, Invalid

api = Api("identity")


class SecondStep(Model):
    """The ticket that `/token` gave, and a code of the telephone or a recovery code."""

    ticket: Annotated[str, Field(max_length=200)]
    code: Code


_REFUSALS: Responses = {
    401: problem_answer("The code is wrong or was used, or the ticket is used or too old"),
    429: problem_answer("Too many wrong codes; `Retry-After` has the seconds to wait"),
}


@api.post("/token/second-factor", allow=PUBLIC, response_model=Token, responses=_REFUSALS)
async def finish_token(request: Request, step: SecondStep, ask: Ask) -> Token | Response:
    """Finish a log-in with a code.

    After `/token` has answered 401 with `code` `second_factor_required` and a `ticket`, which is
    good for five minutes and one token. A wrong code may be followed by another one.
    """
    try:
        session = await entrance.finish(ask, step.ticket, step.code, request)
    except Invalid as error:
        return problems.answer(request, 401, error.message, error.fields)
    except Denied as error:
        return refuse(request, error)
    return token_of(session)


api.expose(
    "DELETE",
    "/users/{user_id}/second-factor",
    contract.reset_second_factor,
    allow=UserPermission.WRITE,
    status=204,
)
