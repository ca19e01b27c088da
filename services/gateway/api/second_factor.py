"""The second step of a log-in over REST."""

from typing import Annotated

from fastapi import Body, Request
from starlette.responses import Response

from services.gateway import bearer, entrance, problems
from services.gateway.answers import problem_answer
from services.gateway.asking import Ask
from services.gateway.bearer import Token
from services.gateway.routing import PUBLIC, Api
from shared.contracts.second_factor import SecondStep
from shared.errors import Denied, Invalid

api = Api("identity")
_WRONG = problem_answer("The code is wrong or was used, or the ticket is used or too old")
_OFTEN = problem_answer("Too many wrong codes; `Retry-After` has the seconds to wait")
_RESPONSES = {401: _WRONG, 429: _OFTEN}
_EXAMPLE = {"example": {"value": {"ticket": "Zs3V…", "code": "123456"}}}
_Step = Annotated[SecondStep, Body(openapi_examples=_EXAMPLE)]


@api.post("/token/second-factor", allow=PUBLIC, response_model=Token, responses=_RESPONSES)
async def finish_log_in(request: Request, step: _Step, ask: Ask) -> Token | Response:
    """Finish a log-in with a code.

    After `/token` has answered 401 with `code` `second_factor_required` and a `ticket`, which is
    good for five minutes and one token. A wrong code may be followed by another one.
    """
    try:
        return bearer.give(await entrance.finish(ask, step.ticket, step.code, request))
    except Invalid as error:
        return problems.answer(request, 401, error.message, error.fields)
    except Denied as error:
        return bearer.refuse(request, error)
