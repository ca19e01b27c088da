"""risk_central's SQL on loads: their progress, and the rows they rejected."""

import codecs
import csv
from collections.abc import Iterator
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from services.risk_central import rules
from services.risk_central.load import Chunk
from services.risk_central.models import Load, Reject
from shared import clock, files, keyset
from shared.contract import Slice
from shared.contracts.risk_central import LoadState
from shared.errors import Conflict, NotFound


def get_load(session: Session, load_id: int, *, lock: bool = False) -> Load:
    """One load. Raises NotFound."""
    found = session.get(Load, load_id, with_for_update=lock)
    if found is None:
        raise NotFound("La carga no existe.")
    return found


def insert_load(session: Session, file_key: str, file_name: str, created_by: str) -> Load:
    """A new load, waiting for a worker."""
    values: dict[str, Any] = {
        "file_key": file_key,
        "file_name": file_name,
        "state": LoadState.WAITING,
        "created_by": created_by,
    }
    return session.execute(insert(Load).values(values).returning(Load)).scalar_one()


def list_loads(session: Session, after: str | None, limit: int) -> Slice[Load]:
    """Newest first."""
    return keyset.fetch(session, select(Load), [Load.id.desc()], after, limit)


def add_chunk(session: Session, load: Load, chunk: Chunk) -> None:
    """Move the counts on and keep the rejected rows."""
    load.chunks = chunk.number + 1
    load.read += chunk.read
    load.created += chunk.changes.created
    load.updated += chunk.changes.updated
    load.unchanged += chunk.changes.unchanged
    load.rejected += len(chunk.rejects)
    rows = [
        {"load_id": load.id, "line": item.line, "row": _texts(item.row), "reason": item.reason}
        for item in chunk.rejects
    ]
    if rows:
        session.execute(insert(Reject), rows)


def _texts(row: Any) -> dict[str, str]:
    """PostgreSQL keeps no NUL in a text."""
    return {name: (row.get(name) or "").replace("\0", "") for name in rules.COLUMNS}


def set_finished(session: Session, load: Load, error: str | None = None) -> None:
    """The end of a load; what was loaded before an error counts."""
    load.state = LoadState.DONE if error is None else LoadState.FAILED
    load.error = error
    load.rejected_key = _write_rejected(session, load) if load.rejected else None
    load.finished_at = clock.now()
    if error is None:
        session.execute(delete(Reject).filter_by(load_id=load.id))


def set_waiting(load: Load) -> None:
    """Begin a load again that has failed: it goes on after the last part that was noted.

    The rejected rows were kept for that; the file of them is written anew at the end. Raises
    Conflict.
    """
    if load.state != LoadState.FAILED:
        raise Conflict("Solo se repite una carga que no terminó.")
    if load.rejected_key is not None:
        files.remove(load.rejected_key)
    load.state, load.error = LoadState.WAITING, None
    load.finished_at = load.rejected_key = None


def _write_rejected(session: Session, load: Load) -> str:
    """The rejected rows as a file that can be mended and loaded again."""
    key = files.new_key(".csv")
    with files.create(key) as target:
        writer = csv.writer(codecs.getwriter("utf-8-sig")(target))
        writer.writerow([*rules.COLUMNS, "linea", "motivo"])
        for row, line, reason in _iterate_rejects(session, load.id):
            writer.writerow([*(row[name] for name in rules.COLUMNS), line, reason])
    return key


def _iterate_rejects(session: Session, load_id: int) -> Iterator[tuple[dict[str, Any], int, str]]:
    query = select(Reject.row, Reject.line, Reject.reason).filter_by(load_id=load_id)
    ordered = query.order_by(Reject.line).execution_options(yield_per=1000)
    yield from session.execute(ordered)
