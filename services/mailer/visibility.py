"""Whether whoever gets a design can see its link for unsubscribing, in every mail and everywhere.

Read off the cleaned HTML, whose styles are inlined: the link and something in it to click stand
outside every condition, are not hidden, not tiny and not of the colour of what is behind them;
neither as the page is nor with the rules of any `@media` block.
"""

import re
from collections.abc import Iterator
from typing import Any

import css_inline
import tinycss2
from lxml import html as lxml_html
from tinycss2.color3 import RGBA, parse_color

from shared.errors import Invalid

_LINK = re.compile(r"\s*\{\{\s*enlace_baja\s*\}\}\s*")
_SMALLEST = 6.0  # pixels
_NEAR = 0.12  # of 1, summed over red, green and blue: not told apart by the eye
_FAINT = 0.15  # opacity
_MEDIA_BLOCKS = 30
_PIXELS = {"px": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0, "%": 0.16, "": 1.0, "vw": 4.0}
_LENGTH = re.compile(r"(-?\d{0,9}\.?\d{0,9})(px|pt|em|rem|%|vw|)")
_EXTENTS = ("height", "max-height", "width", "max-width")
_WHITE, _LINK_BLUE = RGBA(1, 1, 1, 1), RGBA(0, 0, 0.93, 1)

_MISSING = 'El enlace de baja debe poder pulsarse: <a href="{{ enlace_baja }}">Darse de baja</a>.'
_CONDITIONAL = (
    "El enlace de baja está dentro de una condición {% if %}: quien no la cumpla no podría darse "
    "de baja. Póngalo fuera de ella."
)
_EMPTY = "El enlace de baja no tiene texto que pulsar. Escriba «Darse de baja» en él."
_HIDDEN = (
    "El enlace de baja no se ve: está oculto, es muy pequeño o tiene el color del fondo. "
    "Déjelo a la vista."
)
_MEDIA = "Hay más de {} bloques @media. Únalos."


def check_unsubscribe(outline: str) -> None:
    """Raises Invalid on `html` for a cleaned page without a link that everybody sees.

    Its conditions are comments: `<!--if-->`, `<!--endif-->`.
    """
    _check(outline)
    blocks = _read_media(outline)
    if len(blocks) > _MEDIA_BLOCKS:
        raise Invalid.field("html", _MEDIA.format(_MEDIA_BLOCKS))
    for css in blocks:
        _check(_with(outline, css))


def _check(outline: str) -> None:
    """One link that is well is enough; the first one's fault is told otherwise."""
    faults = [_fault(link, depth) for link, depth in _links(lxml_html.document_fromstring(outline))]
    if not faults:
        raise Invalid.field("html", _MISSING)
    if all(faults):
        raise Invalid.field("html", faults[0])


def _links(document: Any) -> Iterator[tuple[Any, int]]:
    """Each unsubscribe link, and in how many conditions it stands."""
    depth = 0
    for node in document.iter():
        if isinstance(node, lxml_html.HtmlComment):
            depth += (node.text == "if") - (node.text == "endif")
        elif node.tag == "a" and _LINK.fullmatch(node.get("href", "")):
            yield node, depth


def _fault(link: Any, depth: int) -> str:
    """What is wrong with a link; empty when it is well."""
    if depth:
        return _CONDITIONAL
    shown = list(_to_click(link))
    if not shown:
        return _EMPTY
    return "" if any(_is_seen(node, link) for node in shown) else _HIDDEN


def _to_click(link: Any) -> Iterator[Any]:
    """The elements in the link with words, or a described picture, that no condition takes away."""
    depth = 0
    if _has_words(link.text):
        yield link
    for node in link.iterdescendants():
        if isinstance(node, lxml_html.HtmlComment):
            depth += (node.text == "if") - (node.text == "endif")
        elif not depth and _has_words(node.get("alt") if node.tag == "img" else node.text):
            yield node
        if not depth and _has_words(node.tail):
            yield node.getparent()


def _has_words(text: str | None) -> bool:
    """Words of the design's own: a field may be empty."""
    bare = re.sub(r"\{\{[^{}]*\}\}", "", text or "")
    return sum(character.isalnum() for character in bare) > 1


