"""The public page behind the unsubscribe link of a mail: only POST acts (RFC 8058)."""

from fastapi import Request
from starlette.responses import Response

from services.gateway.asking import Ask
from services.gateway.rendering import render
from services.gateway.routing import PUBLIC, Pages
from shared.contracts.mailer import get_subscription, unsubscribe

pages = Pages()


@pages.head("/baja/{token}", allow=PUBLIC)
@pages.get("/baja/{token}", allow=PUBLIC)
async def show_unsubscribe(request: Request, token: str, ask: Ask) -> Response:
    """What the link is about, and a button; a scanner that follows links changes nothing."""
    subscription = await ask(get_subscription, token)
    return render(request, "unsubscribe/show.html", subscription=subscription)


@pages.post("/baja/{token}", allow=PUBLIC)
async def stop_mail(request: Request, token: str, ask: Ask) -> Response:
    """Stop all marketing mail to the person: the button, or a mailbox provider's one click."""
    subscription = await ask(unsubscribe, token)
    return render(request, "unsubscribe/done.html", subscription=subscription)
