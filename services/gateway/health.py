"""Whether the process lives, whether it can serve, and whether the whole product is well."""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from services.gateway.session import client_of
from shared.client import Client
from shared.contracts import ROOMS
from shared.errors import Unavailable

router = APIRouter(prefix="/health", include_in_schema=False)


@router.get("/live")
async def live() -> dict[str, str]:
    """Answers as long as the process does; never asks the broker."""
    return {"status": "ok"}


@router.get("/serve")
async def serve(request: Request) -> JSONResponse:
    """200 when the broker is connected and identity answers: people can log in.

    For whoever routes requests: a job that is stuck somewhere must not close the doors.
    """
    client = client_of(request)
    if not client.connected:
        return JSONResponse({"status": "broker"}, 503)
    try:
        await client.check_health("identity")
    except Unavailable:
        return JSONResponse({"status": "identity"}, 503)
    return JSONResponse({"status": "ok"})


@router.get("/ready")
async def ready(request: Request) -> JSONResponse:
    """200 when every room answers and nothing is stuck; otherwise what is, by room."""
    client = client_of(request)
    if not client.connected:
        return JSONResponse({"status": "broker"}, 503)
    states = await asyncio.gather(*(_state(client, room) for room in ROOMS))
    found = {room: state for room, state in zip(ROOMS, states, strict=True) if state != "ok"}
    return JSONResponse(found, 503) if found else JSONResponse({"status": "ok"})


async def _state(client: Client, room: str) -> str:
    try:
        return await client.check_health(room)
    except Unavailable as error:
        return str(error)
