"""What a benchmark says."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A value, and its ratio to the peer or limit measured in the same run (above 1 is better)."""

    bench: str
    value: float
    unit: str
    ratio: float | None
    against: str | None
