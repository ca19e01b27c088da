"""The page one lands on: what this user comes for, and its figures of today."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from fastapi import Request
from starlette.responses import Response

from services.gateway.asking import Ask, Asker
from services.gateway.charts import Chart, Series
from services.gateway.rendering import render
from services.gateway.routing import ANY_USER, Pages
from services.gateway.session import SignedIn
from shared import clock
from shared.contracts.campaign import CampaignFigures, CampaignPermission, Phase, list_by_budget
from shared.contracts.customer_query import CustomerPermission, list_imports
from shared.contracts.identity import UserPermission, UserState, list_users
from shared.contracts.mailer import MailPermission, list_mailings
from shared.contracts.telemarketing import (
    CallPermission,
    get_day,
    list_assignments,
    list_callbacks,
)
from shared.errors import Unavailable

pages = Pages()
LINES = 6


@pages.get("/", allow=ANY_USER)
async def home(request: Request, session: SignedIn, ask: Ask) -> Response:
    """Greeting, the user's first action and figures, and the user's part of the menu as cards.

    A room that does not answer costs its figures, not the page.
    """
    start = _start_of(session.permissions)
    figures: dict[str, Any] = {"away": False, "chart": None}
    if start.figures:
        try:
            figures |= await start.figures(ask)
        except Unavailable:
            figures["away"] = True
    return render(
        request,
        "home/home.html",
        first=start.first,
        greeting=_greeting(clock.now().astimezone(clock.GUAYAQUIL).hour),
        part=start.part,
        **figures,
    )


async def _marketing_head(ask: Asker) -> dict[str, Any]:
    campaigns, mailings = await asyncio.gather(ask(list_by_budget), ask(list_mailings, limit=LINES))
    running = [item for item in campaigns if item.phase in {Phase.EXECUTING, Phase.PAUSED}]
    return {
        "campaigns": running[:LINES],
        "totals": {
            "campaigns": len(running),
            "audience": sum(item.audience for item in running),
            "contacted": sum(item.contacted for item in running),
            "accepted": sum(item.accepted for item in running),
        },
        "mailings": mailings.items,
        "chart": _campaign_chart(running[:LINES]),
    }


def _campaign_chart(campaigns: list[CampaignFigures]) -> Chart:
    return Chart(
        kind="bar",
        labels=[item.name for item in campaigns],
        series=[
            Series(name="Contactados", values=[item.contacted for item in campaigns]),
            Series(name="Aceptaron", values=[item.accepted for item in campaigns]),
        ],
    )


async def _advisor(ask: Asker) -> dict[str, Any]:
    start, end = _today()
    day, callbacks = await asyncio.gather(ask(get_day), ask(list_callbacks, start, end))
    return {"day": day, "callbacks": [item for item in callbacks if not item.done]}


async def _supervisor(ask: Asker) -> dict[str, Any]:
    assignments = await ask(list_assignments, limit=50)
    return {
        "assignments": assignments.items,
        "totals": {
            "assigned": sum(item.assigned for item in assignments.items),
            "open": sum(item.open for item in assignments.items),
            "done": sum(item.done for item in assignments.items),
        },
    }


async def _admin(ask: Asker) -> dict[str, Any]:
    users, imports = await asyncio.gather(
        ask(list_users, limit=200), ask(list_imports, limit=LINES)
    )
    return {
        "users": [user for user in users.items if user.state is UserState.ACTIVE],
        "imports": imports.items,
    }


@dataclass(frozen=True)
class _Start:
    """How the day begins for those who may do all of this; the first one that fits counts."""

    needed: frozenset[str]
    first: tuple[str, str, str]  # label, address and icon of what is done first
    part: str = ""  # the template of the figures
    figures: Callable[[Asker], Awaitable[dict[str, Any]]] | None = None


_STARTS = (
    _Start(
        frozenset(
            {CampaignPermission.WRITE, CampaignPermission.READ_STATISTICS, MailPermission.READ}
        ),
        ("Nueva campaña", "/campanas/nueva", "speakerphone"),
        "marketing_head",
        _marketing_head,
    ),
    _Start(
        frozenset({CallPermission.ASSIGN}),
        ("Asignar clientes", "/asignaciones", "user-check"),
        "supervisor",
        _supervisor,
    ),
    _Start(
        frozenset({CallPermission.WORK}),
        ("Siguiente cliente", "/llamadas", "headset"),
        "advisor",
        _advisor,
    ),
    _Start(
        frozenset({UserPermission.WRITE, CustomerPermission.IMPORT}),
        ("Usuarios", "/usuarios", "users-group"),
        "admin",
        _admin,
    ),
    _Start(frozenset({UserPermission.WRITE}), ("Usuarios", "/usuarios", "users-group")),
    _Start(frozenset({CustomerPermission.READ}), ("Buscar cliente", "/clientes", "search")),
    _Start(frozenset(), ("Mi cuenta", "/cuenta", "id")),
)


def _start_of(permissions: frozenset[str]) -> _Start:
    return next(start for start in _STARTS if start.needed <= permissions)


def _today() -> tuple[datetime, datetime]:
    start = datetime.combine(clock.today(), time.min, clock.GUAYAQUIL)
    return start, start + timedelta(days=1)


def _greeting(hour: int) -> str:
    if hour < 12:
        return "Buenos días"
    return "Buenas tardes" if hour < 19 else "Buenas noches"
