"""Moving many rows from one room's database into another's, exactly once.

The exporting job streams one `COPY (select …) TO STDOUT`, cuts it at line ends into chunks of
about 1 MB, compresses each and publishes it as a job of the receiving room. The receiving job
copies a chunk and records its number in the same transaction, so chunks may come twice, late,
in any order and on many workers. It counts the rows that COPY took and computes the checksum
itself; the transfer is complete when chunks, rows and checksum are those the exporter counted.

An exporter that dies is run again with a higher attempt, under a new snapshot: the first chunk
of the higher attempt removes what the lower one had loaded, and late chunks of the lower one
are ignored. Nothing is ever mixed of two snapshots.
"""

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import zstandard
from psycopg2.extensions import connection as Connection  # noqa: N812  # a class, named as such
from sqlalchemy import Select, delete, func, select, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared import clock
from shared.db import sessions
from shared.tables import Transfer, TransferChunk

CHUNK_BYTES = 1_000_000
KEPT = timedelta(days=30)  # as long as a delivery is remembered
_COMPRESSION_LEVEL = 1
_CHECKSUM_BITS = 0xFFFF_FFFF_FFFF


class DamagedError(Exception):
    """What arrived is not what was sent: no retry mends that."""


Publish = Callable[["Chunk"], None]


@dataclass(frozen=True)
class Chunk:
    """A piece of a transfer; the last one has no rows and says what there was in all."""

    transfer_id: str
    attempt: int
    number: int  # from 0; of the last one: the number of chunks before it
    rows: int
    checksum: int  # CRC-32 of the uncompressed lines; of the last one: the sum of all
    data: bytes = b""  # zstd of lines in PostgreSQL's text format
    last: bool = False

    def to_wire(self) -> dict[str, Any]:
        """As a msgpack-able job argument."""
        return self.__dict__


@dataclass(frozen=True)
class Destination:
    """Where the rows go and how those of a dead attempt are removed."""

    table: str
    columns: tuple[str, ...]  # in the order of the exporter's select
    remove: Callable[[Session, UUID], None]


class Cutter(io.RawIOBase):
    """A file for `copy_expert` to write to: cuts at line ends, compresses, publishes, counts."""

    def __init__(self, transfer_id: UUID, attempt: int, publish: Publish) -> None:
        self._id, self._attempt, self._publish = str(transfer_id), attempt, publish
        self._compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL)
        self._lines: list[bytes] = []
        self._bytes = self._number = self._checksum = 0
        self.rows = 0

    def writable(self) -> bool:
        """Yes: psycopg2 asks nothing else of it."""
        return True

    def write(self, line: Any) -> int:
        """Take one row: libpq hands over COPY data a row at a time."""
        self._lines.append(bytes(line))
        self._bytes += len(line)
        if self._bytes >= CHUNK_BYTES:
            self._cut()
        return len(line)

    def finish(self) -> int:
        """Publish what is left and the closing chunk; returns the number of rows in all."""
        if self._lines:
            self._cut()
        self._publish(
            Chunk(self._id, self._attempt, self._number, self.rows, self._checksum, last=True)
        )
        return self.rows

    def _cut(self) -> None:
        data, rows = b"".join(self._lines), len(self._lines)
        checksum = zlib.crc32(data)
        packed = self._compressor.compress(data)
        self._publish(Chunk(self._id, self._attempt, self._number, rows, checksum, packed))
        self._checksum = (self._checksum + checksum) & _CHECKSUM_BITS
        self._number, self.rows = self._number + 1, self.rows + rows
        self._lines, self._bytes = [], 0


def send(
    room: str,
    transfer_id: UUID,
    attempt: int,
    query: Select[Any],
    publish: Callable[[dict[str, Any]], None],
    then: Callable[[Session, int], None],
) -> None:
    """Stream the rows of `query` as chunks to `publish`, and do `then` in the same snapshot.

    `then` gets the number of rows; what it writes is there when, and only when, all was published.
    Dying here starts over with a higher attempt.
    """
    with sessions(room).begin() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        cutter = Cutter(transfer_id, attempt, lambda chunk: publish(chunk.to_wire()))
        then(session, export(session, query, cutter))


