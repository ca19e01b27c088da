"""Personal fields: the published list, the check of a template against it, and filling it in.

A design is a Jinja2 template of which only `{{ field }}` and `{% if field %}…{% elif %}…{% else %}
…{% endif %}` with ==, !=, not, and, or are allowed; the tree is checked before it ever runs.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Protocol

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment
from rapidfuzz import process

from services.mailer import syntax
from shared.contracts.customer_query import Category
from shared.contracts.mailer import MergeField
from shared.ecuador.provinces import cantons, provinces
from shared.errors import FieldError, Invalid
from shared.words import inside

COMPANY = "Pregón"
UNSUBSCRIBE = "enlace_baja"
_NEAREST_SCORE = 60
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TOLD = 20  # mistakes at once
_CATEGORIES = ", ".join(inside(item.word) for item in Category)

FIELDS = (
    MergeField(name="nombres", label="Nombres", example="María Fernanda"),
    MergeField(name="apellidos", label="Apellidos", example="Quishpe Andrade"),
    MergeField(
        name="nombre_completo", label="Nombre completo", example="María Fernanda Quishpe Andrade"
    ),
    MergeField(name="primer_nombre", label="Primer nombre", example="María"),
    MergeField(name="provincia", label="Provincia", example="Pichincha"),
    MergeField(name="canton", label="Cantón", example="Quito"),
    MergeField(
        name="categoria", label=f"Categoría: {_CATEGORIES}", example=inside(Category.LOYAL.word)
    ),
    MergeField(name="cliente_desde", label="Año en que empezó a ser cliente", example="2014"),
    MergeField(name="campana", label="Nombre de la campaña", example="Fibra para su hogar"),
    MergeField(name="empresa", label="Nombre de la empresa", example=COMPANY),
    MergeField(name=UNSUBSCRIBE, label="Enlace para darse de baja (obligatorio)", example="#baja"),
)
NAMES = tuple(field.name for field in FIELDS)
EXAMPLE = {field.name: field.example for field in FIELDS}

# Nobody can write these: a design has no comments of Jinja2's, and `@media print{#logo{…}}` is CSS
_COMMENTS = {"comment_start_string": "\x00{", "comment_end_string": "}\x00"}
_HTML = SandboxedEnvironment(autoescape=True, **_COMMENTS)
_TEXT = SandboxedEnvironment(autoescape=False, **_COMMENTS)
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.If,
    nodes.Compare,
    nodes.Operand,
    nodes.Const,
    nodes.Not,
    nodes.And,
    nodes.Or,
)
Fill = Callable[[Mapping[str, str]], str]


class Person(Protocol):
    """Whose fields are filled in: a ledger row, or a profile."""

    @property
    def first_names(self) -> str:
        """Given names."""

    @property
    def last_names(self) -> str:
        """Surnames."""

    @property
    def province(self) -> str | None:
        """INEC code."""

    @property
    def canton(self) -> str | None:
        """INEC code."""

    @property
    def category(self) -> str | None:
        """new, regular or loyal."""

    @property
    def joined_on(self) -> date | None:
        """When they became a customer."""


def check(template: str, *, field: str = "html") -> list[str]:
    """The merge fields a template uses. Raises Invalid at `field`, naming line and remedy."""
    syntax.check(template, field)
    try:
        tree = _HTML.parse(template)
    except TemplateSyntaxError as error:
        raise Invalid.field(field, syntax.wrong(error.lineno)) from None
    wrong = [text for node in _walk(tree) if (text := _wrong(node))]
    if wrong:
        raise Invalid(wrong[0], [FieldError(field, text) for text in wrong[:_TOLD]])
    used = {node.name for node in tree.find_all(nodes.Name)}
    return [name for name in NAMES if name in used]


def _walk(tree: nodes.Node) -> Iterator[nodes.Node]:
    """All nodes in the order they are written, at any depth."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(list(node.iter_child_nodes())))


def _wrong(node: nodes.Node) -> str:
    if not isinstance(node, _ALLOWED):
        return syntax.plain(node.lineno)
    if isinstance(node, nodes.Name) and node.name not in NAMES:
        return f"Línea {node.lineno}: el campo «{node.name[:40]}» no existe.{_nearest(node.name)}"
    return ""


def _nearest(name: str) -> str:
    found = process.extractOne(name, NAMES, score_cutoff=_NEAREST_SCORE)
    return f" ¿Quiso decir «{found[0]}»?" if found else ""


def compile_html(template: str) -> Fill:
    """A checked template to fill in with values that are escaped; some 20 µs a time."""
    return _HTML.from_string(template).render


def compile_text(template: str) -> Fill:
    """The same for plain text and subjects, where nothing is escaped."""
    return _TEXT.from_string(template).render


def values_of(person: Person, *, campaign: str, unsubscribe_url: str) -> dict[str, str]:
    """The fields of one person; what is not known is empty, so `{% if %}` can tell."""
    first, last = _line(person.first_names), _line(person.last_names)
    joined = person.joined_on
    return {
        "nombres": first,
        "apellidos": last,
        "nombre_completo": f"{first} {last}".strip(),
        "primer_nombre": first.partition(" ")[0],
        "provincia": _PROVINCES.get(person.province or "", ""),
        "canton": _CANTONS.get(person.canton or "", ""),
        "categoria": inside(Category(person.category).word) if person.category else "",
        "cliente_desde": str(joined.year) if joined else "",
        "campana": _line(campaign),
        "empresa": COMPANY,
        UNSUBSCRIBE: unsubscribe_url,
    }


def _line(text: str) -> str:
    """One line: a name with a line end in it must not end a header."""
    return " ".join(_CONTROL.sub(" ", text).split())


_PROVINCES = {province.code: province.name for province in provinces()}
_CANTONS = {canton.code: canton.name for canton in cantons()}
