"""The import of customer files: whatever the file, the counts add up and nothing comes twice."""

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from infra.demo.customers import COLUMNS, customers, mixed_rows
from infra.demo.generate_defects import DEFECTS
from services.customer_query import jobs
from services.customer_query.import_load import CustomerLoad, CustomerSink
from services.customer_query.models import Consent, Customer, Import
from tests.databases import outbox_of
from tests.jobs.customer_query.conftest import Importer, Sessions, to_csv

ROWS = list(customers(40, seed=11))
HEADER = ("cedula", "nombres", "apellidos", "email", "acepta_correo")
ANA = ("1710034065", "Ana Lucía", "Zambrano Ñauta", "ana@correo.example", "sí")
# Of each way a row goes wrong: what the reason says.
REASONS = {
    "wrong check digit": "cedula:",
    "missing given names": "nombres:",
    "missing surnames": "apellidos:",
    "impossible birth date": "fecha_nacimiento:",
    "unknown province": "provincia:",
    "canton of another province": "canton:",
    "bad e-mail": "email:",
    "negative income": "ingresos:",
    "unknown gender": "genero:",
    "repeated cédula": "cedula: Está repetida",
}


def lines(rows: list[dict[str, str]]) -> list[list[str]]:
    return [[row[name] for name in COLUMNS] for row in rows]


def text_of(rows: list[dict[str, str]], separator: str = ",") -> str:
    return to_csv(COLUMNS, lines(rows), separator)


def adds_up(job: Import) -> bool:
    return job.read == job.created + job.updated + job.unchanged + job.rejected


def stored(people: Sessions) -> dict[str, Customer]:
    with people() as session:
        return {item.cedula: item for item in session.execute(select(Customer)).scalars()}


# --- formats ---


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_any_usual_encoding_and_separator_is_read(
    importer: Importer, people: Sessions, encoding: str, separator: str
) -> None:
    job = importer.read(to_csv(HEADER, [ANA], separator).encode(encoding))
    assert (job.state, job.created, job.rejected) == ("done", 1, 0)
    assert stored(people)["1710034065"].last_names == "Zambrano Ñauta"


@pytest.mark.parametrize("name", ["clientes.csv", "clientes.xlsx"])
def test_the_demos_files_are_read_whole(
    importer: Importer, people: Sessions, file_of: Callable[..., bytes], name: str
) -> None:
    job = importer.read(file_of(name, ROWS), f".{name.partition('.')[2]}")
    assert (job.state, job.read, job.created, job.percent) == ("done", 40, 40, 100)
    found = stored(people)
    for row in ROWS:
        person = found[row["cedula"]]
        assert (person.first_names, person.last_names) == (row["nombres"], row["apellidos"])
        assert person.birth_on is not None
        assert person.birth_on.isoformat() == row["fecha_nacimiento"]
        assert person.income == Decimal(row["ingresos"])
        assert person.consent_mail == (row["acepta_correo"] == "sí")


@pytest.mark.parametrize(
    ("content", "suffix", "message"),
    [
        (b"\x89PNG\x00\x00\x00", ".csv", "no es CSV ni XLSX"),
        (b"una sola columna\nx\n", ".csv", "no es una tabla"),
        (b"", ".csv", "vac"),
        (b"PK\x03\x04 no es un libro", ".xlsx", "dañado"),
        (b"nombre,color\nAna,azul\n", ".csv", "Faltan columnas obligatorias: cedula, apellidos"),
        (b'cedula,nombres,apellidos\n"' + b"x" * 200_000 + b"\n", ".csv", "dañado"),
    ],
)
def test_a_file_that_is_no_table_fails_with_the_reason(
    importer: Importer, people: Sessions, content: bytes, suffix: str, message: str
) -> None:
    job = importer.read(content, suffix)
    assert job.state == "failed"
    assert job.error is not None
    assert message in job.error
    assert job.finished_at is not None
    assert stored(people) == {}