def receive(
    room: str,
    chunk: dict[str, Any],
    destination: Destination,
    then: Callable[[Session, UUID, int], None],
    moved: Callable[[Session, UUID], None] | None = None,
) -> None:
    """Load a chunk; the one with which all is here does `then` with the number of rows.

    `moved` is done in the transaction of each chunk that was loaded.

    Completion is looked at in a transaction of its own, so that of two workers with the last two
    chunks at least one sees both.
    """
    piece = Chunk(**chunk)
    transfer_id = UUID(piece.transfer_id)
    with sessions(room).begin() as session:
        if load_chunk(session, piece, destination) and moved:
            moved(session, transfer_id)
    with sessions(room).begin() as session:
        if (rows := complete(session, transfer_id)) is not None:
            then(session, transfer_id, rows)


def export(session: Session, query: Select[Any], cutter: Cutter) -> int:
    """Stream the rows of `query` through the cutter, and return their number.

    Runs in the session's transaction: with REPEATABLE READ, further statements see just the
    rows that were exported.
    """
    compiled = query.compile(
        dialect=postgresql.dialect(paramstyle="pyformat"),  # type: ignore[no-untyped-call]  # has none
        compile_kwargs={"render_postcompile": True},
    )
    with raw(session).cursor() as cursor:
        statement = cursor.mogrify(str(compiled), compiled.params).decode()
        cursor.copy_expert(f"COPY ({statement}) TO STDOUT", cutter)
        told = cursor.rowcount
    rows = cutter.finish()
    if rows != told:
        raise DamagedError(f"{rows} rows were cut of {told} that the database sent")
    return rows


def raw(session: Session) -> Connection:
    """The psycopg2 connection of the session's transaction, for COPY."""
    return cast(Connection, session.connection().connection.driver_connection)


def expect(session: Session, transfer_id: UUID) -> None:
    """Get ready to receive; chunks of a transfer nobody expects are dropped."""
    session.execute(insert(Transfer).values(id=transfer_id).on_conflict_do_nothing())


def load_chunk(session: Session, chunk: Chunk, target: Destination) -> bool:
    """Copy a chunk's rows and record its number, in the session's transaction.

    Returns whether it did: False for a chunk that is known, of a dead attempt, or not expected.
    """
    transfer_id = UUID(chunk.transfer_id)
    if not _enter_attempt(session, transfer_id, chunk, target):
        return False
    if chunk.last:
        _set_expected(session, transfer_id, chunk)
        return True
    data = _unpack(chunk)
    if not _record(session, chunk, zlib.crc32(data)):
        return False
    with raw(session).cursor() as cursor:
        columns = ", ".join(target.columns)
        cursor.copy_expert(f"COPY {target.table} ({columns}) FROM STDIN", io.BytesIO(data))
        _check(chunk, cursor.rowcount, zlib.crc32(data))
    return True


def _unpack(chunk: Chunk) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompress(chunk.data, CHUNK_BYTES * 20)
    except zstandard.ZstdError as error:
        raise DamagedError(f"chunk {chunk.number} of transfer {chunk.transfer_id}") from error


def _check(chunk: Chunk, rows: int, checksum: int) -> None:
    """The rows that COPY took, and the lines they came from, are those that were cut."""
    if (rows, checksum) != (chunk.rows, chunk.checksum):
        raise DamagedError(
            f"chunk {chunk.number} of transfer {chunk.transfer_id}: {rows} rows instead of "
            f"{chunk.rows}, checksum {checksum} instead of {chunk.checksum}"
        )


def _enter_attempt(session: Session, transfer_id: UUID, chunk: Chunk, target: Destination) -> bool:
    """Hold the transfer's row: shared, or alone to begin a higher attempt or to close one.

    Which of the two is known before locking, as two workers that both turned a shared hold into
    one alone would wait for each other.
    """
    query = select(Transfer.attempt).where(
        Transfer.id == transfer_id, Transfer.completed_at.is_(None), Transfer.failed_at.is_(None)
    )
    seen = session.execute(query).first()
    alone = chunk.last or (seen is not None and chunk.attempt > seen.attempt)
    row = session.execute(query.with_for_update(read=not alone)).first()
    if row is None or chunk.attempt < row.attempt:
        return False
    if chunk.attempt > row.attempt:
        _begin_attempt(session, transfer_id, chunk.attempt, target)
    return True


