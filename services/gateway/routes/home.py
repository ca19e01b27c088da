"""The page one lands on: what this user's role comes for."""

from fastapi import Request
from starlette.responses import Response

from services.gateway.rendering import render
from services.gateway.routing import ANY_USER, Pages
from services.gateway.session import SignedIn
from shared import clock
from shared.contracts.identity import Role

pages = Pages()

# The first thing each role does in a day.
_FIRST = {
    Role.MARKETING_HEAD: ("Nueva campaña", "/campanas/nueva", "speakerphone"),
    Role.ADVISOR: ("Siguiente cliente", "/llamadas", "headset"),
    Role.SUPERVISOR: ("Asignar clientes", "/asignaciones", "user-check"),
    Role.BACKOFFICE: ("Buscar cliente", "/clientes", "search"),
    Role.ADMIN: ("Usuarios", "/usuarios", "users-group"),
}


@pages.get("/", allow=ANY_USER)
async def home(request: Request, session: SignedIn) -> Response:
    """Greeting, the role's first action, and the user's part of the menu as cards."""
    return render(
        request,
        "home/home.html",
        first=_FIRST[Role(session.actor.role)],
        greeting=_greeting(clock.now().astimezone(clock.GUAYAQUIL).hour),
    )


def _greeting(hour: int) -> str:
    if hour < 12:
        return "Buenos días"
    return "Buenas tardes" if hour < 19 else "Buenas noches"
