"""Odd designs: what people paste, what tools make of it, and what is made to do harm."""

import json
import random
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from services.mailer.cleaning import TAGS
from tests.hostile.tally import Tally
from tests.hostile.world import World

LINK = '<a href="{{ enlace_baja }}">Darse de baja</a>'
_OTHER_TAGS = (
    "html head body title style script noscript template iframe object embed svg math form input "
    "select option optgroup textarea button frameset frame applet marquee plaintext listing xmp "
    "details summary dialog video audio canvas map area ruby rt rp foreignObject mglyph mtext "
    "annotation-xml desc image nobr big tt isindex keygen bgsound blink slot portal x-y o:p"
)
_AS_JSON = {"Content-Type": "application/json"}
TAG_NAMES = (*sorted(TAGS), *_OTHER_TAGS.split())


class Design(NamedTuple):
    """A case: what it is, its HTML, and whether it has to be refused."""

    name: str
    html: str
    refused: bool | None = None  # None: either will do


def cases() -> Iterator[Design]:
    """All of them."""
    yield from known()
    for make in (nested, unclosed, attributes, comments, templates, styles, texts, entities):
        yield from make()


def known() -> Iterator[Design]:
    """What once stopped a room."""
    yield Design("20,000 nested b", "<b>" * 20_000 + "x" + "</b>" * 20_000 + LINK, refused=True)
    yield Design("template comment of 40 KB", "{#~ " + "{%" * 20_000 + " ~#}" + LINK, refused=True)
    yield Design("spaced template comment", "{#~" + " {%" * 13_000 + "~#}" + LINK, refused=True)
    yield Design("5,000 unclosed images", "<img " * 5_000 + LINK, refused=True)
    yield Design("20,000 attributes", _with_attributes(20_000), refused=True)
    yield Design("nested conditions", _nested_conditions(500), refused=True)
    yield Design("long condition", "{% if " + "not " * 5_000 + "canton %}x{% endif %}" + LINK, True)
    yield Design("brackets in a condition", _bracketed(3_000), refused=True)
    yield Design("chain of comparisons", _chained(2_000), refused=True)


def _with_attributes(count: int) -> str:
    return "<p " + " ".join(f"a{n}=1" for n in range(count)) + f">x</p>{LINK}"


def _nested_conditions(depth: int) -> str:
    return "{% if canton %}" * depth + "x" + "{% endif %}" * depth + LINK


def _bracketed(count: int) -> str:
    return "{% if " + "(" * count + "canton" + ")" * count + " %}x{% endif %}" + LINK


def _chained(count: int) -> str:
    return "{% if " + " and ".join(["canton"] * count) + " %}x{% endif %}" + LINK


def nested() -> Iterator[Design]:
    """Each element within itself."""
    for tag in TAG_NAMES:
        for depth in (30, 90, 3_000, 30_000):
            html = f"<{tag}>" * depth + "x" + f"</{tag}>" * depth
            yield Design(f"{depth} nested {tag}", html + LINK)


def unclosed() -> Iterator[Design]:
    """Elements that nobody closes, alone and between others."""
    for tag in TAG_NAMES:
        yield Design(f"unclosed {tag}", f"<{tag}>x " * 4_000 + LINK)
        yield Design(f"unclosed {tag} in cells", f"<td><{tag} a=b>x</td>" * 1_500 + LINK)
        half = "".join(f"<div><{tag} class=c{n}>x</div>" for n in range(1_500))
        yield Design(f"unclosed unlike {tag} in div", half + LINK)
        yield Design(f"only the beginning of {tag}", LINK + f"<{tag} " * 3_000)
        yield Design(f"only the ends of {tag}", LINK + f"</{tag}>" * 30_000)
    tables = "<table><tr><td>" * 25 + "x" + LINK + "</td></tr></table>" * 25
    yield Design("25 nested tables", tables, refused=False)
    yield Design("misnested", LINK + "<b><i><u><p></b></i></u></p>" * 1_000)
    yield Design("text moved out of tables", LINK + "<table>x<tr>x" * 400)


