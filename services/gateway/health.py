"""Whether the process lives, and whether it can serve."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from services.gateway.session import rooms_of
from shared.errors import Unavailable

router = APIRouter(prefix="/health", include_in_schema=False)


@router.get("/live")
async def live() -> dict[str, str]:
    """Answers as long as the process does; never asks the broker."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(request: Request) -> JSONResponse:
    """200 when the broker is connected and identity answers, so that people can log in."""
    rooms = rooms_of(request)
    if not rooms.connected:
        return JSONResponse({"status": "broker"}, 503)
    try:
        await rooms.check_health("identity")
    except Unavailable:
        return JSONResponse({"status": "identity"}, 503)
    return JSONResponse({"status": "ok"})
