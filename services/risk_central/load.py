"""The bureau's file as a load: what the kit reads, this room compares with Redis and writes there.

`python -m services.risk_central.load FILE.csv` loads a file from a shell.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, Any

from redis import Redis
from redis.exceptions import LockError, RedisError
from redis.lock import Lock
from sqlalchemy.orm import Session

from services.risk_central import loads, rules, store
from shared import clock, outbox
from shared.contracts.risk_central import (
    CategoryNews,
    LoadReport,
    RejectedRow,
    RiskReport,
    RisksChanged,
)
from shared.errors import Conflict, Invalid
from shared.loads.fields import map_columns
from shared.loads.load import Batch, Checker, Load, Outcome, Sink
from shared.loads.sources import source_of
from shared.settings import settings

MAX_REJECTED_NAMED = 1000
TIMEOUT_SECONDS = 30.0  # a chunk's write may wait for the disk
EVENT_BATCH = 500

_LOCK_SECONDS = 60.0


class RiskSink(Sink[RiskReport]):
    """Compares with Redis and announces in the batch's transaction, writes after it."""

    def __init__(self, redis: Redis, lock: Lock) -> None:
        self._redis, self._lock = redis, lock
        self._changes = store.Changes([], 0)

    def store(self, session: Session, job: Any, rows: list[RiskReport]) -> Outcome:
        """A load that dies before its write compares and writes this batch again."""
        del job
        outcome = self.compare(rows)
        _announce(session, self._changes.list_new_categories())
        return outcome

    def compare(self, rows: list[RiskReport]) -> Outcome:
        """What writing these would change; kept for `write`."""
        self._changes = store.compare(self._redis, rows)
        changes = self._changes
        return Outcome(changes.created, changes.updated, changes.unchanged)

    def write(self) -> None:
        """Write what was compared."""
        store.write(self._redis, self._changes)
        self._changes = store.Changes([], 0)
        self._lock.reacquire()

    def write_again(self, rows: list[RiskReport]) -> None:
        """Persons who are as they should be are not touched."""
        self.compare(rows)
        self.write()


def _announce(session: Session, reports: Sequence[RiskReport]) -> None:
    now = clock.now()
    news = [CategoryNews(cedula=item.cedula, category=item.category) for item in reports]
    for start in range(0, len(news), EVENT_BATCH):
        outbox.add(session, RisksChanged(at=now, risks=news[start : start + EVENT_BATCH]))


class RiskLoad(Load[RiskReport]):
    """Persons by cédula, each once in a file, which is read to its end before any is loaded."""

    task = "risk_central.load_file"
    ledger = loads.ledger
    fields = rules.FIELDS
    batch = 50_000  # rows per change of the name index, which is read and written whole
    whole = True
    numbered = True

    def check(self, values: dict[str, Any], today: date) -> dict[str, Any]:
        """All that is wrong with a report at once."""
        del today
        return {"report": rules.check_report(values)}

    def complete(self, values: dict[str, Any], today: date) -> RiskReport:
        """The report."""
        del today
        report: RiskReport = values["report"]
        return report

    def key(self, row: RiskReport) -> int:
        """The cédula."""
        return int(row.cedula)

    @contextmanager
    def sink(self, mapping: Mapping[str, str]) -> Iterator[RiskSink]:
        """One load at a time. Raises ConnectionError when another does not end in time."""
        del mapping
        redis = store.connect(settings().redis_url, TIMEOUT_SECONDS)
        try:
            with alone(redis) as sink:
                yield sink
        except Conflict as error:
            raise ConnectionError(str(error)) from error
        finally:
            redis.close()


RISKS = RiskLoad()


@contextmanager
def alone(redis: Redis) -> Iterator[RiskSink]:
    """Hold the load's lock. Raises Conflict when another load does not end within a minute."""
    lock = redis.lock(store.lock_key(), timeout=_LOCK_SECONDS, blocking_timeout=_LOCK_SECONDS)
    try:
        with lock:
            yield RiskSink(redis, lock)
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
    with source_of(stream) as source, alone(redis) as sink:
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
