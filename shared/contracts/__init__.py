"""One file per service: its procedures' arguments and replies, and its events.

A room is registered here and nowhere else: databases, queues, processes, health and the checks of
the house follow from this table.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Placement:
    """Where a room runs unless settings say otherwise; rooms that name one group share it."""

    process: str = ""  # of its doors; none: a process of its own
    worker: str = ""  # of its jobs
    concurrency: int = 1  # of its worker: jobs at once


PLACEMENTS = {
    "identity": Placement(process="small", worker="small"),
    "customer_query": Placement(),
    "campaign": Placement(),
    "mailer": Placement(concurrency=2),
    "telemarketing": Placement(worker="small"),
    "risk_central": Placement(process="small", worker="small"),
}
ROOMS: tuple[str, ...] = tuple(PLACEMENTS)


def rooms_of(names: Iterable[str], group_of: Callable[[Placement], str]) -> list[str]:
    """Rooms by name, or all rooms of a group. Raises KeyError for what is neither."""
    found: list[str] = []
    for name in names:
        of_group = [room for room, placed in PLACEMENTS.items() if group_of(placed) == name]
        if not of_group and name not in PLACEMENTS:
            raise KeyError(f"{name} is neither a room nor a group of rooms")
        found += of_group or [name]
    return found


def groups(group_of: Callable[[Placement], str]) -> dict[str, list[str]]:
    """Group, or room where it has none, and its rooms."""
    found: dict[str, list[str]] = {}
    for room, placed in PLACEMENTS.items():
        found.setdefault(group_of(placed) or room, []).append(room)
    return found


def process_of(placed: Placement) -> str:
    """The group whose process serves the doors."""
    return placed.process


def worker_of(placed: Placement) -> str:
    """The group whose worker does the jobs."""
    return placed.worker
