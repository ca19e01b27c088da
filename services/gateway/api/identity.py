"""Tokens and users over REST."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordRequestForm
from starlette.responses import Response

from services.gateway import entrance, problems
from services.gateway.asking import Ask
from services.gateway.routing import ANY_USER, PUBLIC, Api
from services.gateway.session import SignedIn
from shared import clock
from shared.contract import Id, Limit, Model, Page
from shared.contracts.identity import (
    NewUser,
    Permission,
    Role,
    Session,
    User,
    UserChange,
    create_user,
    list_users,
    update_user,
)
from shared.errors import Denied

api = Api("identity")


class Token(Model):
    """A bearer token and the seconds it lasts."""

    access_token: str
    token_type: str
    expires_in: int


class Me(Model):
    """The user of a token and what it may do."""

    id: int
    username: str
    full_name: str
    role: Role
    permissions: list[Permission]


@api.post("/token", allow=PUBLIC, response_model=Token)
async def create_token(
    request: Request, credentials: Annotated[OAuth2PasswordRequestForm, Depends()], ask: Ask
) -> Token | Response:
    """Log in with username and password; a wrong pair is 401, too many of them 429."""
    source = request.client.host if request.client else ""
    try:
        session = await entrance.enter(ask, credentials.username, credentials.password, source)
    except Denied as error:
        return _refuse(request, error)
    return _token(session)


@api.get("/me", allow=ANY_USER)
async def show_me(session: SignedIn) -> Me:
    """Who the token belongs to."""
    actor = session.actor
    return Me(
        id=actor.user_id,
        username=actor.username,
        full_name=actor.full_name,
        role=Role(actor.role),
        permissions=sorted(session.permissions),
    )


@api.get("/users", allow=Permission.USER_WRITE)
async def show_users(
    ask: Ask, role: Role | None = None, after: str | None = None, limit: Limit = 50
) -> Page[User]:
    """Users by username."""
    return await ask(list_users, role=role, after=after, limit=limit)


@api.post("/users", allow=Permission.USER_WRITE, status_code=201)
async def add_user(new: NewUser, ask: Ask) -> User:
    """Create a user."""
    return await ask(create_user, new)


@api.patch("/users/{user_id}", allow=Permission.USER_WRITE)
async def change_user(user_id: Id, change: UserChange, ask: Ask) -> User:
    """Change what is given. A new password, role or state ends the user's sessions."""
    return await ask(update_user, user_id, change)


def _refuse(request: Request, error: Denied) -> Response:
    wait = next((item.message for item in error.fields if item.field == "retry_after"), None)
    answer = problems.answer(request, 429 if wait else 401, error.message)
    if wait:
        answer.headers["Retry-After"] = wait
    return answer


def _token(session: Session) -> Token:
    seconds = int((session.expires_at - clock.now()).total_seconds())
    return Token(access_token=session.token, token_type="bearer", expires_in=seconds)  # noqa: S106  # the scheme
