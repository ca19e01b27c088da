"""What a load looks like from outside, whatever it reads."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from shared.contract import Model
from shared.words import Term


class LoadState(Term):
    """Life of a load; the last three are its ends."""

    WAITING = "waiting", "En espera"
    RUNNING = "running", "En curso"
    # Its first rows were read for a person, who says whether to go on.
    HELD = "held", "Por confirmar"
    DONE = "done", "Terminada"
    # With the reason; what was loaded before counts.
    FAILED = "failed", "Fallida"
    # What was loaded before counts.
    CANCELLED = "cancelled", "Cancelada"


@dataclass(frozen=True)
class Column:
    """A column of a file: the field's name with us, in the file, and to a person."""

    field: str
    label: str
    title: str
    required: bool = False


class PreviewRow(Model):
    """One of a file's first rows, as it will be read."""

    line: int  # in the file; the header is 1
    values: dict[str, str]  # by our field
    reason: str | None  # why it would be rejected


class LoadProgress(Model):
    """How far a load is: read = created + updated + unchanged + rejected."""

    id: int
    file_name: str
    state: LoadState
    read: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    percent: int = 0  # of the file
    rate: int | None = None  # rows a second, while it runs
    seconds_left: int | None = None  # about, while it runs
    columns: list[str] = Field(default_factory=list)  # as found in the file
    # Our field → the file's column, as used.
    mapping: dict[str, str] = Field(default_factory=dict)
    rejected_key: str | None  # file of the rejected rows, with a column `motivo`
    error: str | None  # Spanish, when it failed
    unreadable: bool = False  # it failed by its file, which would fail again
    created_by: str
    created_at: datetime
    finished_at: datetime | None
