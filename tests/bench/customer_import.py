"""A customer file read by the product's own job, against psql copying the same file as it is.

`N=200000` customers by default; memory is that of the process that reads.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2

from infra.demo.customers import COLUMNS, write_file
from infra.native import environment, servers
from tests.bench.figure import Figure

_JOB = "tests.bench.customer_import"


def run() -> list[Figure]:
    """Two figures: rows a second of new people, and of the same file again."""
    customers = int(os.environ.get("N", "200000"))
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.running(environment.given(), durable=True) as settings,
    ):
        path = Path(folder) / "clientes.csv"
        write_file(str(path), good=customers, bad=customers // 100)
        done = _measured(settings, path)
        limit = customers / _psql(settings, path)
    against = f"psql \\copy of the same file: {limit:.0f} rows/s, {customers} customers"
    return [
        Figure(f"customer_import{what}", rate, "rows/s", round(rate / limit, 3), against)
        for what, rate in zip(("", "_again"), done[:2], strict=True)
    ] + [Figure("customer_import_memory", done[2], "MB", None, None)]


def _measured(settings: dict[str, str], path: Path) -> list[int]:
    """In a process of its own, whose settings are those of the servers."""
    command = [sys.executable, "-W", "ignore", "-m", _JOB, str(path)]
    environ = {**os.environ, **settings}
    done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    return [int(figure) for figure in done.stdout.split()]


def _psql(settings: dict[str, str], path: Path) -> float:
    """Into a table of texts with the same indexes on cédula, e-mail and phone."""
    server = settings["PREGON_DATABASE_URL"].rstrip("/")
    database = f"{server}/{settings['PREGON_NAMESPACE']}_customer_query"
    columns = ", ".join(f"{name} text" for name in COLUMNS)
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE peer ({columns})")
        for name in ("cedula", "email", "telefono"):
            cursor.execute(f"CREATE INDEX ON peer ({name})")
    started = time.monotonic()
    copy = f"\\copy peer from '{path}' with (format csv, header)"
    subprocess.run(["psql", database, "-Xqc", copy], check=True)
    return time.monotonic() - started


def _read(path: Path) -> Iterator[int]:
    from services.customer_query import imports, jobs
    from shared import files
    from shared.contracts.customer_query import NewImport
    from shared.loads import work
    from tests.databases import emptied

    people = emptied("customer_query")
    work.TURN_SECONDS = float("inf")
    for _ in range(2):
        with path.open("rb") as source, people.begin() as session:
            new = NewImport(file_key=files.put(source, ".csv"), file_name=path.name)
            job = imports.insert_import(session, new, "jefe").id
        started = time.monotonic()
        jobs.import_file(job)
        seconds = time.monotonic() - started
        with people() as session:
            found = imports.ledger.get(session, job)
            if found.state != "done":
                raise ValueError(found.error)
            yield round(found.read / seconds)
    yield resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


if __name__ == "__main__":
    print(*_read(Path(sys.argv[1])))
