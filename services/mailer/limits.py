"""How large and how nested a design may be, counted in one pass before any parser sees it.

What a parser of HTML does with its input grows with the square of some of these numbers (elements
left open, attributes of one element), or costs stack (depth). The count is a rough one: what gets
past it meets the time and memory limits of `shared.killable`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared.errors import Invalid

ELEMENTS = 5_000
DEPTH = 100
ATTRIBUTES = 50  # of one element
UNCLOSED = 60  # such as <b>, which then goes on in all that follows
COMMENTS = 1_000
STYLE_CHARACTERS = 150_000
STYLE_RULES = 2_000
STYLE_DEPTH = 10
STYLE_WEIGHT = 150_000_000  # characters of styles times elements: each may be given all of them

_ALONE = "area base br col embed hr img input link meta param source track wbr !doctype"
_VOID = frozenset(_ALONE.split())
_RAW = frozenset({"script", "style", "textarea", "title", "noscript", "xmp", "iframe", "noembed"})
_WORDS = "a b big code em font i nobr s small strike strong tt u"
_FORMATTING = frozenset(_WORDS.split())
_CELLS = frozenset({"td", "th", "tr", "tbody", "thead", "tfoot", "table", "caption"})
_PARTS = "p li dt dd td th tr tbody thead tfoot option optgroup colgroup caption"
_CLOSES_ALIKE = frozenset(_PARTS.split())
_OPENS = re.compile(r"<(?=/?[a-zA-Z!])")
_NAME = re.compile(r"[a-zA-Z!][^\s/>]{0,60}")
_ATTRIBUTE = re.compile(r"""[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>]*))?""")
_BRACKET = re.compile(r"[({\[\])}]")

_TEXTS = {
    "elements": f"El diseño tiene más de {ELEMENTS} elementos. Quite los que sobren.",
    "depth": f"El diseño tiene más de {DEPTH} elementos uno dentro de otro. Cierre los que quedan "
    "abiertos o quite tablas intermedias.",
    "attributes": f"Un elemento tiene más de {ATTRIBUTES} atributos. Quite los que sobren.",
    "unclosed": f"Más de {UNCLOSED} elementos como <b> o <font> quedan sin cerrar. Ciérrelos.",
    "comments": f"El diseño tiene más de {COMMENTS} comentarios. Quítelos.",
    "style": f"Los estilos pasan de {STYLE_CHARACTERS // 1000} KB o de {STYLE_RULES} reglas. "
    "Quite las que no se usan.",
    "weight": "Son demasiadas reglas de estilo para tantos elementos. Quite las que no se usan.",
    "nesting": f"Los estilos tienen más de {STYLE_DEPTH} llaves o paréntesis uno dentro de otro. "
    "Simplifíquelos.",
}


class Tag(NamedTuple):
    """A tag as it is written, its name in lower case; `attributes` stop one past the limit."""

    name: str
    start: int
    end: int
    closing: bool = False
    attributes: int = 0
    styles: Sequence[str] = ()


def check(source: str) -> None:
    """Raises Invalid on `html` for the first limit that is passed, naming it and the remedy."""
    counted = _Count()
    for item in read_tags(source):
        if item.name == "!--":
            counted.add_comment()
        else:
            counted.add(item, source)
    counted.weigh()


def read_tags(source: str) -> Iterator[Tag]:
    """The tags and comments of a page in order; what stands in scripts and styles is skipped."""
    lowered = source.lower() if len(source.lower()) == len(source) else source
    opened = _OPENS.search(source)
    while opened is not None:
        found = _read_tag(source, opened.start())
        yield found
        end = found.end
        if found.name in _RAW and not found.closing:
            end = lowered.find(f"</{found.name}", found.end)
        opened = _OPENS.search(source, end) if end != -1 else None


def _read_tag(source: str, at: int) -> Tag:
    if source.startswith("<!--", at):
        end = source.find("-->", at + 4)
        return Tag("!--", at, len(source) if end == -1 else end + 3)
    closing = source.startswith("</", at)
    name = _NAME.match(source, at + 1 + closing)
    assert name is not None  # noqa: S101  # as `_OPENS` found it
    count, styles, end = _read_attributes(source, name.end())
    return Tag(name.group().lower(), at, end, closing, count, styles)


def _read_attributes(source: str, at: int) -> tuple[int, list[str], int]:
    count, styles = 0, []
    while count <= ATTRIBUTES and (found := _ATTRIBUTE.match(source, at)):
        at = found.end()
        count += 1
        if found.group(1).lower() == "style":
            styles.append(found.group(2) or "")
    end = source.find(">", at)
    return count, styles, len(source) if end == -1 else end + 1


class _Count:
    """What has been seen so far."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._elements = 0
        self._ends = 0
        self._unclosed = 0
        self._comments = 0
        self._style_characters = 0
        self._rules = 0

    def add_comment(self) -> None:
        """A comment; a page of many is slow to clean."""
        self._comments += 1
        _refuse("comments", self._comments > COMMENTS)

    def add(self, tag: Tag, source: str) -> None:
        """A tag that opens or closes."""
        _refuse("attributes", tag.attributes > ATTRIBUTES)
        if tag.closing:
            self._ends += 1
            _refuse("elements", self._ends > 2 * ELEMENTS)
            self._close(tag.name)
            return
        self._elements += 1
        _refuse("elements", self._elements > ELEMENTS)
        for style in tag.styles:
            self._add_style(style)
        if tag.name == "style":
            end = source.find("</", tag.end)
            self._add_style(source[tag.end : end if end != -1 else len(source)])
        self._enter(tag.name)

    def weigh(self) -> None:
        """What is only known at the end."""
        _refuse("weight", self._style_characters * self._elements > STYLE_WEIGHT)

    def _enter(self, name: str) -> None:
        if name in _CLOSES_ALIKE and self._open and self._open[-1] == name:
            self._open.pop()
        if name not in _VOID:
            self._open.append(name)
        _refuse("depth", len(self._open) > DEPTH)

    def _close(self, name: str) -> None:
        """What was opened since is closed too; formatting goes on, but not past a cell."""
        if name not in self._open:
            return
        while (last := self._open.pop()) != name:
            self._unclosed += last in _FORMATTING and name not in _CELLS
        _refuse("unclosed", self._unclosed > UNCLOSED)

    def _add_style(self, css: str) -> None:
        self._style_characters += len(css)
        self._rules += css.count("{")
        wide = self._style_characters > STYLE_CHARACTERS or self._rules > STYLE_RULES
        _refuse("style", wide)
        _refuse("nesting", _depth_of(css) > STYLE_DEPTH)


def _depth_of(css: str) -> int:
    """The deepest nesting of brackets of any kind, those in texts and comments included."""
    depth = deepest = 0
    for found in _BRACKET.finditer(css):
        depth = max(0, depth + (1 if found.group() in "({[" else -1))
        deepest = max(deepest, depth)
    return deepest


def _refuse(limit: str, passed: bool) -> None:  # noqa: FBT001  # read as a sentence where it is used
    if passed:
        raise Invalid.field("html", _TEXTS[limit])