def test_columns_may_be_mapped_by_hand(importer: Importer, people: Sessions) -> None:
    content = to_csv(("A", "B", "C"), [ANA[:3]]).encode()
    mapping = {"cedula": "A", "first_names": "B", "last_names": "C"}
    job = importer.read(content, mapping=mapping)
    assert (job.created, job.mapping, job.columns) == (1, mapping, ["A", "B", "C"])
    assert "1710034065" in stored(people)


# --- rejected rows ---


def test_every_defect_is_rejected_with_its_reason(importer: Importer, people: Sessions) -> None:
    mixed = list(mixed_rows(30, 2 * len(DEFECTS), seed=4))
    job = importer.read(text_of([row for _, row in mixed]).encode())
    assert adds_up(job)
    assert (job.created, job.rejected) == (30, 2 * len(DEFECTS))
    assert len(stored(people)) == 30
    rejected = importer.rejected(job)
    wrong = [(name, row) for name, row in mixed if name]
    for (name, row), told in zip(wrong, rejected, strict=True):
        assert REASONS[name] in told["motivo"]
        assert told["cedula"] == row["cedula"]


def test_a_rejected_row_stands_as_it_was_and_no_formula_is_harmful(importer: Importer) -> None:
    rows = [["0000000000", '=cmd|"/c calc"!A1', "Mora, de la", "", ""], ["1", "Luz"]]
    job = importer.read(to_csv(HEADER, rows).encode())
    first, second = importer.rejected(job)
    assert first["apellidos"] == "Mora, de la"
    assert first["nombres"].startswith("'=")
    assert (second["cedula"], second["nombres"], second["email"]) == ("1", "Luz", "")


def test_no_file_of_rejected_rows_without_one(importer: Importer) -> None:
    assert importer.read(to_csv(HEADER, [ANA]).encode()).rejected_key is None


# --- again ---


def test_the_same_file_again_changes_nothing(importer: Importer, people: Sessions) -> None:
    content = text_of(ROWS).encode()
    importer.read(content)
    again = importer.read(content)
    assert (again.created, again.updated, again.unchanged, again.rejected) == (0, 0, 40, 0)
    assert len(stored(people)) == 40


def test_a_known_person_is_updated_and_empty_cells_say_nothing(
    importer: Importer, people: Sessions
) -> None:
    importer.read(to_csv(HEADER, [ANA]).encode())
    job = importer.read(to_csv(HEADER, [(ANA[0], "Ana", "Paz", "", "")]).encode())
    assert (job.created, job.updated) == (0, 1)
    person = stored(people)[ANA[0]]
    assert (person.first_names, person.email) == ("Ana", "ana@correo.example")
    assert person.consent_mail is True
    assert person.search == "paz ana"
    assert (person.version, person.changed_by) == (2, "Una importación")
    assert importer.read(to_csv(HEADER, [(ANA[0], "Ana", "Paz", "", "")]).encode()).unchanged == 1
    assert stored(people)[ANA[0]].version == 2


def said_of_people(people: Sessions) -> list[tuple[str, dict[str, Any]]]:
    """What other rooms hear; pages and whoever began the import hear more."""
    own = ("import_moved", "notice_requested")
    return [item for item in outbox_of(people) if item[0] not in own]


def test_the_one_who_began_it_is_told_of_the_end(importer: Importer, people: Sessions) -> None:
    job = importer.read(to_csv(HEADER, [ANA]).encode())
    told_name = "notice_requested"
    told = dict(outbox_of(people))[told_name]
    assert (told["usernames"], told["link"]) == (
        [job.created_by],
        f"/clientes/importaciones/{job.id}",
    )
    assert (told["title"].split()[0], told["detail"]) == ("Terminó", "Nuevos: 1.")
    importer.read(to_csv(HEADER, [ANA]).encode())
    references = [said["reference"] for name, said in outbox_of(people) if name == told_name]
    assert len(references) == len(set(references)) == 2  # each end is a notice of its own


