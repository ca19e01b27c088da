"""Somebody else's HTML in a frame: a policy of its own, no scripts, no way to our pages.

Nothing is fetched from another site: whoever runs it would learn who looks, and when. A picture
from there is drawn as a frame that says so.
"""

import re
from urllib.parse import quote

from starlette.responses import HTMLResponse

from shared.settings import settings

_SOURCES = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
_ZOOM = "<style>html{{zoom:{share};overflow:hidden}}</style>"
_NEW_TAB = '<base target="_blank">'
_SOURCE = re.compile(
    r"""\bsrc\s{0,9}=\s{0,9}(?:"\s{0,9}([^"]*)"|'\s{0,9}([^']*)')""", re.IGNORECASE
)
_REMOTE = re.compile(r"(?:https?:|ftp:)?[/\\]{2}", re.IGNORECASE)
_DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="240" height="90">'
    '<rect width="100%" height="100%" fill="#eef2f7" stroke="#94a3b8" stroke-dasharray="4"/>'
    '<text x="50%" y="50%" fill="#475569" font-family="sans-serif" font-size="13"'
    ' text-anchor="middle">Imagen de otro sitio</text></svg>'
)
PLACEHOLDER = f"data:image/svg+xml,{quote(_DRAWING)}"


def _images() -> str:
    """Where the product keeps the pictures that designs brought along."""
    return f"{settings().public_url.rstrip('/')}/imagenes/"


def _is_remote(source: re.Match[str]) -> bool:
    address = source.group(1) or source.group(2) or ""
    return _REMOTE.match(address) is not None and not address.startswith(_images())


def count_remote(html: str) -> int:
    """How many pictures of other sites a preview does not load."""
    return sum(map(_is_remote, _SOURCE.finditer(html)))


def _without_remote(html: str) -> str:
    return _SOURCE.sub(
        lambda found: f'src="{PLACEHOLDER}"' if _is_remote(found) else found.group(), html
    )


def sandboxed(html: str, *, zoom: float | None = None, links: bool = False) -> HTMLResponse:
    """The HTML as a frame's page; `links` open in a new tab, otherwise they are dead.

    The frame needs `sandbox` too (`sandbox="allow-popups allow-popups-to-escape-sandbox"` where
    links work). Never allow scripts together with the same origin.
    """
    may = " allow-popups allow-popups-to-escape-sandbox" if links else ""
    shown = _without_remote(html)
    head = (_NEW_TAB if links else "") + (_ZOOM.format(share=zoom) if zoom else "")
    policy = f"sandbox{may}; {_SOURCES}; img-src data: {_images()}"
    return HTMLResponse(
        shown.replace("<head>", f"<head>{head}", 1) if "<head>" in shown else head + shown,
        headers={"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"},
    )
