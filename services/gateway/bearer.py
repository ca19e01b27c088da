"""What a program gets when it logs in: a token, or what it has to do first."""

from datetime import datetime

from fastapi import Request
from starlette.responses import Response

from services.gateway import entrance, problems
from shared import clock
from shared.contract import Model
from shared.contracts.identity import Session, Ticket
from shared.errors import Denied


class Token(Model):
    """A bearer token and the seconds it lasts."""

    access_token: str
    token_type: str
    expires_in: int


def give(given: Session | Ticket) -> Token | Response:
    """The token of a session, or the question for a code."""
    seconds = _seconds_until(given.expires_at)
    if isinstance(given, Ticket):
        return problems.ask_second_factor(given.ticket, seconds)
    return Token(access_token=given.token, token_type="bearer", expires_in=seconds)  # noqa: S106  # the scheme


def refuse(request: Request, error: Denied) -> Response:
    """Who may not get in, or not yet."""
    wait = entrance.seconds_to_wait(error)
    answer = problems.answer(request, 429 if wait else 401, error.message)
    entrance.tell_when(answer, error)
    return answer


def _seconds_until(moment: datetime) -> int:
    return int((moment - clock.now()).total_seconds())
