"""JSON that is nested too deep to be read: where that begins.

Python's reader gives up at about a thousand levels. What it could still read is judged where it is
understood, such as a segment's ten; this names the place in what it could not.
"""

import re

LEVELS = 64
_LOOKED_AT = 100_000  # characters: a path is a courtesy, not worth a long search
_STEP = 60
_TOKEN = re.compile(r'"(?P<text>[^"\\]*+(?:\\.[^"\\]*+)*+)"(?P<names>\s*:)?|[\[\]{},]')


def find_too_deep(text: str) -> str | None:
    """The path at which JSON has more than `LEVELS`; None where that is not soon, or nowhere."""
    steps: list[str | int] = []
    for token in _TOKEN.finditer(text[:_LOOKED_AT]):
        match token[0]:
            case "[" | "{" if len(steps) == LEVELS:
                return ".".join(str(step) for step in steps)
            case "[":
                steps.append(0)
            case "{":
                steps.append("")
            case "]" | "}" if steps:
                steps.pop()
            case _:
                _move(steps, token)
    return None


def _move(steps: list[str | int], token: re.Match[str]) -> None:
    """On to the next element, or to the value of a key."""
    last = steps[-1] if steps else None
    if token[0] == "," and isinstance(last, int):
        steps[-1] = last + 1
    elif token["names"] and steps:
        steps[-1] = token["text"][:_STEP]
