"""Templates with the page's surroundings: the user, the menu, formats, notices."""

from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode
from uuid import uuid4

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.gateway import assets, labels, live, menu
from services.gateway.asking import KEY_FIELD
from services.gateway.forms import Form
from services.gateway.session import find_session
from shared.contracts.identity import Session
from shared.ecuador.dates import format_date, format_datetime, format_time
from shared.ecuador.money import format_money, format_number
from shared.ecuador.phones import format_phone
from shared.permissions import list_permissions
from shared.personal import HIDDEN
from shared.words import list_terms

NOTICE = "pregon_notice"
_WARNS = "!"  # before the text: it did not happen; quoted text has none
_TEMPLATES = Path(__file__).parent / "templates"
_EMPTY = "–"


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page or a part of one; a notice left by `go` is shown once."""
    notice = request.cookies.get(NOTICE, "")
    told = {"notice": unquote(notice.removeprefix(_WARNS)), "warns": notice.startswith(_WARNS)}
    text = _environment().get_template(template).render(**_surroundings(request), **told, **context)
    response = HTMLResponse(text, status)
    if notice and not is_partial(request):
        response.delete_cookie(NOTICE)
    return response


def render_form(request: Request, template: str, form: Form, **context: Any) -> HTMLResponse:
    """A page with a form; after `form.failed(error)` its status is the error's."""
    return render(request, template, status=form.status, form=form, **context)


def go(request: Request, address: str, notice: str = "", *, warns: bool = False) -> Response:
    """Lead the browser to a page after an action, also from htmx; the notice is shown there.

    It `warns` when what was asked for did not happen.
    """
    response: Response
    if is_partial(request):
        response = Response(status_code=204, headers={"HX-Redirect": address})
    else:
        response = RedirectResponse(address, status_code=303)
    if notice:
        told = (_WARNS if warns else "") + quote(notice)
        response.set_cookie(NOTICE, told, max_age=60, httponly=True, samesite="lax")
    return response


def is_partial(request: Request) -> bool:
    """Whether htmx asks, for a part of a page."""
    return "hx-request" in request.headers


@lru_cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        static=assets.static,
        icon=_icon,
        options=labels.options,
        colour=labels.colour,
        idempotency_field=_idempotency_field,
        **{term.__name__: term for term in list_terms()},  # `Phase.PAUSED`: no bare code
    )
    environment.filters.update(
        money=_or_dash(_format_money),
        number=_or_dash(format_number),
        percent=_or_dash(_format_percent),
        date=_or_dash(format_date),
        datetime=_or_dash(format_datetime),
        time=_or_dash(format_time),
        phone=_or_dash(_format_phone),
    )
    return environment


def _surroundings(request: Request) -> dict[str, Any]:
    session = find_session(request)
    return {
        "request": request,
        "session": session,
        "menu": menu.sections_for(session.permissions if session else frozenset()),
        "path": request.url.path,
        "seen": live.now(),
        "can": lambda *permissions: _can(session, permissions),
        "url_with": lambda **changes: _url_with(request, changes),
    }


def _can(session: Session | None, permissions: tuple[str, ...]) -> bool:
    if unknown := set(permissions) - _codes():  # a misspelt one is an error
        raise ValueError(f"there is no permission {unknown}")
    return session is not None and bool(session.permissions.intersection(permissions))


@lru_cache
def _codes() -> frozenset[str]:
    return frozenset(permission.value for permission in list_permissions())


def _url_with(request: Request, changes: dict[str, str | None]) -> str:
    """This page's address with other query values; None takes one out."""
    query = {**request.query_params, **changes}
    kept = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{request.url.path}?{urlencode(kept)}" if kept else request.url.path


def _icon(name: str, css_class: str = "") -> Markup:
    return Markup('<svg class="icon {}" aria-hidden="true"><use href="{}"></use></svg>').format(
        css_class, assets.icon_address(name)
    )


def _idempotency_field() -> Markup:
    return Markup('<input type="hidden" name="{}" value="{}">').format(KEY_FIELD, uuid4())


def _format_money(amount: Decimal | float) -> str:
    return format_money(Decimal(str(amount)))


def _format_phone(text: str) -> str:
    """One that is shown in part is no number to be read."""
    return text if HIDDEN in text else format_phone(text)


def _format_percent(share: float, decimals: int = 1) -> str:
    """`12,5 %` of a share between 0 and 1."""
    return f"{format_number(share * 100, decimals)} %"


def _or_dash(form: Any) -> Any:
    """The format, with a dash for what is not known."""

    def formatted(value: Any, *args: Any, **kwargs: Any) -> str:
        return _EMPTY if value is None else str(form(value, *args, **kwargs))

    return formatted
