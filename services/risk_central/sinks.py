"""Where the rows of a risk file go: to the persons there are, a new edition, or nowhere."""

from collections.abc import Iterable, Iterator
from typing import Any

from redis import Redis
from redis.lock import Lock
from sqlalchemy.orm import Session

from services.risk_central import editions, loads, store
from shared import clock, outbox
from shared.contracts.risk_central import CategoryNews, RiskReport, RisksChanged
from shared.ecuador.money import format_number
from shared.errors import Invalid
from shared.loads.load import Outcome, Sink

EVENT_BATCH = 500
CARRIED = 1000
HELD = 5000  # buckets between two signs of life
MOST_FROM = 100  # persons; fewer may go without a question


class RiskSink(Sink[RiskReport]):
    """Compares with Redis and announces in the batch's transaction, writes after it."""

    def __init__(self, redis: Redis, lock: Lock) -> None:
        self._redis, self._lock = redis, lock
        self._changes = store.Changes([], 0)

    def store(self, session: Session, job: Any, rows: list[RiskReport]) -> Outcome:
        """A load that dies before its write compares and writes this batch again."""
        del job
        outcome = self.compare(rows)
        news = self._changes.list_new_categories()
        _announce(session, (CategoryNews(cedula=r.cedula, category=r.category) for r in news))
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


class FullSink(RiskSink):
    """Writes all into an edition that nobody asks yet; the load's end makes it the current one."""

    def __init__(self, redis: Redis, lock: Lock) -> None:
        super().__init__(redis, lock)
        self._edition, self._before = "", editions.current(redis)
        self._rows: list[RiskReport] = []

    def store(self, session: Session, job: Any, rows: list[RiskReport]) -> Outcome:
        """Counted against the current edition, which stays as it is until the end."""
        del session
        self._edition = editions.name_of(job.id)
        if not job.read:
            editions.drop_unfinished(self._redis, keep="")
        self._rows = rows
        return self.compare(rows)

    def write(self) -> None:
        """Into the new edition."""
        store.write_whole(self._redis, self._edition, self._rows)
        self._rows = []
        self._lock.reacquire()

    def write_again(self, rows: list[RiskReport]) -> None:
        """Persons who are in it already are written as they are."""
        self._rows = rows

    def end(self, session: Session, job: Any) -> None:
        """Take over who was rejected, announce what differs, and switch. Raises Invalid."""
        self._edition = editions.name_of(job.id)
        self._before = editions.note_before(self._redis, self._edition)
        _check_whole(job, editions.count(self._redis, self._edition))
        self._carry_over(loads.rejected_cedulas(session, job))
        removed = list(self._removed())
        job.removed = len(removed)
        _check_most(job, editions.count(self._redis, self._before))
        _announce(session, self._news())
        _announce(session, (CategoryNews(cedula=item, category=None) for item in removed))
        editions.switch(self._redis, self._edition)

    def ended(self) -> None:
        """Let the earlier edition go."""
        editions.retire(self._redis, self._before)

    def _carry_over(self, cedulas: list[str]) -> None:
        """Whoever is in the file with a wrong row is not gone."""
        for start in range(0, len(cedulas), CARRIED):
            part = cedulas[start : start + CARRIED]
            written = {r.cedula for r in store.list_risks(self._redis, part, self._edition)}
            missing = [cedula for cedula in part if cedula not in written]
            before = store.list_risks(self._redis, missing, self._before)
            store.write_whole(self._redis, self._edition, before)

    def _removed(self) -> Iterator[str]:
        for digits, before, now in self._beside(self._before, self._edition):
            yield from (store.cedula_of(digits + rest.decode()) for rest in before.keys() - now)

    def _news(self) -> Iterator[CategoryNews]:
        for digits, now, before in self._beside(self._edition, self._before):
            for rest, packed in now.items():
                if rest not in before or before[rest][0] != packed[0]:
                    cedula = store.cedula_of(digits + rest.decode())
                    yield CategoryNews(cedula=cedula, category=store.category_of(packed))

    def _beside(self, edition: str, other: str) -> Iterator[editions.Bucket]:
        """As `editions.beside`, for as long as it takes."""
        for number, bucket in enumerate(editions.beside(self._redis, edition, other)):
            if number % HELD == 0:
                self._lock.reacquire()
            yield bucket


class DryRun(RiskSink):
    """Compares and counts; nothing is announced or written."""

    def store(self, session: Session, job: Any, rows: list[RiskReport]) -> Outcome:
        """As it would be counted."""
        del session, job
        return self.compare(rows)

    def write(self) -> None:
        """Nothing; but the lock is still needed."""
        self._lock.reacquire()

    def end(self, session: Session, job: Any) -> None:
        """Who would be gone: all but those in the file, rightly or wrongly."""
        if not job.full:
            return
        kept = store.list_risks(self._redis, loads.rejected_cedulas(session, job))
        here = editions.count(self._redis, editions.current(self._redis))
        job.removed = here - job.updated - job.unchanged - len(kept)


def _check_whole(job: Any, written: int) -> None:
    good = job.created + job.updated + job.unchanged
    if not good:
        text = "El archivo completo no tiene ninguna fila buena: no se cambió nada."
        raise Invalid.field("file", text)
    if written < good:
        raise Invalid("Otra carga completa ocurrió entretanto: léalo otra vez.")


def _check_most(job: Any, before: int) -> None:
    """A file that was cut looks like one of whom most are gone."""
    if job.removed > max(MOST_FROM, before // 2) and not job.removes_most:
        removed, before_it = format_number(job.removed), format_number(before)
        text = (
            f"El archivo completo quitaría a {removed} de {before_it} personas: no se cambió nada. "
            "Revise que no esté cortado. Si es correcto, marque «Puede quitar a más de la mitad» "
            "y léalo otra vez."
        )
        raise Invalid.field("removes_most", text)


def _announce(session: Session, news: Iterable[CategoryNews]) -> None:
    now, batch = clock.now(), list[CategoryNews]()
    for item in news:
        batch.append(item)
        if len(batch) == EVENT_BATCH:
            outbox.add(session, RisksChanged(at=now, risks=batch))
            batch = []
    if batch:
        outbox.add(session, RisksChanged(at=now, risks=batch))
