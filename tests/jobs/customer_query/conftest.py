"""Customer files, read by the real job into the real database."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from services.customer_query import imports, jobs
from services.customer_query.models import Import
from shared import files
from shared.contracts.customer_query import NewImport

Sessions = sessionmaker[Session]


@pytest.fixture
def people(database: Callable[[str], Sessions]) -> Sessions:
    """The empty database of customer_query."""
    return database("customer_query")


class Importer:
    """Stores a file and has it read."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def add(self, content: bytes, suffix: str = ".csv", **options: Any) -> int:
        """An import that waits for a worker."""
        key = files.put(io.BytesIO(content), suffix)
        new = NewImport(file_key=key, file_name=f"clientes{suffix}", **options)
        with self._sessions.begin() as session:
            return imports.insert_import(session, new, "jefe").id

    def read(self, content: bytes, suffix: str = ".csv", **options: Any) -> Import:
        """The import after the worker is done."""
        import_id = self.add(content, suffix, **options)
        jobs.import_file(import_id)
        return self.get(import_id)

    def get(self, import_id: int) -> Import:
        """As it stands."""
        with self._sessions() as session:
            return imports.ledger.get(session, import_id)

    def rejected(self, job: Import) -> list[dict[str, str]]:
        """The file of the rejected rows."""
        assert job.rejected_key
        with files.open_key(job.rejected_key) as source:
            text = source.read().decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text), delimiter=";"))


@pytest.fixture
def importer(people: Sessions) -> Importer:
    """Imports into the empty database."""
    return Importer(people)


def to_csv(header: Sequence[str], rows: Sequence[Sequence[str]], separator: str = ",") -> str:
    """A file's text."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerows([header, *rows])
    return text.getvalue()


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[..., bytes]:
    """`file_of("x.xlsx", rows)`: bytes of a file as the demo's generator writes it."""
    from infra.demo.customers import COLUMNS
    from infra.demo.generate_file import write_rows

    def write(name: str, rows: Sequence[Any]) -> bytes:
        path = tmp_path / name
        write_rows(str(path), COLUMNS, iter(rows), total=len(rows))
        return path.read_bytes()

    return write