def test_consents_go_into_the_ledger_and_changes_are_announced(
    importer: Importer, people: Sessions
) -> None:
    importer.read(to_csv(HEADER, [ANA]).encode())
    assert said_of_people(people) == []
    importer.read(to_csv(HEADER, [(*ANA[:4], "no")]).encode())
    with people() as session:
        given = select(Consent.channel, Consent.given, Consent.how).order_by(Consent.id)
        assert session.execute(given).all() == [
            ("mail", True, "importación"),
            ("mail", False, "importación"),
        ]
    [(event, payload)] = said_of_people(people)
    assert event == "contact_states_changed"
    assert str(payload).count("no_consent") >= 1


def test_a_dry_run_tells_the_same_and_writes_nothing(importer: Importer, people: Sessions) -> None:
    rows = [row for _, row in mixed_rows(20, 5, seed=6)]
    content = text_of(rows).encode()
    dry = importer.read(content, dry_run=True)
    assert stored(people) == {}
    assert said_of_people(people) == []
    with people() as session:
        assert session.execute(select(func.count()).select_from(Consent)).scalar_one() == 0
    real = importer.read(content)
    assert (dry.read, dry.created, dry.rejected) == (real.read, real.created, real.rejected)
    assert len(importer.rejected(dry)) == 5


# --- crashes and crowds ---


class Killed(BaseException):
    """The worker is gone."""


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("committed", [True, False])
def test_a_worker_that_dies_is_followed_by_one_that_goes_on(
    importer: Importer,
    people: Sessions,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
    committed: bool,  # dies after the batch's commit, or before it
) -> None:
    rows = [row for _, row in mixed_rows(25, 10, seed=8)]
    import_id = importer.add(text_of(rows).encode())
    monkeypatch.setattr(CustomerLoad, "batch", 10)
    name = "write" if committed else "store"
    works, calls = getattr(CustomerSink, name), iter(range(100))

    def dying(*args: Any) -> Any:
        done = works(*args)
        if next(calls) == after:
            raise Killed
        return done

    monkeypatch.setattr(CustomerSink, name, dying)
    with pytest.raises(Killed):
        jobs.import_file(import_id)
    monkeypatch.setattr(CustomerSink, name, works)
    assert importer.get(import_id).state == "running"
    jobs.import_file(import_id)
    job = importer.get(import_id)
    assert (job.state, job.read, job.created, job.rejected) == ("done", 35, 25, 10)
    assert len(stored(people)) == 25
    assert len(importer.rejected(job)) == 10


def test_a_finished_import_is_not_read_again(importer: Importer) -> None:
    job = importer.read(to_csv(HEADER, [ANA]).encode())
    jobs.import_file(job.id)
    assert importer.get(job.id).read == 1


def at_once(*works: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def test_two_workers_with_the_same_import_count_each_row_once(
    importer: Importer, people: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CustomerLoad, "batch", 20)
    rows = [row for _, row in mixed_rows(180, 20, seed=9)]
    import_id = importer.add(text_of(rows).encode())
    at_once(lambda: jobs.import_file(import_id), lambda: jobs.import_file(import_id))
    job = importer.get(import_id)
    assert (job.state, job.read, job.created, job.rejected) == ("done", 200, 180, 20)
    assert len(stored(people)) == 180


def test_two_files_with_the_same_people_at_once_make_each_person_once(
    importer: Importer, people: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CustomerLoad, "batch", 20)
    rows = list(customers(120, seed=10))
    first = importer.add(text_of(rows).encode())
    second = importer.add(text_of(rows[::-1]).encode())
    at_once(lambda: jobs.import_file(first), lambda: jobs.import_file(second))
    done = [importer.get(import_id) for import_id in (first, second)]
    assert all(job.state == "done" and adds_up(job) for job in done)
    assert sum(job.created for job in done) == 120
    assert len(stored(people)) == 120
