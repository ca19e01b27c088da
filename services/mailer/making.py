"""A design made from what somebody gives, and compiled for sending. Nothing here needs a database:
`workbench` imports it in a process of its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from services.mailer import cleaning, merge, visibility
from services.mailer.removals import IMAGE_SCHEME
from shared.errors import Invalid
from shared.settings import settings

_GAP = re.compile(r"\n{3,}")
SIZE_LIMIT = 500_000  # characters of HTML; mailbox providers cut mails off at about 100 KB


def build(
    name: str, subject: str, source: str, images: Mapping[str, str], *, own: bool = False
) -> dict[str, Any]:
    """A design's columns from its HTML; `own` is one of the product's.

    Raises Invalid on `html` or `subject`. In a door this is `workshop.build`'s to do.
    """
    merge.check(subject, field="subject")
    _check_source(source)
    cleaned = cleaning.clean(source, images, own=own)
    fields = _check_cleaned(cleaned)
    return {
        "name": name.strip(),
        "subject": subject.strip(),
        "source": source,
        "html": cleaned.html,
        "text": cleaned.text,
        "fields": fields,
        "removed": cleaned.removed,
        "image_keys": sorted(set(images.values())),
    }


def check_size(source: str) -> None:
    """Raises Invalid on `html` for one that is too large to be looked at."""
    if len(source) > SIZE_LIMIT:
        raise Invalid.field("html", f"El HTML pasa de {SIZE_LIMIT // 1000} KB. Redúzcalo.")


def _check_source(source: str) -> None:
    if "<" not in source:
        raise Invalid.field("html", "Esto no es HTML. Pegue el código o suba el archivo .html.")
    check_size(source)
    if merge.UNSUBSCRIBE not in merge.check(source):
        raise Invalid.field(
            "html",
            "Falta el enlace para darse de baja: agregue "
            '<a href="{{ enlace_baja }}">Darse de baja</a>.',
        )


def _check_cleaned(cleaned: cleaning.Cleaned) -> list[str]:
    """What cleaning has left must still be a template; entities may even have become fields."""
    try:
        merge.check(cleaned.text)
        fields = merge.check(cleaned.html)
    except Invalid:
        raise Invalid.field(
            "html",
            "Una condición {% if %} abarca solo parte de un elemento. "
            "Póngala alrededor de elementos enteros.",
        ) from None
    visibility.check_unsubscribe(cleaned.outline)
    return fields


@dataclass(frozen=True)
class Compiled:
    """A design ready to be filled in, many times."""

    subject: merge.Fill
    html: merge.Fill
    text: merge.Fill


@lru_cache(maxsize=64)
def compile_design(subject: str, html: str, text: str) -> Compiled:
    """Compiled once per process for each text, with images at their public address."""
    images = f"{settings().public_url.rstrip('/')}/imagenes/"
    return Compiled(
        merge.compile_text(subject),
        merge.compile_html(html.replace(f"{IMAGE_SCHEME}:", images)),
        _without_gaps(merge.compile_text(text)),
    )


def _without_gaps(fill: merge.Fill) -> merge.Fill:
    """A condition that does not hold leaves at most one empty line."""
    return lambda values: _GAP.sub("\n\n", fill(values))
