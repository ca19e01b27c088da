"""Somebody else's HTML in a frame: a policy of its own, no scripts, no way to our pages."""

from starlette.responses import HTMLResponse

from shared.settings import settings

_SOURCES = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
_ZOOM = "<style>html{{zoom:{share};overflow:hidden}}</style>"
_NEW_TAB = '<base target="_blank">'


def sandboxed(html: str, *, zoom: float | None = None, links: bool = False) -> HTMLResponse:
    """The HTML as a frame's page; `links` open in a new tab, otherwise they are dead.

    The frame needs `sandbox` too (`sandbox="allow-popups allow-popups-to-escape-sandbox"` where
    links work). Never allow scripts together with the same origin.
    """
    may = " allow-popups allow-popups-to-escape-sandbox" if links else ""
    images = f"img-src data: https: {settings().public_url}"
    head = (_NEW_TAB if links else "") + (_ZOOM.format(share=zoom) if zoom else "")
    policy = f"sandbox{may}; {_SOURCES}; {images}"
    return HTMLResponse(
        html.replace("<head>", f"<head>{head}", 1) if "<head>" in html else head + html,
        headers={"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"},
    )
