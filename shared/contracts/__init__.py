"""One file per service: its procedures' arguments and replies, and its events.

A room is registered here and nowhere else: databases, queues, processes, health and the checks of
the house follow from this table.
"""

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