def attributes() -> Iterator[Design]:
    """Long, many, alike, broken."""
    for name in ("style", "class", "href", "src", "title", "onclick", "data-x", "=", "a:b", "ñ"):
        for value in ("", '"', "'", "`", '"' + "x" * 300_000, "'" + " " * 300_000, "a=b=c", "&#0;"):
            yield Design(f"{name}={value[:9]}", f"<p {name}={value}>x</p>{LINK}")
        yield Design(f"many {name}", LINK + f"<img {name}='x'>" * 4_000)
    yield Design("width of spaces", f"<img src='https://x.ec/a' width={' ' * 300_000}9>{LINK}")
    yield Design("widths", LINK + f"<img alt='{'width= ' * 60_000}' src='https://x.ec/a.png'>")
    yield Design("sources", LINK + "<img alt='" + "src= " * 60_000 + "'>")
    for address in (
        "http://[",
        "//",
        "https://",
        "javascript:x",
        "data:x",
        "{{ nombres }}",
        "\\\\x",
    ):
        yield Design(f"address {address}", f"<a href='{address}'>x</a><img src='{address}'>{LINK}")


def comments() -> Iterator[Design]:
    """Closed, unclosed, nested, many, and those of Outlook."""
    for text in (
        "<!--",
        "<!-- -->",
        "<!-->",
        "<!--->",
        "<!--[if mso]>",
        "<![endif]-->",
        "<!x",
        "<?xml ",
        "<![CDATA[",
        "]]>",
        "--!>",
        "<!--x--!>",
        "<!---->",
    ):
        for count in (1, 900, 20_000):
            yield Design(f"{count} of {text}", LINK + text * count)
            yield Design(f"{count} of {text} before", text * count + "<p>x</p>" + LINK)


def templates() -> Iterator[Design]:
    """Braces of every kind."""
    pieces = (
        "{",
        "}",
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "{#~",
        "~#}",
        "{%-",
        "-%}",
        "{% raw %}",
        "{% endraw %}",
        "{{ nombres }}",
        "{{nombres",
        "{% if canton %}",
        "{% endif %}",
        "{% else %}",
        "{% elif canton %}",
        "{{ '\"><script>' }}",
        "{% if '%}' %}",
        "{{ {{",
        "{% set x = 1 %}",
        "{% for x in nombres %}",
        "{% macro x() %}",
        "{% block x %}",
        "{% if canton == '" + "x" * 400 + "' %}",
        "{{ 9**9**9 }}",
        "{{ range(9) }}",
        "{% if 9**9**9**9 %}",
        "{{ nombres[" + "9" * 9_000 + "] }}",
    )
    for piece in pieces:
        for count in (1, 30, 3_000, 12_000):
            yield Design(f"{count} of {piece[:20]}", f"<p>{piece * count}</p>{LINK}")
        yield Design(f"{piece[:20]} in a tag", f'<p title="{piece}" {piece}>x</p>{LINK}')
        yield Design(f"{piece[:20]} in a style", f"<style>a{piece}</style><p>x</p>{LINK}")
        yield Design(f"{piece[:20]} in a comment", f"<!--{piece}--><p>x</p>{LINK}")


