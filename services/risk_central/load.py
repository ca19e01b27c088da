"""Loading the bureau's file: `python -m services.risk_central.load FILE.csv` from a shell."""

import argparse
import codecs
import csv
import io
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Protocol

from pyroaring import BitMap
from redis import Redis
from redis.exceptions import LockError, RedisError

from services.risk_central import rules, store
from shared.contracts.risk_central import LoadReport, RejectedRow, RiskReport
from shared.errors import Conflict, Invalid
from shared.settings import settings

MAX_REJECTED_NAMED = 1000
TIMEOUT_SECONDS = 30.0  # a chunk's write may wait for the disk

_CHUNK = 50_000  # rows per change of the name index, which is read and written whole
_LOCK_SECONDS = 60.0

Line = tuple[int, dict[str, str | None]]


@dataclass(frozen=True)
class Reject:
    """A row that is not loaded: its line in the file, what stood there, and why."""

    line: int
    row: Mapping[str, str | None]
    reason: str


@dataclass(frozen=True)
class Chunk:
    """What a part of the file is about to change."""

    number: int  # from 0
    read: int
    rejects: list[Reject]
    changes: store.Changes


class Journal(Protocol):
    """Where a load notes what it does, so that one that was killed goes on where it was."""

    def count_recorded(self) -> int:
        """Chunks that an earlier attempt has noted; asked under the load's lock."""

    def record(self, chunk: Chunk) -> None:
        """Note a chunk, before it is written."""


class Tally:
    """A journal that counts, for a load of one attempt."""

    def __init__(self) -> None:
        self.report = LoadReport()

    def count_recorded(self) -> int:
        """None: there was no earlier attempt."""
        return 0

    def record(self, chunk: Chunk) -> None:
        """Add up."""
        now, named = (
            self.report,
            [RejectedRow(line=reject.line, reason=reject.reason) for reject in chunk.rejects],
        )
        self.report = LoadReport(
            read=now.read + chunk.read,
            created=now.created + chunk.changes.created,
            updated=now.updated + chunk.changes.updated,
            unchanged=now.unchanged + chunk.changes.unchanged,
            rejected=now.rejected + len(chunk.rejects),
            rejected_rows=(*now.rejected_rows, *named)[:MAX_REJECTED_NAMED],
        )


class Loader:
    """One load of a file: checks its rows and writes them, a chunk at a time."""

    def __init__(self, redis: Redis, journal: Journal) -> None:
        self._redis = redis
        self._journal = journal
        self._seen = BitMap()

    def load(self, lines: Iterator[Line]) -> None:
        """Write all good rows, under the load's lock.

        Each chunk is noted and then written; of what was noted before, the last chunk is
        written again, in case it was noted only.
        """
        lock = self._redis.lock(
            store.lock_key(), timeout=_LOCK_SECONDS, blocking_timeout=_LOCK_SECONDS
        )
        try:
            with lock:
                recorded = self._journal.count_recorded()
                for number, rows in enumerate(_chunks(lines)):
                    self._load_chunk(number, rows, recorded)
                    lock.reacquire()
        except LockError:
            raise Conflict("Ya hay otra carga de riesgos en curso: espere a que termine.") from None

    def _load_chunk(self, number: int, rows: list[Line], recorded: int) -> None:
        reports, rejects = self._check(rows)
        if number < recorded - 1:
            return
        changes = store.compare(self._redis, reports)
        if number >= recorded:
            self._journal.record(Chunk(number, len(rows), rejects, changes))
        store.write(self._redis, changes)

    def _check(self, rows: list[Line]) -> tuple[list[RiskReport], list[Reject]]:
        reports, rejects = [], []
        for line, row in rows:
            try:
                reports.append(self._check_row(row))
            except ValueError as error:
                rejects.append(Reject(line, row, str(error)))
        return reports, rejects

    def _check_row(self, row: Mapping[str, str | None]) -> RiskReport:
        report = rules.parse_row(row)
        number = int(report.cedula[:9])
        if number in self._seen:
            raise ValueError("La cédula ya está en una fila anterior del archivo.")
        self._seen.add(number)
        return report


def _chunks(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while chunk := list(islice(lines, _CHUNK)):
        yield chunk


def load_file(redis: Redis, source: IO[bytes]) -> LoadReport:
    """Load a seekable CSV file; loading it again changes nothing.

    Good rows count even when others are rejected. Raises Invalid when the file is no risk file,
    Conflict when another load does not end within a minute, RedisError.
    """
    tally = Tally()
    with closing(read_lines(source)) as lines:
        Loader(redis, tally).load(lines)
    return tally.report


def read_lines(source: IO[bytes]) -> Generator[Line, None, None]:
    """The rows of a seekable risk file with their line numbers, to be closed before the file.

    Raises Invalid.
    """
    text = io.TextIOWrapper(source, encoding=_encoding(source), errors="strict", newline="")
    rows = csv.DictReader(text, restkey="", restval="")
    try:
        names = [name.strip().lower() for name in rows.fieldnames or ()]
        rows.fieldnames = names
        if missing := [name for name in rules.COLUMNS if name not in names]:
            raise Invalid(f"Al archivo de riesgos le faltan columnas: {', '.join(missing)}.")
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        raise Invalid(f"El archivo no es un CSV válido: línea {rows.line_num}.") from error
    except UnicodeDecodeError as error:
        raise Invalid(
            "El archivo no es un texto que se pueda leer: guárdelo como CSV en UTF-8."
        ) from error
    finally:
        text.detach()


def _encoding(source: IO[bytes]) -> str:
    """UTF-8 when the whole file is, else what Excel writes on Windows."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := source.read(1 << 20):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    finally:
        source.seek(0)
    return "utf-8-sig"


def main() -> None:
    """Load a file, print the report as JSON; exit 1 when the file or Redis is not usable."""
    parser = argparse.ArgumentParser(description="Load a risk file into the bureau.")
    parser.add_argument("path", type=Path)
    path: Path = parser.parse_args().path
    try:
        with path.open("rb") as source:
            report = load_file(store.connect(settings().redis_url, TIMEOUT_SECONDS), source)
    except (OSError, RedisError, Invalid, Conflict) as error:
        sys.exit(f"{path}: {error}")
    sys.stdout.write(report.model_dump_json() + "\n")


if __name__ == "__main__":
    main()
