"""Uploaded HTML made harmless and ready to mail: cleaned, styles inlined, a text part beside it.

What is taken out is decided by nh3's list of what may stay; the report in Spanish is read off the
source. Conditions (`{% if … %}`) travel through the parsers as comments, since text inside a
table would be moved out of it.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import css_inline
import nh3
from lxml import html as lxml_html

from services.mailer import removals, styles
from services.mailer.removals import IMAGE_SCHEME
from shared.errors import Invalid

_TAGS = (
    "a abbr b blockquote br caption center cite code col colgroup dd del div dl dt em font h1 h2 h3"
    " h4 h5 h6 hr i img ins li ol p pre s small span strike strong sub sup table tbody td tfoot th"
    " thead tr u ul"
)
TAGS = frozenset(_TAGS.split())
_EVERYWHERE = "align bgcolor class dir height id lang role style title valign width"
_ATTRIBUTES = {
    "*": set(_EVERYWHERE.split()),
    "a": {"href", "name", "target"},
    "font": {"color", "face", "size"},
    "img": {"alt", "border", "src"},
    "ol": {"start", "type"},
    "table": {"border", "cellpadding", "cellspacing"},
    "td": {"colspan", "nowrap", "rowspan"},
    "th": {"colspan", "nowrap", "rowspan", "scope"},
}
_SCHEMES = {"https", "http", "mailto", "tel", IMAGE_SCHEME}
_TAG = re.compile(r"\{%.*?%\}", re.DOTALL)
_COMMENT = re.compile(r"<!--(?!condition-[0-9a-f]{16}-\d+-->).*?-->", re.DOTALL)
_INSIDE = (
    "Hay una condición {% if %} dentro de una etiqueta. Póngala alrededor de elementos enteros."
)
_DOCUMENT = """<!doctype html>
<html lang="es">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
{style}</head>
<body{attributes}>
{body}
</body>
</html>
"""


@dataclass(frozen=True)
class Cleaned:
    """A design as two templates, and what was taken out of it."""

    html: str
    text: str
    removed: list[str]


def clean(source: str, images: Mapping[str, str]) -> Cleaned:
    """Make a template safe and self-contained; `images` are file keys by the name in the HTML.

    Raises Invalid on `html` when nothing is left.
    """
    conditions = Conditions()
    marked = conditions.hide(source)
    inlined = _inline(removals.point_to_images(marked, images))
    body = _clean_body(inlined)
    if not re.sub(r"<(?!img)[^>]*>|\s", "", body):
        raise Invalid.field("html", "El diseño no tiene contenido que mostrar.")

    document = lxml_html.document_fromstring(inlined)
    return Cleaned(
        html=conditions.show(_assemble(document, body)),
        text=conditions.show(to_text(body)),
        removed=removals.list_removed(marked, TAGS, images),
    )


class Conditions:
    """The `{% … %}` of one source, each behind a comment that nobody else can have written."""

    def __init__(self) -> None:
        self._tags: list[str] = []
        self._word = f"condition-{secrets.token_hex(8)}"

    def hide(self, source: str) -> str:
        """The source with comments for its conditions."""
        return _TAG.sub(self._hide, source)

    def _hide(self, found: re.Match[str]) -> str:
        self._tags.append(found.group())
        return f"<!--{self._word}-{len(self._tags) - 1}-->"

    def show(self, cleaned: str) -> str:
        """The conditions back in their places. Raises Invalid for one inside a tag."""
        shown = re.sub(f"<!--{self._word}-(\\d+)-->", self._show, cleaned)
        if self._word in shown:
            raise Invalid.field("html", _INSIDE)
        return shown

    def _show(self, found: re.Match[str]) -> str:
        return self._tags[int(found.group(1))]


def _inline(source: str) -> str:
    inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
    try:
        return str(inliner.inline(source))
    except (css_inline.InlineError, ValueError):
        raise Invalid.field("html", "No se pudieron leer los estilos del diseño.") from None


def _clean_body(source: str) -> str:
    """Cleaned until no comment but ours is left: what is returned is always nh3's own output."""
    body = source
    while True:
        body = nh3.clean(
            body,
            tags=set(TAGS),
            clean_content_tags={"script", "style", "title", "template", "noscript", "iframe"},
            attributes=_ATTRIBUTES,
            attribute_filter=_filter_attribute,
            strip_comments=False,
            link_rel=None,
            url_schemes=_SCHEMES,
        )
        bare = _COMMENT.sub("", body)
        if bare == body:
            return body.strip()
        body = bare


def _filter_attribute(_tag: str, name: str, value: str) -> str | None:
    if name == "style":
        return styles.clean_declarations(value) or None
    if name == "src" and removals.is_dropped_image(value):
        return None
    return value


def _assemble(document: Any, body: str) -> str:
    media = styles.clean_media("\n".join(node.text or "" for node in document.iter("style")))
    root = document.find("body")
    kept = {} if root is None else {name: root.get(name, "") for name in ("style", "bgcolor")}
    kept["style"] = styles.clean_declarations(kept.get("style", ""))
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in kept.items() if value)
    style = f"<style>\n{media}\n</style>\n" if media else ""
    return _DOCUMENT.format(style=style, attributes=attributes, body=removals.drop_pixels(body))


# --- the text part ---

_LINES = "blockquote br caption center dd div dl dt h1 h2 h3 h4 h5 h6 hr li ol p pre table tr ul"
_BLOCKS = frozenset(_LINES.split())


def to_text(body: str) -> str:
    """The words of a cleaned body, a line per block, links with their address."""
    parts: list[str] = []
    _write(lxml_html.fragment_fromstring(body, create_parent="div"), parts.append)
    lines = [" ".join(line.split()) for line in "".join(parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _write(node: Any, add: Callable[[str], None]) -> None:
    if isinstance(node, lxml_html.HtmlComment):
        add(f"<!--{node.text}-->")
    else:
        _write_element(node, add)
    add(_flat(node.tail))


def _write_element(node: Any, add: Callable[[str], None]) -> None:
    add("\n" if node.tag in _BLOCKS else "")
    add("- " if node.tag == "li" else "")
    add(_flat(node.get("alt")) if node.tag == "img" else _flat(node.text))
    for child in node:
        _write(child, add)
    if node.tag == "a" and node.get("href"):
        add(f" ({node.get('href')})")
    add("\n" if node.tag in _BLOCKS else " " if node.tag in ("td", "th") else "")


def _flat(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "")
