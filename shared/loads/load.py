"""How a room says what it loads: which fields, what a good row is, what becomes of it.

class CustomerLoad(Load[Customer]):
    task, ledger, fields = "customer_query.import_file", imports, FIELDS

    def complete(self, values): ...            # values by field → a row to store
    def sink(self, mapping): ...               # where rows go: an object with `store`

CUSTOMERS = CustomerLoad()

@jobs.job(CUSTOMERS.task, failed=CUSTOMERS.fail)
def import_file(import_id: int) -> None:
    work.run(CUSTOMERS, import_id)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any, ClassVar, Generic, TypeVar

from pyroaring import BitMap64
from sqlalchemy.orm import Session

from shared import clock
from shared.bounds import printable
from shared.contracts.loads import PreviewRow
from shared.errors import Invalid
from shared.loads.fields import Cells, Field
from shared.loads.ledger import Ledger
from shared.loads.sources import Line

R = TypeVar("R")
REPEATED = "Está repetida en el archivo: ya está en una fila anterior."


@dataclass(frozen=True)
class Outcome:
    """What a batch did to the room."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0


class Sink(Generic[R]):
    """Where the rows of one run go."""

    def store(self, session: Session, job: Any, rows: list[R]) -> Outcome:
        """Store a batch, in the transaction in which it is counted; `job`, the load, is locked.

        Rows that stand outside of the room's database are only compared here, and written by
        `write`.
        """
        raise NotImplementedError

    def write(self) -> None:
        """Write outside of the database what `store` compared, after that was committed."""

    def write_again(self, rows: list[R]) -> None:
        """Write the last batch of an earlier run, which may have died before its `write`."""

    def end(self, session: Session, job: Any) -> None:
        """What is left when all rows are stored, in the transaction in which the load ends.

        It may come twice. Raises Invalid.
        """

    def ended(self) -> None:
        """After that was committed; whoever dies before it leaves only what is not needed."""


@dataclass(frozen=True)
class Reject:
    """A row that is not loaded: its line in the file, what stood there, and why."""

    line: int
    cells: list[str]
    reason: str


@dataclass(frozen=True)
class Batch(Generic[R]):
    """Lines that were read: rows to store, and those that are wrong."""

    read: int
    rows: list[R]
    rejects: list[Reject]


class Load(Generic[R]):
    """A kind of file and what a room makes of its rows."""

    task: ClassVar[str]  # the job that reads it: `<room>.<verb>…`
    ledger: ClassVar[Ledger[Any]]
    fields: ClassVar[Sequence[Field]]
    batch: ClassVar[int] = 1000  # rows a transaction
    whole: ClassVar[bool] = False  # read to its end before anything of it is stored
    numbered: ClassVar[bool] = False  # the file of rejected rows has a column `linea`
    hopeless: ClassVar[tuple[str, ...]] = ("file",)  # wrong there, and it fails however often

    def check(self, values: dict[str, Any], today: date) -> dict[str, Any]:
        """The values normalised and compared with each other. Raises Invalid by field.

        Fields whose text was wrong are missing.
        """
        del today
        return values

    def complete(self, values: dict[str, Any], today: date) -> R:
        """The row to store. Raises ValueError."""
        raise NotImplementedError

    def key(self, row: R) -> int | None:
        """A number that may come once in a file; None where any row may."""
        del row
        return None

    def sink(self, mapping: Mapping[str, str], load_id: int) -> AbstractContextManager[Sink[R]]:
        """Where the rows of a run go; entered before it asks how far the load is."""
        raise NotImplementedError

    def keeps(self, job: Any) -> bool:
        """Whether what was read before a failure counts."""
        return not job.dry_run

    def drop(self, load_id: int) -> None:
        """Take away what a cancelled load has written outside of the database."""

    def fail(self, reason: str, load_id: int, *, unreadable: bool = False) -> None:
        """The load ends as failed; what was loaded before stays. For `failed=` of the job."""
        with self.ledger.begin(load_id) as (session, job):
            if job.finished_at is None:
                self.ledger.end_failed(session, job, reason, self, unreadable=unreadable)


class Checker(Generic[R]):
    """Sorts lines into good rows and rejects; a key counts once in a file."""

    def __init__(self, load: Load[R], header: Sequence[str], mapping: Mapping[str, str]) -> None:
        self._load = load
        self._cells = Cells(load.fields, header, mapping)
        self._labels = {field.name: field.label for field in load.fields}
        self._once = next((f.label for f in load.fields if f.column.required), "")
        self._seen = BitMap64()
        self._today = clock.today()

    def batches(self, lines: Iterator[Line]) -> Iterator[Batch[R]]:
        """The lines checked, so many at a time as the load stores."""
        while (batch := self.check(islice(lines, self._load.batch))).read:
            yield batch
            del batch  # one at a time in memory

    def check(self, lines: Iterable[Line]) -> Batch[R]:
        """A batch of them."""
        rows: list[R] = []
        rejects: list[Reject] = []
        for line, cells in lines:
            try:
                rows.append(self.read(cells))
            except ValueError as error:
                rejects.append(Reject(line, cells, str(error)))
        return Batch(len(rows) + len(rejects), rows, rejects)

    def read(self, cells: Sequence[str]) -> R:
        """The row of a line. Raises ValueError with all that is wrong, in Spanish."""
        self._cells.check(cells)
        values, wrong = self._cells.parse(cells)
        try:
            values = self._load.check(values, self._today)
        except Invalid as error:
            for item in error.fields:
                wrong.setdefault(item.field, item.message)
        if wrong:
            told = (f"{self._labels.get(name, name)}: {text}" for name, text in wrong.items())
            raise ValueError(" ".join(told))
        row = self._load.complete(values, self._today)
        self._note(row)
        return row

    def preview(self, line: Line) -> PreviewRow:
        """How a line will be read: its values by field, and why it would be rejected."""
        number, cells = line
        reason = None
        try:
            self.read(cells)
        except ValueError as error:
            reason = printable(str(error))
        return PreviewRow(line=number, values=self._cells.shown(cells), reason=reason)

    def _note(self, row: R) -> None:
        key = self._load.key(row)
        if key is None:
            return
        if key in self._seen:
            raise ValueError(f"{self._once}: {REPEATED}")
        self._seen.add(key)
