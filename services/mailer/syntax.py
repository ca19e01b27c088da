"""The little of Jinja2 that a design may write, read before Jinja2 sees it.

Every `{{` and `{%` must begin a plain field or condition of bounded length. So Jinja2 and the
cleaning agree on where each ends: no comment, raw block or text constant holds markup that the
cleaning takes for a condition. Each pattern reads a character at most twice.
"""

import re
from collections.abc import Iterator

from shared.errors import FieldError, Invalid

CONDITION = re.compile(r"\{%[-+]?\s*(if|elif|else|endif)\b((?:[^{}%]|%(?!\}))*)%\}")
_FIELD = re.compile(r"\{\{[-+]?\s*[^\W\d]\w*\s*[-+]?\}\}")
_OPENS = re.compile(r"\{[{%]")
_CLOSES = {"{{": re.compile(r"[^{}]*\}\}"), "{%": re.compile(r"[^{}]*%\}")}
CONDITIONS = 200
FIELDS = 2_000
DEPTH = 10
LENGTH = 300  # characters of a condition
BRACKETS = 10
_TOLD = 20  # mistakes at once

_SYNTAX = "Línea {}: hay una llave {{{{ }}}} o una condición {{% %}} mal escrita."
_PLAIN = (
    "Línea {}: solo se admiten campos como {{{{ nombres }}}} y condiciones como "
    "{{% if categoria == 'leal' %}}."
)
_LONG = "Línea {}: la condición pasa de {} caracteres o de {} paréntesis. Divídala en varias."
_DEEP = "Línea {}: hay más de {} condiciones una dentro de otra. Únalas con «and»."
_MANY = "El diseño tiene más de {} condiciones o de {} campos. Quite los que sobren."
_COMMENT = "Línea {}: no se admiten comentarios {{#~ ~#}}. Quítelo."
_NUL = "El texto trae caracteres que no son de un correo. Péguelo de nuevo como texto."


def plain(line: int) -> str:
    """What to say of anything but a field or a simple condition."""
    return _PLAIN.format(line)


def wrong(line: int) -> str:
    """What to say of braces that Jinja2 does not understand."""
    return _SYNTAX.format(line)


def check(template: str, field: str) -> None:
    """Raises Invalid at `field` unless every brace begins a field or a bounded condition."""
    if "\x00" in template:
        raise Invalid.field(field, _NUL)
    if "{#~" in template:  # once a comment, which would now be seen in the mail
        raise Invalid.field(
            field, _COMMENT.format(template.count("\n", 0, template.find("{#~")) + 1)
        )
    _check_numbers(template, field)
    found = _Reading(template)
    texts = [text for text, _ in zip(found.mistakes(), range(_TOLD), strict=False)]
    if texts:
        raise Invalid(texts[0], [FieldError(field, text) for text in texts])


def _check_numbers(template: str, field: str) -> None:
    if template.count("{%") > CONDITIONS * 3 or template.count("{{") > FIELDS:
        raise Invalid.field(field, _MANY.format(CONDITIONS, FIELDS))


class _Reading:
    """One pass over a template."""

    def __init__(self, template: str) -> None:
        self._template = template
        self._depth = 0

    def mistakes(self) -> Iterator[str]:
        """What is wrong, in order."""
        end = 0
        for opened in _OPENS.finditer(self._template):
            if opened.start() < end:
                continue
            found = self._match(opened)
            end = found.end() if found else opened.end()
            text = self._judge(opened, found)
            if text:
                yield text

    def _match(self, opened: re.Match[str]) -> re.Match[str] | None:
        pattern = _FIELD if opened.group() == "{{" else CONDITION
        return pattern.match(self._template, opened.start())

    def _judge(self, opened: re.Match[str], found: re.Match[str] | None) -> str:
        if found is None:
            closes = _CLOSES[opened.group()].match(self._template, opened.end())
            return (plain if closes else wrong)(self._line(opened))
        return self._judge_condition(found) if found.re is CONDITION else ""

    def _judge_condition(self, found: re.Match[str]) -> str:
        word, text = found.groups()
        self._depth += (word == "if") - (word == "endif")
        if len(text) > LENGTH or text.count("(") > BRACKETS or text.count("[") > BRACKETS:
            return _LONG.format(self._line(found), LENGTH, BRACKETS)
        return _DEEP.format(self._line(found), DEPTH) if self._depth > DEPTH else ""

    def _line(self, found: re.Match[str]) -> int:
        return self._template.count("\n", 0, found.start()) + 1
