"""Uploaded HTML made harmless and ready to mail: cleaned, styles inlined, a text part beside it.

What is taken out is decided by nh3's list of what may stay; the report in Spanish is read off the
source. Conditions (`{% if … %}`) travel through the parsers as comments, since text inside a
table would be moved out of it; so do, in designs of the product, the parts meant for Outlook.
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
from lxml.etree import LxmlError

from services.mailer import limits, removals, styles, syntax
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
_COMMENT = re.compile(r"<!--(?!(?:condition|outlook)-[0-9a-f]{16}-\d+-->).*?-->", re.DOTALL)
_FOR_OUTLOOK = re.compile(r"<!--\[if [^\]<>]*\]>(?:(?!-->).)*<!\[endif\]-->", re.DOTALL)
_LED_BY_FIELD = re.compile(r"[^/?#{]*\{\{")
_UNSUBSCRIBE = re.compile(r"\{\{ ?enlace_baja ?\}\}")
_ROUNDS = 5  # of cleaning: the second only confirms the first
_UNREADABLE = "No se pudo leer el HTML. Revise que esté completo y sin caracteres extraños."
_SWOLLEN = "Con sus estilos en cada elemento el HTML pasa de 1 MB. Use menos reglas de estilo."
SIZE_LIMIT = 1_000_000  # characters of what is kept
_INSIDE = (
    "Hay una condición {% if %} dentro de una etiqueta. Póngala alrededor de elementos enteros."
)
_DOCUMENT = """<!doctype html>
<html lang="es">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
{style}{outlook}</head>
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
    outline: str  # the HTML with `<!--if-->` and the like for its conditions


def clean(source: str, images: Mapping[str, str], *, own: bool = False) -> Cleaned:
    """Make a template safe and self-contained; `images` are file keys by the name in the HTML.

    A design of the product (`own`) keeps what it says to Outlook in conditional comments. Raises
    Invalid on `html` when a limit is passed or nothing is left.
    """
    conditions, asides = Hidden("condition", syntax.CONDITION), Hidden("outlook", _FOR_OUTLOOK)
    marked = conditions.hide(asides.hide(source) if own else source)
    limits.check(marked)
    try:
        cleaned = _clean_marked(marked, images)
    except (ValueError, LxmlError):  # such as control characters
        raise Invalid.field("html", _UNREADABLE) from None
    if "{%" in cleaned.html:  # written with entities, it would not have been seen as a condition
        raise Invalid.field("html", _INSIDE)
    return Cleaned(
        html=conditions.show(asides.show(cleaned.html)),
        text=conditions.show(asides.forget(cleaned.text)),
        removed=cleaned.removed,
        outline=conditions.mark(cleaned.html),
    )


def _clean_marked(source: str, images: Mapping[str, str]) -> Cleaned:
    """The same with comments for what is hidden."""
    inlined = _inline(removals.point_to_images(source, images))
    body = _clean_body(inlined)
    if not re.sub(r"<(?!img)[^>]*>|\s", "", body):
        raise Invalid.field("html", "El diseño no tiene contenido que mostrar.")
    html = _assemble(lxml_html.document_fromstring(inlined), body)
    _check_size(html)
    return Cleaned(html, to_text(body), removals.list_removed(source, TAGS, images), "")


def _check_size(html: str) -> None:
    if len(html) > SIZE_LIMIT:
        raise Invalid.field("html", _SWOLLEN)


class Hidden:
    """Parts of one source, each behind a comment that nobody else can have written."""

    def __init__(self, kind: str, pattern: re.Pattern[str]) -> None:
        self._parts: list[str] = []
        self._word = f"{kind}-{secrets.token_hex(8)}"
        self._pattern = pattern
        self._comment = re.compile(f"<!--{self._word}-(\\d+)-->")

    def hide(self, source: str) -> str:
        """The source with comments for what is hidden."""
        return self._pattern.sub(self._hide, source)

    def _hide(self, found: re.Match[str]) -> str:
        self._parts.append(found.group())
        return f"<!--{self._word}-{len(self._parts) - 1}-->"

    def show(self, cleaned: str) -> str:
        """The parts back in their places. Raises Invalid for one inside a tag."""
        shown = self._comment.sub(lambda found: self._parts[int(found.group(1))], cleaned)
        if self._word in shown:
            raise Invalid.field("html", _INSIDE)
        return shown

    def mark(self, cleaned: str) -> str:
        """With what each part begins with (`if`, `endif`), as a comment in its place."""
        words = [found.group(1) for part in self._parts if (found := self._pattern.match(part))]
        return self._comment.sub(lambda found: f"<!--{words[int(found.group(1))]}-->", cleaned)

    def forget(self, cleaned: str) -> str:
        """The text without them."""
        return self._comment.sub("", cleaned)


def _inline(source: str) -> str:
    inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
    try:
        return str(inliner.inline(source))
    except (css_inline.InlineError, ValueError):
        raise Invalid.field("html", "No se pudieron leer los estilos del diseño.") from None


def _clean_body(source: str) -> str:
    """Cleaned until no comment but ours is left: what is returned is always nh3's own output."""
    body = source
    for _ in range(_ROUNDS):
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
    raise Invalid.field("html", _UNREADABLE)


def _filter_attribute(_tag: str, name: str, value: str) -> str | None:
    if name == "style":
        return styles.clean_declarations(value) or None
    if name == "src" and removals.is_dropped_image(value):
        return None
    if name == "href" and _LED_BY_FIELD.match(value) and not _UNSUBSCRIBE.fullmatch(value):
        return None  # what a person is called must not become where a link leads
    return value


def _assemble(document: Any, body: str) -> str:
    media = styles.clean_media("\n".join(node.text or "" for node in document.iter("style")))
    root = document.find("body")
    kept = {} if root is None else {name: root.get(name, "") for name in ("style", "bgcolor")}
    kept["style"] = styles.clean_declarations(kept.get("style", ""))
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in kept.items() if value)
    style = f"<style>\n{media}\n</style>\n" if media else ""
    head = _for_outlook(document.find("head"))
    for comment in head:
        body = body.replace(comment, "", 1)
    return _DOCUMENT.format(
        style=style,
        outlook="".join(f"{comment}\n" for comment in head),
        attributes=attributes,
        body=removals.drop_pixels(body),
    )


def _for_outlook(head: Any) -> list[str]:
    """The hidden parts of a page's head that are Outlook's."""
    texts = [] if head is None else [node.text or "" for node in head.iter(lxml_html.etree.Comment)]
    return [f"<!--{text}-->" for text in texts if text.startswith("outlook-")]


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