def _is_seen(node: Any, link: Any) -> bool:
    chain = [node, *node.iterancestors()]
    styles = [_style_of(item) for item in chain]
    if any(map(_hides, styles)) or _font_size(styles) < _SMALLEST:
        return False
    inside = styles[: chain.index(link) + 1]
    colour = next((found for style in inside if (found := _colour(style, "color"))), _LINK_BLUE)
    behind = next((found for style in styles if (found := _background(style))), _WHITE)
    return colour.alpha > _FAINT and _distance(colour, behind) > _NEAR


def _style_of(node: Any) -> dict[str, str]:
    """An element's declarations in lower case, with what its attributes say."""
    style = {name: value for name in ("bgcolor", "color") if (value := node.get(name))}
    for item in tinycss2.parse_blocks_contents(
        node.get("style", ""), skip_comments=True, skip_whitespace=True
    ):
        if item.type == "declaration":
            style[item.lower_name] = tinycss2.serialize(item.value).strip().lower()
    return style


def _hides(style: dict[str, str]) -> bool:
    sizes = [_pixels(style.get(name, "")) for name in _EXTENTS]
    flat = any(size is not None and size < 3 for size in sizes)
    return (
        style.get("display") == "none"
        or style.get("visibility") in ("hidden", "collapse")
        or style.get("content-visibility") == "hidden"
        or style.get("mso-hide") == "all"
        or style.get("pointer-events") == "none"  # seen, and nothing to press
        or _number(style.get("opacity", "1")) < _FAINT
        or abs(_pixels(style.get("text-indent", "")) or 0) > 500
        or abs(_pixels(style.get("margin-left", "")) or 0) > 2000
        or ("hidden" in style.get("overflow", "") and flat)
    )


def _font_size(styles: list[dict[str, str]]) -> float:
    """In pixels; sizes that depend on the parent's are taken together."""
    share = 1.0
    for style in styles:
        size = style.get("font-size", "") or _size_of(style.get("font", ""))
        if "(" in size:  # such as calc(1px): what comes of it is the reader's to say
            return 0.0
        pixels = _pixels(size)
        if pixels is None:
            continue
        if size.endswith(("px", "pt", "rem", "vw", "0")):
            return share * pixels
        share *= pixels / 16
    return share * 16


def _size_of(font: str) -> str:
    """The size in a `font: bold 12px/1.5 Arial`."""
    if "(" in font:
        return font
    words = [word.partition("/")[0] for word in font.split()]
    return next((word for word in words if _pixels(word) is not None and word[-1].isalpha()), "")


def _pixels(text: str) -> float | None:
    found = _LENGTH.fullmatch(text.strip())
    if found is None or not re.search(r"\d", found.group(1)):
        return None
    return float(found.group(1)) * _PIXELS[found.group(2)]


def _number(text: str) -> float:
    found = _LENGTH.fullmatch(text.strip())
    if found is None or not re.search(r"\d", found.group(1)):
        return 1.0
    return float(found.group(1)) / (100 if found.group(2) == "%" else 1)


def _background(style: dict[str, str]) -> RGBA | None:
    """The colour behind, unless it lets through what is behind it."""
    words = style.get("background", "").split()
    named = [_parse(word) for word in words]
    found = _colour(style, "background-color") or next(filter(None, named), None)
    found = found or _colour(style, "bgcolor")
    return found if found is not None and found.alpha > 0.5 else None


def _colour(style: dict[str, str], name: str) -> RGBA | None:
    return _parse(style[name]) if name in style else None


def _parse(text: str) -> RGBA | None:
    found = parse_color(text)
    return found if isinstance(found, RGBA) else None


def _distance(one: RGBA, other: RGBA) -> float:
    return float(sum(abs(mine - its) for mine, its in zip(one[:3], other[:3], strict=True)))


# --- what @media rules make of it ---


def _read_media(outline: str) -> list[str]:
    """The plain rules within each @media block of the page's own style sheet."""
    sheet = outline.partition("<style>")[2].partition("</style>")[0]
    rules = tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True)
    return [tinycss2.serialize(rule.content) for rule in rules if rule.type == "at-rule"]


def _with(outline: str, css: str) -> str:
    """The page as a reader shows it to whom the block applies."""
    head, _, rest = outline.partition("<head>")
    inliner = css_inline.CSSInliner(load_remote_stylesheets=False)
    return str(inliner.inline(f"{head}<head><style>{css}</style>{rest}"))
