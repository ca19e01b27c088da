"""A load's job: reads the file in batches of one transaction each, and goes on where it was.

It comes at least once; whoever finds that another has gone on with the load steps back, so no row
counts twice. A long file is read in several turns, so that it never meets a job's time limit.
"""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, Generic, TypeVar

import psycopg2
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from shared import outbox
from shared.contracts.loads import LoadState
from shared.ecuador.money import format_number
from shared.errors import Invalid, NotFound
from shared.loads import sources
from shared.loads.fields import map_columns
from shared.loads.load import Batch, Checker, Load, Outcome, Sink
from shared.loads.progress import Progress
from shared.loads.sources import Line, Source

R = TypeVar("R")
TURN_SECONDS = 600.0
PREVIEWED = 20


def run(load: Load[Any], load_id: int) -> None:
    """One turn of a load; a file that cannot be read ends it as failed, with the reason."""
    key = _begin(load, load_id)
    if key is None:
        return
    try:
        if load.whole:
            _read_to_the_end(key)
        with sources.open_source(key) as source:
            _Turn(load, load_id, source).take()
    except (Invalid, NotFound) as error:
        unreadable = isinstance(error, NotFound) or error.names(*load.hopeless)
        load.fail(_reason(load, load_id, str(error)), load_id, unreadable=unreadable)


def _begin(load: Load[Any], load_id: int) -> str | None:
    """The file's key; None for a load that has ended."""
    with load.ledger.begin(load_id) as (session, job):
        if job.finished_at is not None:
            load.ledger.close_cancelled(session, job, load)
            is_cancelled = job.state == LoadState.CANCELLED
        else:
            job.state = LoadState.RUNNING
            return str(job.file_key)
    if is_cancelled:
        load.drop(load_id)
    return None


def _read_to_the_end(key: str) -> None:
    """Raises Invalid for a file that breaks in the middle, before anything of it is stored."""
    with sources.open_source(key) as source:
        try:
            for _ in source.lines:
                pass
        except Invalid as error:
            raise Invalid.field("file", f"{error} No se cargó nada.") from None


def _reason(load: Load[Any], load_id: int, error: str) -> str:
    """What happened and how much of the file counts."""
    with load.ledger.begin(load_id) as (_, job):
        read, keeps = job.read, load.keeps(job)
    if not read:
        return error
    kept = "lo leído queda guardado" if keeps else "no se guardó nada"
    rows = "Se leyó 1 fila" if read == 1 else f"Se leyeron {format_number(read)} filas"
    return f"{error} {rows} y {kept}; el resto no se leyó."


class _Turn(Generic[R]):
    """What one worker does with a load before it ends or somebody else goes on."""

    def __init__(self, load: Load[R], load_id: int, source: Source) -> None:
        self._load, self._id, self._source = load, load_id, source

    def take(self) -> None:
        """Read on until the end of the file or of the time."""
        mapping = self._map()
        checker = Checker(self._load, self._source.header, mapping)
        lines = self._source.lines
        if self._is_held():
            self._show(checker, lines)
            return
        with self._load.sink(mapping, self._id) as sink:
            done = self._go_on(sink, checker, lines)
            progress = Progress(self._source.share, done)
            ends = time.monotonic() + TURN_SECONDS
            for batch in checker.batches(lines):
                if not self._store(sink, batch, done, progress):
                    return
                done += batch.read
                del batch
                if time.monotonic() > ends:
                    self._go_on_later()
                    return
            self._finish(sink)

    def _map(self) -> dict[str, str]:
        """The columns that were asked for, or chosen for such a header before, or guessed."""
        ledger, header = self._load.ledger, self._source.header
        with ledger.begin(self._id) as (session, job):
            job.columns = header
            asked = job.asked_mapping
            known = None if asked else ledger.find_mapping(session, header)
        mapping = self._mapped(asked, known)
        with ledger.begin(self._id) as (session, job):
            job.mapping = mapping
            if asked:
                ledger.remember(session, header, mapping)
        return mapping

    def _mapped(self, asked: dict[str, str] | None, known: dict[str, str] | None) -> dict[str, str]:
        if known:
            with suppress(Invalid):  # chosen when the room had other fields
                return map_columns(self._load.fields, self._source.header, known)
        return map_columns(self._load.fields, self._source.header, asked)

    def _is_held(self) -> bool:
        with self._load.ledger.begin(self._id) as (_, job):
            return bool(job.hold)

    def _show(self, checker: Checker[R], lines: Iterator[Line]) -> None:
        rows = [checker.preview(line) for line in islice(lines, PREVIEWED)]
        with self._load.ledger.begin(self._id) as (session, job):
            if job.finished_at is None:
                job.preview = [row.model_dump(mode="json") for row in rows]
                job.state = LoadState.HELD
                self._load.ledger.tell(session, job)

    def _go_on(self, sink: Sink[R], checker: Checker[R], lines: Iterator[Line]) -> int:
        """Past what earlier runs have done, whose keys count; returns how many rows that is."""
        with self._load.ledger.begin(self._id) as (_, job):
            done = int(job.read)
        earlier = checker.batches(islice(lines, done))
        for last in deque(earlier, maxlen=1):
            sink.write_again(last.rows)
        return done

    def _store(self, sink: Sink[R], batch: Batch[R], done: int, progress: Progress) -> bool:
        """One batch; False when the load has ended or another worker goes on with it."""
        ledger = self._load.ledger
        with ledger.begin(self._id) as (session, job):
            if job.finished_at is not None:
                ledger.close_cancelled(session, job, self._load)
                return False
            if job.read != done:
                return False
            outcome = self._stored(sink, session, job, batch)
            ledger.add(session, job, batch, outcome, progress)
        sink.write()
        return True

    def _stored(self, sink: Sink[R], session: Session, job: Any, batch: Batch[R]) -> Outcome:
        """Raises Invalid where the database cannot keep a value that no check found."""
        try:
            return sink.store(session, job, batch.rows)
        except (DataError, psycopg2.DataError):  # by COPY the driver's own; its text has the row
            first, last = format_number(job.read + 1), format_number(job.read + batch.read)
            told = f"Entre las filas {first} y {last} hay un valor que no se puede guardar."
            raise Invalid.field("file", told) from None

    def _go_on_later(self) -> None:
        with self._load.ledger.begin(self._id) as (session, _):
            outbox.add_job(session, self._load.task, self._id, bulk=True)

    def _finish(self, sink: Sink[R]) -> None:
        with self._load.ledger.begin(self._id) as (session, job):
            if job.finished_at is not None:
                self._load.ledger.close_cancelled(session, job, self._load)
                return
            sink.end(session, job)
            self._load.ledger.end_done(session, job, self._load)
        sink.ended()
