"""The gateway as an ASGI app, `services.gateway.app:app`; `serve.py` runs it."""

import asyncio
import pkgutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from services.gateway import (
    api,
    assets,
    entrance,
    guards,
    health,
    live,
    problems,
    reasons,
    routes,
    systems,
)
from services.gateway.routing import Api, Pages
from shared import log
from shared.client import Client

_RETRY_SECONDS = 1.0
_DESCRIPTION = (
    "Campaigns, mail and calls of a telephone company. Errors are `application/problem+json` "
    "with messages in Spanish; `Idempotency-Key` makes every POST safe to repeat."
)


class Gateway(FastAPI):
    """FastAPI, with the problems of all routes named once in its document."""

    def openapi(self) -> dict[str, Any]:
        """As FastAPI's; made once."""
        document = super().openapi()
        for model in (problems.Problem, problems.SecondFactorProblem):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            parts = {**schema.pop("$defs", {}), model.__name__: schema}
            document["components"]["schemas"] |= parts
        return document


def create_app(client: Client | None = None) -> FastAPI:
    """The app with every page and API module of `routes/` and `api/`, in the order of names."""
    app = Gateway(
        title="Pregón",
        version="1",
        description=_DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        middleware=[
            Middleware(guards.Fronts),
            Middleware(guards.Trace),
            Middleware(guards.Bodies),
            Middleware(guards.SecurityHeaders),
            Middleware(systems.Measures),
            Middleware(GZipMiddleware, minimum_size=1000),
            Middleware(guards.Defects),
            Middleware(guards.Hosts),
            Middleware(guards.CrossOrigin),
        ],
    )
    problems.install(app)
    reasons.install(app)
    _include_all(app)
    app.mount("/static", assets.Bundle(directory=assets.DIST, check_dir=False))
    open_doors(app, client or Client())
    return app


def open_doors(app: FastAPI, client: Client) -> None:
    """What the app's routes share beside themselves, anew: nothing of it is older than `client`."""
    app.state.client = client
    app.state.live = live.Live()
    app.state.hall = entrance.Hall()
    app.state.waits = systems.Waits()


def _include_all(app: FastAPI) -> None:
    app.include_router(health.router)
    for module in _modules(api):
        doors: Api = module.api
        app.include_router(doors.router)
    for module in _modules(routes):
        pages: Pages = module.pages
        app.include_router(pages.router)


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for name in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        yield import_module(f"{package.__name__}.{name}")


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    log.set_up("gateway")
    listening = asyncio.create_task(_listen(app.state.client, app.state.live))
    yield
    listening.cancel()
    await app.state.client.stop()


async def _listen(client: Client, heard: live.Live) -> None:
    await _connect(client)
    await heard.listen(client)


async def _connect(client: Client) -> None:
    """Keep trying until the broker is there; meanwhile pages say that a service is away."""
    while True:
        try:
            return await client.start()
        except OSError:
            await asyncio.sleep(_RETRY_SECONDS)


app = create_app()