def styles() -> Iterator[Design]:
    """Style sheets and style attributes."""
    rules = (
        "a{",
        "}",
        "a{b:c}",
        "@media x{",
        "@media print{a{color:red}}",
        "@import url(x);",
        "@charset 'x';",
        "@font-face{",
        "/*",
        "*/",
        "a{color:",
        "a{background:url(",
        "\\",
        "\\0",
        "a:is(",
        "a:not(",
        ":has(",
        "a,",
        "a>",
        "a~",
        "*",
        "* ",
        "[a",
        "[a='",
        "(",
        "[",
        "{",
        "<!--",
        "-->",
        "</",
        "a{width:calc(",
        "a{width:expression(x)}",
        "a{b:'",
        "#",
        "@",
        ";",
        "a::before{content:'x'}",
        "&{",
        "@layer x{",
        "@supports(x){",
        "a{b:c!important}",
    )
    for rule in rules:
        for count in (1, 40, 1_500, 30_000):
            sheet = f"<style>{rule * count}</style><p class=a>x</p>{LINK}"
            yield Design(f"{count} of {rule} in a sheet", sheet)
        inline = rule.replace('"', "") * 400
        yield Design(f"{rule} in an attribute", f'<p style="{inline}">x</p>{LINK}')
    wide = "".join(f".c{n} * ~ * > p{{color:#{n:06x}}}" for n in range(1_900))
    yield Design("many slow selectors", f"<style>{wide}</style>{'<p>x</p>' * 4_900}{LINK}")
    heavy = "*{" + "".join(f"margin:{n}px;" for n in range(8_000)) + "}"
    yield Design("heavy for all", f"<style>{heavy}</style>{'<p>x</p>' * 4_900}{LINK}")
    custom = "*{" + "".join(f"--a{n}:{n}px;" for n in range(7_000)) + "}"
    yield Design("swelling", f"<style>{custom}</style>{'<p>x</p>' * 4_900}{LINK}", refused=True)
    yield Design("attributes of style", LINK + "<p style='color:red;margin:0 auto'>x</p>" * 4_900)
    unlike = "".join(f"<p style='color:#{n:06x};padding:{n}px'>x</p>" for n in range(4_900))
    yield Design("unlike styles", LINK + unlike)


def texts() -> Iterator[Design]:
    """Characters."""
    for text in (
        "\x00",
        "\x01",
        "\x0b",
        "\x7f",
        "\x85",
        "﻿",
        "￾",
        "\u202e",
        "\ud800",
        "\U0010ffff",
        "\u2028",
        "é" * 3,
        "\u0301" * 9_000,
        "\r",
        "\t",
        "🎉",
        "İ",
        "ﬁ",
        " " * 200_000,
        "\n" * 200_000,
        "x" * 400_000,
        "<" * 200_000,
        ">" * 200_000,
        "&" * 200_000,
        "</" * 100_000,
        "<p" * 60_000,
        "<p/>" * 4_000,
        "</p x>" * 4_000,
        "<a<b" * 9_000,
        "=" * 200_000,
        '"' * 200_000,
        "a\n" * 100_000,
    ):
        yield Design(f"text {text[:3]!r}", f"<p>{text}</p>{LINK}")
        yield Design(f"bare {text[:3]!r}", f"{text}{LINK}")


def entities() -> Iterator[Design]:
    """Character references, also such as make braces and tags."""
    for text in (
        "&#0;",
        "&#xD800;",
        "&#99999999999;",
        "&#123;&#123; nombres }}",
        "&#123;% if x %}",
        "&lt;script&gt;",
        "&",
        "&amp" * 9,
        "&#",
        "&#x",
        "&nbsp;" * 9,
        "&NotEqualTilde;",
        "&#123;&#35;~",
        "&lbrace;% endif %}",
        "&" * 99,
        "&ampamp;" * 99,
        "&#x" + "9" * 5_000,
    ):
        for count in (1, 3_000):
            yield Design(f"{count} of {text[:16]}", f"<p>{text * count}</p>{LINK}")
        yield Design(f"{text[:16]} in an attribute", f'<p title="{text}">x</p>{LINK}')


def attack(world: World, each: int | None, seed: int) -> Tally:
    """Send every design, or `each` times forty of them: what must be refused is not taken."""
    tally = Tally("designs")
    client = world.client("marketing_head")
    found = list(cases())
    if each is not None:
        found = random.Random(seed).sample(found, min(len(found), each * 40))
    for number, design in enumerate(found):
        body = json.dumps({"name": f"Raro {number}", "subject": "Hola", "html": design.html})
        answer = tally.send(
            design.name, partial(client.post, "/designs", content=body, headers=_AS_JSON)
        )
        if answer is not None and answer.is_success and design.refused:
            tally.count("wrong", f"{design.name} was taken")
    return tally
