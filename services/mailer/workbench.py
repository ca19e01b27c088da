"""What is done with designs in a process that may be killed: reading, cleaning, filling in."""

from collections.abc import Mapping
from typing import Any

from services.mailer import designs, uploads


def build(name: str, subject: str, html: str | None, file_key: str | None) -> dict[str, Any]:
    """A design's columns from its HTML or its file. Raises NotFound, Invalid."""
    source, images = (html or "", {}) if file_key is None else uploads.read(file_key)
    return designs.build(name, subject, source, images)


def fill(subject: str, html: str, text: str, values: Mapping[str, str]) -> dict[str, str]:
    """A kept design filled in."""
    compiled = designs.compile_design(subject, html, text)
    return {
        "subject": compiled.subject(values),
        "html": compiled.html(values),
        "text": compiled.text(values),
    }
