"""The bureau's file as a load: what the kit reads, this room compares with Redis and writes there.

`python -m services.risk_central.load FILE.csv` loads a file from a shell.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, Any

from redis import Redis
from redis.exceptions import LockError, RedisError
from redis.lock import Lock

from services.risk_central import editions, loads, rules, store
from services.risk_central.sinks import DryRun, FullSink, RiskSink
from shared.contracts.risk_central import LoadReport, RejectedRow, RiskReport
from shared.errors import Conflict, Invalid
from shared.loads.fields import map_columns
from shared.loads.load import Batch, Checker, Load, Outcome
from shared.loads.sources import source_of
from shared.settings import settings

MAX_REJECTED_NAMED = 1000
TIMEOUT_SECONDS = 30.0  # a chunk's write may wait for the disk
_LOCK_SECONDS = 60.0


class RiskLoad(Load[RiskReport]):
    """Persons by cédula, each once in a file, which is read to its end before any is loaded."""

    task = loads.TASK
    ledger = loads.ledger
    fields = rules.FIELDS
    batch = 50_000  # rows per change of the name index, which is read and written whole
    whole = True
    numbered = True
    hopeless = ("file", "mapping")  # nobody chooses columns here

    def check(self, values: dict[str, Any], today: date) -> dict[str, Any]:
        """All that is wrong with a report at once."""
        return {"report": rules.check_report(values, today)}

    def complete(self, values: dict[str, Any], today: date) -> RiskReport:
        """The report."""
        del today
        report: RiskReport = values["report"]
        return report

    def key(self, row: RiskReport) -> int:
        """The cédula."""
        return int(row.cedula)

    @contextmanager
    def sink(self, mapping: Mapping[str, str], load_id: int) -> Iterator[RiskSink]:
        """One load at a time. Raises ConnectionError when another does not end in time."""
        del mapping
        with self.ledger.begin(load_id) as (session, job):
            if loads.is_behind_another(session, load_id):
                raise ConnectionError("Una carga completa anterior sigue en curso.")
            kind, dry_run = (FullSink if job.full else RiskSink), bool(job.dry_run)
        with _connected() as redis:
            try:
                with alone(redis) as lock:
                    yield DryRun(redis, lock) if dry_run else kind(redis, lock)
            except Conflict as error:
                raise ConnectionError(str(error)) from error

    def keeps(self, job: Any) -> bool:
        """A full load counts when it has ended, or not at all."""
        return super().keeps(job) and not job.full

    def drop(self, load_id: int) -> None:
        """Of a full load, the edition that nobody has asked."""
        with self.ledger.begin(load_id) as (_, job):
            is_full = bool(job.full)
        if is_full:
            with _connected() as redis, alone(redis):
                editions.drop(redis, editions.name_of(load_id))


RISKS = RiskLoad()


@contextmanager
def _connected() -> Iterator[Redis]:
    redis = store.connect(settings().redis_url, TIMEOUT_SECONDS)
    try:
        yield redis
    finally:
        redis.close()


@contextmanager
def alone(redis: Redis) -> Iterator[Lock]:
    """Hold the load's lock. Raises Conflict when another load does not end within a minute."""
    lock = redis.lock(store.lock_key(), timeout=_LOCK_SECONDS, blocking_timeout=_LOCK_SECONDS)
    try:
        with lock:
            yield lock
    except LockError:
        raise Conflict("Ya hay otra carga de riesgos en curso: espere a que termine.") from None


def load_file(redis: Redis, stream: IO[bytes]) -> LoadReport:
    """Load a seekable file without a database, announcing nothing; again, it changes nothing.

    Good rows count even when others are rejected. Raises Invalid when the file is no risk file or
    breaks, before anything is loaded; Conflict when another load does not end within a minute;
    RedisError.
    """
    with source_of(stream) as source:
        for _ in source.lines:
            pass
    stream.seek(0)
    report = LoadReport()
    with source_of(stream) as source, alone(redis) as lock:
        sink = RiskSink(redis, lock)
        mapping = map_columns(RISKS.fields, source.header, None)
        for batch in Checker(RISKS, source.header, mapping).batches(source.lines):
            outcome = sink.compare(batch.rows)
            sink.write()
            report = _added(report, batch, outcome)
    return report


def _added(now: LoadReport, batch: Batch[RiskReport], outcome: Outcome) -> LoadReport:
    named = [RejectedRow(line=item.line, reason=item.reason) for item in batch.rejects]
    return LoadReport(
        read=now.read + batch.read,
        created=now.created + outcome.created,
        updated=now.updated + outcome.updated,
        unchanged=now.unchanged + outcome.unchanged,
        rejected=now.rejected + len(batch.rejects),
        rejected_rows=(*now.rejected_rows, *named)[:MAX_REJECTED_NAMED],
    )


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
