"""Loading the bureau's file: `python -m services.risk_central.load FILE.csv` from a shell."""

import argparse
import codecs
import csv
import io
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from pyroaring import BitMap
from redis import Redis
from redis.exceptions import LockError, RedisError

from services.risk_central import rules, store
from shared.contracts.risk_central import LoadReport, RejectedRow, RiskReport
from shared.errors import Conflict, Invalid
from shared.settings import settings

MAX_REJECTED_NAMED = 1000

_CHUNK = 50_000  # rows per change of the name index, which is read and written whole
_LOCK_SECONDS = 60.0
_TIMEOUT_SECONDS = 30.0  # a chunk's write may wait for the disk

Line = tuple[int, dict[str, str | None]]


class Loader:
    """One load of a file: what it has seen and counted so far."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._seen = BitMap()
        self._rejected: list[RejectedRow] = []
        self._read = self._rejections = 0
        self._created = self._updated = self._unchanged = 0

    def load(self, lines: Iterator[Line]) -> LoadReport:
        """Write all good rows, a chunk at a time, under the load's lock."""
        lock = self._redis.lock("risk:load", timeout=_LOCK_SECONDS, blocking_timeout=_LOCK_SECONDS)
        try:
            with lock:
                while chunk := list(islice(lines, _CHUNK)):
                    self._write(chunk)
                    lock.reacquire()
        except LockError:
            raise Conflict("Ya hay otra carga de riesgos en curso: espere a que termine.") from None
        return self.report()

    def report(self) -> LoadReport:
        """The counts up to now."""
        return LoadReport(
            read=self._read,
            created=self._created,
            updated=self._updated,
            unchanged=self._unchanged,
            rejected=self._rejections,
            rejected_rows=tuple(self._rejected),
        )

    def _write(self, chunk: list[Line]) -> None:
        self._read += len(chunk)
        reports = [report for line in chunk if (report := self._check(*line)) is not None]
        written = store.write_risks(self._redis, reports)
        self._created += written.created
        self._updated += written.updated
        self._unchanged += written.unchanged

    def _check(self, line: int, row: dict[str, str | None]) -> RiskReport | None:
        try:
            report = rules.parse_row(row)
        except ValueError as error:
            self._reject(line, str(error))
            return None
        number = int(report.cedula[:9])
        if number in self._seen:
            self._reject(line, "La cédula ya está en una fila anterior del archivo.")
            return None
        self._seen.add(number)
        return report

    def _reject(self, line: int, reason: str) -> None:
        self._rejections += 1
        if len(self._rejected) < MAX_REJECTED_NAMED:
            self._rejected.append(RejectedRow(line=line, reason=reason))


def load_file(redis: Redis, source: BinaryIO) -> LoadReport:
    """Load a seekable CSV file; loading it again changes nothing.

    Good rows count even when others are rejected. Raises Invalid when the file is no risk file,
    Conflict when another load does not end within a minute, RedisError.
    """
    return Loader(redis).load(_lines(source))


def _lines(source: BinaryIO) -> Iterator[Line]:
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
    finally:
        text.detach()


def _encoding(source: BinaryIO) -> str:
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
            report = load_file(store.connect(settings().redis_url, _TIMEOUT_SECONDS), source)
    except (OSError, RedisError, Invalid, Conflict) as error:
        sys.exit(f"{path}: {error}")
    sys.stdout.write(report.model_dump_json() + "\n")


if __name__ == "__main__":
    main()
