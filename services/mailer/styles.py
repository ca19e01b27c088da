"""Style sheets of uploaded designs: only plain declarations stay, and only @media rules."""

from collections.abc import Iterable
from typing import Any

import tinycss2

_FUNCTIONS = frozenset({"rgb", "rgba", "hsl", "hsla", "calc", "linear-gradient"})
_REFUSED = frozenset({"behavior", "-moz-binding", "position", "content", "cursor"})
_MARKUP = ("<", "{{", "{%")


def clean_declarations(css: str) -> str:
    """A `style` attribute without addresses, odd functions and properties that move things."""
    parsed = tinycss2.parse_blocks_contents(css, skip_comments=True, skip_whitespace=True)
    return _kept(parsed)


def clean_media(css: str) -> str:
    """The @media rules of a style sheet, cleaned alike; the rest has been inlined before."""
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    blocks = [block for rule in rules if (block := _media(rule))]
    return "\n".join(blocks)


def _media(rule: Any) -> str:
    if rule.type != "at-rule" or rule.lower_at_keyword != "media" or rule.content is None:
        return ""
    inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
    rules = "\n".join(text for item in inner if (text := _rule(item)))
    query = tinycss2.serialize(rule.prelude)
    return f"@media {query.strip()} {{\n{rules}\n}}" if rules and _is_plain(query) else ""


def _rule(rule: Any) -> str:
    if rule.type != "qualified-rule":
        return ""
    selector = tinycss2.serialize(rule.prelude).strip()
    parsed = tinycss2.parse_blocks_contents(rule.content, skip_comments=True, skip_whitespace=True)
    kept = _kept(parsed)
    return f"{selector} {{ {kept} }}" if kept and _is_plain(selector) else ""


def _kept(declarations: Iterable[Any]) -> str:
    return "; ".join(text for item in declarations if (text := _declaration(item)))


def _declaration(item: Any) -> str:
    if item.type != "declaration" or item.lower_name in _REFUSED:
        return ""
    text = tinycss2.serialize(item.value).strip()
    if not _is_plain(text) or not all(_is_harmless(token) for token in item.value):
        return ""
    return f"{item.name}: {text}{' !important' if item.important else ''}"


def _is_harmless(token: Any) -> bool:
    if token.type == "function":
        return token.lower_name in _FUNCTIONS and all(map(_is_harmless, token.arguments))
    return token.type not in ("url", "bad-url", "bad-string", "error", "{} block")


def _is_plain(text: str) -> bool:
    return not any(mark in text for mark in _MARKUP)
