"""Names of people and places as they are compared: without accents, case or extra spaces."""

import re

from anyascii import anyascii

_TOKEN = re.compile(r"[a-z0-9]+")


def fold(text: str) -> str:
    """The text as it is searched for: ASCII, lower case, single spaces (`"Ñúñez "` → `nunez`)."""
    ascii_text = text if text.isascii() else anyascii(text)
    return " ".join(ascii_text.lower().split())


def tokens(text: str) -> list[str]:
    """The folded words of a name in their order, split at spaces and punctuation."""
    return _TOKEN.findall(fold(text))
