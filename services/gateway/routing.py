"""Routes that say who may use them; one that does not say it stops the start.

Who asks is known, and may use the route, before anything of the body is read; then no more than
the route takes (`takes=`, bytes).
"""

from collections.abc import Awaitable, Callable, Collection, Coroutine
from enum import Enum, auto
from typing import Any, ClassVar, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer, OAuth2PasswordBearer
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.responses import HTMLResponse, Response

from services.gateway import bodies
from services.gateway.answers import IDEMPOTENCY_KEY, Route, Text
from services.gateway.exposing import Endpoint, Exposure, documented
from services.gateway.systems import who_asks
from shared.contract import Procedure
from shared.contracts.identity import IN_PERSON, Session
from shared.errors import Denied
from shared.permissions import Permission

F = TypeVar("F", bound=Callable[..., Any])
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class _Number(IntegerConvertor):
    """`{…:int}` of an address: no more digits than 64 bits have, or Python refuses to read them."""

    regex = "[0-9]{1,19}"  # noqa: V107  # starlette reads it


register_url_convertor("int", _Number())


class Anyone(Enum):
    """Who may use a route that asks for no permission."""

    PUBLIC = auto()  # also those who are not logged in
    ANY_USER = auto()


_OF_SYSTEMS = (
    "The token of another system, `pgn_…`, made by an administrator: it may do what is among its "
    "scopes and what its user's role may, and nothing that asks for a person."
)
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

    def head(self, path: str, *, allow: Allowed, **options: Any) -> Callable[[F], F]:
        """What `get` answers, without its body."""
        return self._route("HEAD", path, allow, options)

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
        takes = options.pop("takes", bodies.SMALL if allow is PUBLIC else bodies.USUAL)
        guarded = _guarded(_only(allow), takes)
        token = [] if allow is PUBLIC else self.token

        def declare(endpoint: F) -> F:
            self.router.add_api_route(
                path,
                endpoint,
                methods=[method],
                dependencies=token,
                route_class_override=guarded,
                **options,
            )
            return endpoint

        return declare


class Pages(Doors):
    """Web pages; an expired session leads to the log-in and back."""

    def __init__(self) -> None:
        super().__init__(APIRouter(include_in_schema=False, default_response_class=HTMLResponse))


class Api(Doors):
    """REST calls under /api/v1; errors are problem+json."""

    token: ClassVar[list[Any]] = [
        Depends(
            OAuth2PasswordBearer(tokenUrl="/api/v1/token", scheme_name="Pregón", auto_error=False)
        ),
        Depends(HTTPBearer(scheme_name="Sistema", description=_OF_SYSTEMS, auto_error=False)),
    ]

    def __init__(self, tag: str) -> None:
        super().__init__(APIRouter(prefix="/api/v1", tags=[tag]))

    def expose(
        self,
        method: str,
        path: str,
        procedure: Procedure[..., Any],
        *,
        allow: Allowed,
        takes: int = bodies.USUAL,
        **how: Any,
    ) -> None:
        """A route that asks one procedure; `how` are fields of an `exposing.Exposure`."""
        exposure = Exposure(**how)
        endpoint = Endpoint(method, path, procedure, exposure)
        model = documented(procedure.reply, exposure.hidden)
        nothing = {204: {"description": exposure.none}} if exposure.none else {}
        options = {
            "status_code": exposure.status,
            "response_model": None if exposure.status == 204 else model,
            "responses": nothing,
            "takes": takes,
        }
        self._route(method, path, allow, options)(endpoint)

    def _route(
        self, method: str, path: str, allow: Allowed, options: dict[str, Any]
    ) -> Callable[[F], F]:
        def declare(endpoint: F) -> F:
            text = Text.of(endpoint.__doc__)
            said = {"summary": text.summary, "description": text.description}
            named = {"operation_id": endpoint.__name__, "name": endpoint.__name__}
            declare_plainly = super(Api, self)._route(method, path, allow, said | named | options)
            registered = declare_plainly(endpoint)
            self._say_answers(method, allow, text)
            return registered

        return declare

    def _say_answers(self, method: str, allow: Allowed, text: Text) -> None:
        """Of the route that was declared last: FastAPI knows by now what it reads."""
        route = self.router.routes[-1]
        assert isinstance(route, APIRoute)  # noqa: S101  # as `_route` declares it
        extra = route.openapi_extra or {}
        told = Route(
            method=method,
            name=route.name,
            public=allow is PUBLIC,
            any_user=isinstance(allow, Anyone),
            reads_body=route.body_field is not None or "requestBody" in extra,
            has_parameters=bool(route.dependant.path_params or route.dependant.query_params),
        )
        route.responses = {**told.answers(text.errors), **route.responses}
        if told.keeps_replies:
            route.openapi_extra = {**extra, "parameters": [IDEMPOTENCY_KEY]}


def _guarded(check: Callable[[Request], Awaitable[None]], takes: int) -> type[APIRoute]:
    """A route that checks who asks before FastAPI reads the body, which it does before all else."""

    class GuardedRoute(APIRoute):
        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()

            async def guarded(request: Request) -> Response:
                await check(request)
                bodies.limit(request, takes)
                bodies.check_charset(request.headers)
                return await handle(request)

            return guarded

    return GuardedRoute


def _only(allow: Allowed) -> Callable[[Request], Awaitable[None]]:
    async def check(request: Request) -> None:
        if allow is PUBLIC:
            return
        session = await who_asks(request)
        if isinstance(allow, Anyone):
            return
        enough = {allow} if isinstance(allow, Permission) else allow
        if not enough & session.permissions:
            raise Denied(_refusal(session, enough))

    return check


def _refusal(session: Session, enough: Collection[Permission]) -> str:
    if not session.actor.system:
        return "Su usuario no tiene permiso para esto. Hable con el administrador."
    if IN_PERSON.issuperset(enough):
        return "Un sistema no administra usuarios, roles ni accesos: debe hacerlo una persona."
    return "El acceso de este sistema no permite esto. Hable con el administrador."
