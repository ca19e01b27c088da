"""Routes that say who may use them; one that does not say it stops the start."""

from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Any, ClassVar, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.security import OAuth2PasswordBearer
from starlette.responses import HTMLResponse

from services.gateway.session import require_session
from shared.contracts.identity import Permission
from shared.errors import Denied

F = TypeVar("F", bound=Callable[..., Any])


class Anyone(Enum):
    """Who may use a route that asks for no permission."""

    PUBLIC = auto()  # also those who are not logged in
    ANY_USER = auto()


PUBLIC = Anyone.PUBLIC
ANY_USER = Anyone.ANY_USER
Allowed = Anyone | Permission | frozenset[Permission]  # of a set, one permission is enough


class Doors:
    """A router whose every route names who is allowed: forgetting `allow` is a TypeError."""

    token: ClassVar[list[Any]] = []

    def __init__(self, router: APIRouter) -> None:
        self.router = router

    def get(self, path: str, *, allow: Allowed, **options: Any) -> Callable[[F], F]:
        """A route that only reads."""
        return self._route("GET", path, allow, options)

    def post(self, path: str, *, allow: Allowed, **options: Any) -> Callable[[F], F]:
        """A route that creates or acts."""
        return self._route("POST", path, allow, options)

    def put(self, path: str, *, allow: Allowed, **options: Any) -> Callable[[F], F]:
        """A route that replaces."""
        return self._route("PUT", path, allow, options)

    def patch(self, path: str, *, allow: Allowed, **options: Any) -> Callable[[F], F]:
        """A route that changes."""
        return self._route("PATCH", path, allow, options)

    def delete(self, path: str, *, allow: Allowed, **options: Any) -> Callable[[F], F]:
        """A route that removes."""
        return self._route("DELETE", path, allow, options)

    def _route(
        self, method: str, path: str, allow: Allowed, options: dict[str, Any]
    ) -> Callable[[F], F]:
        guards = [Depends(_only(allow)), *([] if allow is PUBLIC else self.token)]
        return self.router.api_route(path, methods=[method], dependencies=guards, **options)


class Pages(Doors):
    """Web pages; an expired session leads to the log-in and back."""

    def __init__(self) -> None:
        super().__init__(APIRouter(include_in_schema=False, default_response_class=HTMLResponse))


_TEXT = {"type": "string"}
_FIELD = {"type": "object", "properties": {"field": _TEXT, "message": _TEXT}}
_PROBLEM = {  # RFC 9457, as problems.py writes it
    "type": "object",
    "required": ["type", "title", "status", "detail", "errors", "trace_id"],
    "properties": {
        **dict.fromkeys(("type", "title", "detail", "trace_id"), _TEXT),
        "status": {"type": "integer"},
        "errors": {"type": "array", "items": _FIELD},
    },
}
_MEANINGS = {
    401: "The session expired or the token is wrong",
    403: "The user may not do this",
    404: "There is no such thing",
    409: "Its state does not allow this now",
    422: "The request is wrong; `errors` says where",
    503: "A part that is needed does not answer",
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {"application/problem+json": {"schema": _PROBLEM}}}
    for status, text in _MEANINGS.items()
}


class Api(Doors):
    """REST calls under /api/v1; errors are problem+json."""

    token: ClassVar[list[Any]] = [
        Depends(
            OAuth2PasswordBearer(tokenUrl="/api/v1/token", scheme_name="Pregón", auto_error=False)
        )
    ]

    def __init__(self, tag: str) -> None:
        super().__init__(APIRouter(prefix="/api/v1", tags=[tag], responses=_PROBLEMS))


def _only(allow: Allowed) -> Callable[[Request], Awaitable[None]]:
    async def check(request: Request) -> None:
        if allow is PUBLIC:
            return
        session = await require_session(request)
        if isinstance(allow, Anyone):
            return
        enough = {allow} if isinstance(allow, Permission) else allow
        if not enough & session.permissions:
            raise Denied("Su usuario no tiene permiso para esto. Hable con el administrador.")

    return check
