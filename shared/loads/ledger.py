"""A room's loads in its own database: their states, counts, rejected rows, remembered columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from shared import clock, files, keyset, notices, outbox
from shared.bounds import printable
from shared.contract import Event, Slice
from shared.contracts.loads import LoadState
from shared.db import sessions
from shared.ecuador.money import format_number
from shared.ecuador.names import fold
from shared.errors import Conflict, NotFound
from shared.loads.encodings import legible
from shared.loads.fields import header_key
from shared.loads.models import LoadRow, MappingRow, RejectRow
from shared.loads.rejected import RejectedRow, write_rejected

if TYPE_CHECKING:
    from shared.loads.load import Batch, Load, Outcome
    from shared.loads.progress import Progress

L = TypeVar("L", bound=LoadRow)
ANSWER_DAYS = 7


class Ledger(Generic[L]):
    """The loads of a room, in tables of its own.

    `moved(id)` is the event of its pages, `page` where one is shown; `missing` says that there is
    no such one.
    """

    def __init__(
        self,
        room: str,
        load: type[L],
        reject: type[RejectRow],
        mapping: type[MappingRow],
        *,
        moved: Callable[[int], Event],
        page: str,
        missing: str = "La carga no existe.",
    ) -> None:
        self.room = room
        self._moved, self._page = moved, page
        self._load, self._reject, self._mapping = load, reject, mapping
        self._missing = missing

    @contextmanager
    def begin(self, load_id: int) -> Iterator[tuple[Session, L]]:
        """A job's transaction that holds the load."""
        with sessions(self.room).begin() as session:
            yield session, self.get(session, load_id, lock=True)

    def get(self, session: Session, load_id: int, *, lock: bool = False) -> L:
        """One load. Raises NotFound."""
        found = session.get(self._load, load_id, with_for_update=lock)
        if found is None:
            raise NotFound(self._missing)
        return found

    def insert(self, session: Session, created_by: str, **values: Any) -> L:
        """A new load, waiting for a worker."""
        values |= {"state": LoadState.WAITING, "created_by": created_by}
        return session.execute(insert(self._load).values(values).returning(self._load)).scalar_one()

    def list(self, session: Session, after: str | None, limit: int) -> Slice[L]:
        """Newest first."""
        return keyset.fetch(session, select(self._load), [self._load.id.desc()], after, limit)

    # --- while it runs ---

    def add(
        self, session: Session, job: L, batch: Batch[Any], outcome: Outcome, progress: Progress
    ) -> None:
        """Move the counts on and keep the rejected rows, in the transaction of the batch."""
        job.read += batch.read
        job.created += outcome.created
        job.updated += outcome.updated
        job.unchanged += outcome.unchanged
        job.rejected += len(batch.rejects)
        before, (job.percent, job.rate, job.seconds_left) = job.percent, progress.told(job.read)
        if job.percent != before:
            self.tell(session, job)
        rows = [
            {
                "load_id": job.id,
                "line": item.line,
                "values": [legible(cell) for cell in item.cells],
                "reason": printable(item.reason),
            }
            for item in batch.rejects
        ]
        if rows:
            session.execute(insert(self._reject), rows)
        session.flush()

    # --- its ends ---

    def end_done(self, session: Session, job: L, load: Load[Any]) -> None:
        """All rows are dealt with."""
        self._end(session, job, load, LoadState.DONE)
        job.percent = 100
        self._tell_its_maker(session, job, _counts(job))

    def end_failed(
        self, session: Session, job: L, error: str, load: Load[Any], *, unreadable: bool
    ) -> None:
        """What was loaded before counts; the rejected rows stay for one that goes on."""
        self._end(session, job, load, LoadState.FAILED)
        job.error, job.unreadable = error, unreadable
        self._tell_its_maker(session, job, error)

    def tell(self, session: Session, job: L) -> None:
        """Pages that show the load are to look again."""
        outbox.add(session, self._moved(job.id))

    def _tell_its_maker(self, session: Session, job: L, detail: str) -> None:
        what = "Terminó" if job.state == LoadState.DONE else "No se pudo leer"
        tried = " (prueba)" if job.dry_run else ""
        notices.send(
            session,
            job.created_by,
            f"{self.room}:load:{job.id}:{job.state}:{job.read}",
            f"{what} {job.file_name}{tried}",
            detail=detail,
            link=f"{self._page}/{job.id}",
        )

    def release(
        self, job: L, mapping: dict[str, str] | None, *, dry_run: bool | None, hold: bool
    ) -> None:
        """Go on with a load that was held, or show its first rows by other columns.

        Raises Conflict.
        """
        if job.state != LoadState.HELD:
            text = "Ya no se espera su respuesta: la carga se canceló o alguien siguió con ella."
            raise Conflict(text)
        job.asked_mapping = mapping or job.asked_mapping
        job.dry_run = job.dry_run if dry_run is None else dry_run
        job.hold, job.state = hold, LoadState.WAITING

    def cancel(self, job: L) -> bool:
        """Stop before the next batch; the file of the rejected rows is the job's. Raises Conflict.

        False of one that was cancelled already.
        """
        if job.state == LoadState.CANCELLED:
            return False
        if job.finished_at is not None:
            raise Conflict("Ya terminó: no hay nada que cancelar.")
        job.state, job.finished_at = LoadState.CANCELLED, clock.now()
        job.rate = job.seconds_left = None
        job.preview = []
        return True

    def cancel_unanswered(self, session: Session) -> None:
        """Loads whose first rows were shown and nobody answered: those rows are personal data."""
        table = self._load
        late = clock.now() - timedelta(days=ANSWER_DAYS)
        held = select(table).where(table.state == LoadState.HELD, table.created_at < late)
        for job in session.execute(held.with_for_update()).scalars():
            self.cancel(job)

    def close_cancelled(self, session: Session, job: L, load: Load[Any]) -> None:
        """The file of what a cancelled load had rejected, once."""
        if job.state == LoadState.CANCELLED and job.rejected and job.rejected_key is None:
            self._write_rejected(session, job, load)

    def wait_again(self, job: L) -> None:
        """Begin a load again that has failed: it goes on after the last batch that was noted.

        The rejected rows were kept for that; the file of them is written anew at the end. Raises
        Conflict.
        """
        if job.state != LoadState.FAILED:
            raise Conflict("Solo se repite una carga que no terminó.")
        if job.rejected_key is not None:
            files.remove(job.rejected_key)
        job.state, job.error, job.unreadable = LoadState.WAITING, None, False
        job.finished_at = job.rejected_key = None

    def _end(self, session: Session, job: L, load: Load[Any], state: LoadState) -> None:
        job.state, job.finished_at = state, clock.now()
        job.rate = job.seconds_left = None
        job.preview = []
        self.tell(session, job)
        if job.rejected:
            self._write_rejected(session, job, load)

    def _write_rejected(self, session: Session, job: L, load: Load[Any]) -> None:
        rows = self._iterate_rejects(session, job.id)
        job.rejected_key = write_rejected(job.columns, rows, numbered=load.numbered)
        if job.state != LoadState.FAILED:
            session.execute(delete(self._reject).filter_by(load_id=job.id))

    def _iterate_rejects(self, session: Session, load_id: int) -> Iterator[RejectedRow]:
        table = self._reject
        query = select(table.values, table.line, table.reason).filter_by(load_id=load_id)
        ordered = query.order_by(table.line).execution_options(yield_per=1000)
        for row in session.execute(ordered):
            yield row.values, row.line, row.reason

    # --- columns that people chose ---

    def remember(self, session: Session, header: Sequence[str], mapping: dict[str, str]) -> None:
        """The next file with this header gets this mapping unless another is asked for."""
        values = {"header_key": header_key(header), "mapping": mapping, "used_at": clock.now()}
        statement = upsert(self._mapping).values(values)
        session.execute(statement.on_conflict_do_update(index_elements=["header_key"], set_=values))

    def find_mapping(self, session: Session, header: Sequence[str]) -> dict[str, str] | None:
        """What was chosen for such a header last; it may be written in another case."""
        found = session.get(self._mapping, header_key(header))
        if found is None:
            return None
        named = {fold(column): column for column in reversed(header)}
        return {field: named[fold(column)] for field, column in found.mapping.items()}


def _counts(job: LoadRow) -> str:
    counts = {"Nuevos": job.created, "actualizados": job.updated, "rechazados": job.rejected}
    told = ", ".join(f"{word}: {format_number(count)}" for word, count in counts.items() if count)
    return f"{told[:1].upper()}{told[1:]}." if told else "No cambió nada."