def _begin_attempt(session: Session, transfer_id: UUID, attempt: int, target: Destination) -> None:
    session.execute(
        update(Transfer)
        .where(Transfer.id == transfer_id)
        .values(attempt=attempt, expected_chunks=None, expected_rows=None, expected_checksum=None)
    )
    session.execute(delete(TransferChunk).where(TransferChunk.transfer_id == transfer_id))
    target.remove(session, transfer_id)


def _set_expected(session: Session, transfer_id: UUID, chunk: Chunk) -> None:
    session.execute(
        update(Transfer)
        .where(Transfer.id == transfer_id)
        .values(
            expected_chunks=chunk.number,
            expected_rows=chunk.rows,
            expected_checksum=chunk.checksum,
        )
    )


def _record(session: Session, chunk: Chunk, checksum: int) -> bool:
    row = insert(TransferChunk).values(
        transfer_id=UUID(chunk.transfer_id), number=chunk.number, rows=chunk.rows, checksum=checksum
    )
    recorded = session.execute(row.on_conflict_do_nothing().returning(TransferChunk.number)).first()
    return recorded is not None


@dataclass(frozen=True)
class Progress:
    """How far a transfer is; `expected_rows` is None until the exporter has finished."""

    loaded_rows: int
    expected_rows: int | None


def progress(session: Session, transfer_id: UUID) -> Progress:
    """Rows loaded so far; one small aggregate over the chunks."""
    transfer = session.get_one(Transfer, transfer_id)
    return Progress(_totals(session, transfer_id)[1], transfer.expected_rows)


def complete(session: Session, transfer_id: UUID) -> int | None:
    """Close the transfer if all of it is here: the number of rows, once; otherwise None."""
    transfer = _find_open(session, transfer_id)
    if transfer is None or transfer.expected_chunks is None:
        return None
    chunks, rows, checksum = _totals(session, transfer_id)
    if chunks < transfer.expected_chunks:
        return None
    if (rows, checksum) != (transfer.expected_rows, transfer.expected_checksum):
        raise DamagedError(f"transfer {transfer_id}: rows or checksum differ from the exporter's")
    transfer.completed_at = clock.now()
    return rows


def fail(session: Session, transfer_id: UUID, target: Destination) -> bool:
    """Give a transfer up, with what has arrived of it; False when it had ended already."""
    transfer = _find_open(session, transfer_id)
    if transfer is None:
        return False
    transfer.failed_at = clock.now()
    session.execute(delete(TransferChunk).where(TransferChunk.transfer_id == transfer_id))
    target.remove(session, transfer_id)
    return True


def _find_open(session: Session, transfer_id: UUID) -> Transfer | None:
    """A transfer that has neither been completed nor given up, alone."""
    query = select(Transfer).where(
        Transfer.id == transfer_id, Transfer.completed_at.is_(None), Transfer.failed_at.is_(None)
    )
    return session.execute(query.with_for_update()).scalar_one_or_none()


def _totals(session: Session, transfer_id: UUID) -> tuple[int, int, int]:
    chunks, rows, checksum = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(TransferChunk.rows), 0),
            func.coalesce(func.sum(TransferChunk.checksum), 0),
        ).where(TransferChunk.transfer_id == transfer_id)
    ).one()
    return int(chunks), int(rows), int(checksum) & _CHECKSUM_BITS


def forget_old(session: Session) -> None:
    """Drop what is kept of transfers that ended so long ago that no chunk can come any more."""
    old = clock.now() - KEPT
    ended = select(Transfer.id).where(
        func.coalesce(Transfer.completed_at, Transfer.failed_at) < old
    )
    session.execute(delete(TransferChunk).where(TransferChunk.transfer_id.in_(ended)))
    session.execute(delete(Transfer).where(Transfer.id.in_(ended)))
