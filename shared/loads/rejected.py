"""The rejected rows as a file that can be mended and loaded again."""

from collections.abc import Iterable, Sequence

from shared import files, sheets
from shared.ecuador.names import fold

REASON, LINE = "motivo", "linea"
_OURS = {REASON, LINE}

RejectedRow = tuple[Sequence[str], int, str]  # cells as they stood, line in the file, reason


def rejected_header(columns: Sequence[str], *, numbered: bool = False) -> list[str]:
    """The file's own columns and ours behind them; those of an earlier such file are left out."""
    return [columns[at] for at in _kept(columns)] + ([LINE] if numbered else []) + [REASON]


def write_rejected(columns: Sequence[str], rows: Iterable[RejectedRow], *, numbered: bool) -> str:
    """Store the rows as they stood; returns the file's key."""
    kept = _kept(columns)
    key = files.new_key(".csv")

    def line_of(cells: Sequence[str], line: int, reason: str) -> list[sheets.Cell]:
        stood = [cells[at] if at < len(cells) else "" for at in kept]
        ours: list[sheets.Cell] = [line, reason] if numbered else [reason]
        return [*stood, *ours, *cells[len(columns) :]]  # those beyond the header are one's own, too

    with files.create(key) as target:
        lines = (line_of(*row) for row in rows)
        header = rejected_header(columns, numbered=numbered)
        sheets.write_csv(target, header, lines, as_text=sheets.quoted)
    return key


def _kept(columns: Sequence[str]) -> list[int]:
    return [at for at, column in enumerate(columns) if fold(column) not in _OURS]
