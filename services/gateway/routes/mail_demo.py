"""What the catch-all of a demo has taken: a Maildir, read a page at a time, newest first."""

import heapq
import os
import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from services.gateway import addresses, menu
from services.gateway.previews import sandboxed
from services.gateway.rendering import render
from services.gateway.routing import Pages
from shared.contract import Model, Page
from shared.contracts.identity import UserPermission
from shared.contracts.mailer import MailPermission
from shared.errors import NotFound
from shared.settings import settings

pages = Pages()
menu.add(
    menu.Heading.ADMINISTRATION,
    20,
    "Correo de prueba",
    "/correo-demo",
    UserPermission.READ_OPERATIONS,
    MailPermission.READ,
    icon="inbox",
    purpose="Los mensajes que salieron en la demostración",
    there=lambda: bool(settings().mail_catcher_dir),
)

_ALLOWED = frozenset({UserPermission.READ_OPERATIONS, MailPermission.READ})
_NAME = re.compile(r"(\d{19})\.[\w.]+")  # nanoseconds first, so names sort by time
_PAGE = 50
_HEADER_BYTES = 16_384
_SHOWN = {
    "From": "De",
    "To": "Para",
    "Subject": "Asunto",
    "Date": "Fecha",
    "Message-ID": "Identificador",
    "List-Unsubscribe": "Baja en un clic",
}


class Caught(Model):
    """A message in the list."""

    name: str
    at: datetime
    to: str
    subject: str


@pages.get("/correo-demo", allow=_ALLOWED)
async def show_messages(request: Request, after: addresses.After = None) -> Response:
    """The newest messages; only those of the page are opened."""
    found = await run_in_threadpool(_list, after)
    return render(request, "mail_demo/list.html", messages=found)


@pages.get("/correo-demo/{name}", allow=_ALLOWED)
async def show_message(request: Request, name: str) -> Response:
    """One message: headers, text, and its HTML in a frame."""
    message = await run_in_threadpool(_read, name)
    return render(
        request,
        "mail_demo/show.html",
        name=name,
        subject=message["Subject"] or "(sin asunto)",
        headers=[(name, message[header]) for header, name in _SHOWN.items() if message[header]],
        text=_content(message, "plain"),
        has_html=bool(_content(message, "html")),
    )


@pages.get("/correo-demo/{name}/html", allow=_ALLOWED)
async def show_html(name: str) -> Response:
    """The HTML part alone, for the sandboxed frame; its links open in a new tab."""
    message = await run_in_threadpool(_read, name)
    return sandboxed(_content(message, "html"), links=True)


def _folder() -> Path:
    """Where new messages lie. Raises NotFound where there is no catch-all."""
    if not settings().mail_catcher_dir:
        raise NotFound("Esta instalación no guarda el correo de prueba.")
    return Path(settings().mail_catcher_dir) / "new"


def _list(after: str | None) -> Page[Caught]:
    folder = _folder()
    names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208  # names only: it is quick
    older = (name for name in names if _NAME.fullmatch(name) and (not after or name < after))
    newest = heapq.nlargest(_PAGE + 1, older)
    items = [_caught(folder / name) for name in newest[:_PAGE]]
    return Page(items=items, next=newest[_PAGE - 1] if len(newest) > _PAGE else None)


def _caught(path: Path) -> Caught:
    with path.open("rb") as source:
        headers = BytesHeaderParser(policy=policy.default).parsebytes(source.read(_HEADER_BYTES))
    return Caught(
        name=path.name,
        at=datetime.fromtimestamp(int(path.name[:10]), UTC),
        to=str(headers["To"] or headers["Delivered-To"] or ""),
        subject=str(headers["Subject"] or "(sin asunto)"),
    )


def _read(name: str) -> EmailMessage:
    path = _folder() / name
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFound("Ese mensaje ya no está.")
    return message_from_bytes(path.read_bytes(), policy=policy.default)


def _content(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
