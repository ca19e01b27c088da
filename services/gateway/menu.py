"""The side menu: what a user may open, in the order of the work.

Each module of `routes/` adds the entries of its own pages.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from shared.permissions import Permission


class Heading(StrEnum):
    """The headings in their order, as the menu shows them."""

    CUSTOMERS = "Clientes"
    MARKETING = "Marketing"
    TELEMARKETING = "Telemarketing"
    ADMINISTRATION = "Administración"


@dataclass(frozen=True)
class Entry:
    """A page of the menu; any one of the permissions opens it, while it is `there`."""

    heading: Heading
    place: int  # among the entries of its heading
    label: str
    path: str
    icon: str
    purpose: str
    permissions: frozenset[Permission]
    there: Callable[[], bool] = field(default=lambda: True)

    def is_current(self, path: str) -> bool:
        """Whether `path` is this page or one under it, and under no entry that lies deeper."""
        holding = [address for address in _entries if _holds(address, path)]
        return bool(holding) and max(holding, key=len) == self.path

    def is_open(self, permissions: frozenset[str]) -> bool:
        """Whether somebody with these permissions is offered it."""
        return bool(self.permissions & permissions) and self.there()


@dataclass(frozen=True)
class Section:
    """Entries under one heading."""

    label: str
    entries: tuple[Entry, ...]


_entries: dict[str, Entry] = {}


def _holds(address: str, path: str) -> bool:
    return path == address or path.startswith(f"{address}/")


def add(
    heading: Heading,
    place: int,
    label: str,
    path: str,
    *permissions: Permission,
    icon: str,
    purpose: str,
    there: Callable[[], bool] = lambda: True,
) -> None:
    """Have the menu offer a page; called when routes are loaded."""
    _entries[path] = Entry(
        heading, place, label, path, icon, purpose, frozenset(permissions), there
    )


def sections_for(permissions: frozenset[str]) -> list[Section]:
    """The menu of a user with these permissions, without headings that would stand alone."""
    offered = sorted(
        (entry for entry in _entries.values() if entry.is_open(permissions)),
        key=lambda entry: entry.place,
    )
    sections = [
        Section(heading, tuple(entry for entry in offered if entry.heading is heading))
        for heading in Heading
    ]
    return [section for section in sections if section.entries]
