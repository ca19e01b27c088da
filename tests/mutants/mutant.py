"""One planted fault."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A fault of one place; `tests` are pytest selections, each a process of its own."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
