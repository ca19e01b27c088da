"""The course of an import: shown before, cancelled, broken in the middle, remembered, mended."""

from typing import Any

import pytest
from sqlalchemy import func, select, update

from infra.demo.customers import COLUMNS, mixed_rows
from services.customer_query import imports, jobs
from services.customer_query.import_load import CustomerLoad, CustomerSink
from services.customer_query.models import Customer, Import, ImportReject
from shared import files
from shared.errors import Conflict
from shared.loads.load import Checker
from shared.loads.sources import Line
from tests.jobs.customer_query.conftest import Importer, Sessions, to_csv

HEADER = ("Documento", "Primero", "Segundo", "Nacido")
MAPPING = {"cedula": "Documento", "first_names": "Primero", "last_names": "Segundo"}
ANA = ("1710034065", "Ana", "Mora", "05/03/1990")
BAD = ("1710034066", "Eva", "Paz", "31/02/1990")


def count(people: Sessions, table: Any = Customer) -> int:
    with people() as session:
        return int(session.scalar(select(func.count()).select_from(table)) or 0)


def lines(good: int, bad: int, seed: int) -> list[list[str]]:
    return [[row[name] for name in COLUMNS] for _, row in mixed_rows(good, bad, seed)]


# --- seen before ---


def test_the_first_rows_are_shown_as_they_will_be_read_and_nothing_is_stored(
    importer: Importer, people: Sessions
) -> None:
    mapping = {**MAPPING, "birth_on": "Nacido"}
    content = to_csv(HEADER, [ANA, BAD] + [ANA] * 30).encode()
    job = importer.read(content, hold=True, mapping=mapping)
    assert (job.state, job.finished_at, job.read, job.mapping) == ("held", None, 0, mapping)
    assert len(job.preview) == 20
    first, second, third = job.preview[:3]
    assert (first["line"], first["reason"]) == (2, None)
    assert first["values"]["birth_on"] == "5 mar 1990"
    assert "fecha_nacimiento:" in second["reason"]
    assert "Está repetida" in third["reason"]
    assert count(people) == 0


def test_a_file_that_was_shown_goes_on_with_the_columns_chosen(
    importer: Importer, people: Sessions
) -> None:
    job = importer.read(to_csv(HEADER, [ANA]).encode(), hold=True, mapping=MAPPING)
    turned = MAPPING | {"first_names": "Segundo", "last_names": "Primero"}
    with people.begin() as session:
        held = imports.ledger.get(session, job.id, lock=True)
        imports.ledger.release(held, turned, dry_run=False, hold=False)
    jobs.import_file(job.id)
    done = importer.get(job.id)
    assert (done.state, done.created, done.preview) == ("done", 1, [])
    with people() as session:
        assert session.execute(select(Customer.first_names)).scalar_one() == "Mora"
        with pytest.raises(Conflict):
            imports.ledger.release(done, None, dry_run=False, hold=False)


def test_a_file_that_was_shown_and_not_answered_is_let_go_of_after_a_week(
    importer: Importer, people: Sessions
) -> None:
    content = to_csv(HEADER, [ANA]).encode()
    old, fresh = (importer.read(content, hold=True, mapping=MAPPING).id for _ in range(2))
    with people.begin() as session:
        eight_days_ago = func.now() - func.make_interval(0, 0, 0, 8)
        session.execute(update(Import).filter_by(id=old).values(created_at=eight_days_ago))
    jobs.update_categories()
    assert (importer.get(old).state, importer.get(old).preview) == ("cancelled", [])
    assert importer.get(fresh).state == "held"


# --- remembered ---


def test_columns_that_were_chosen_are_those_of_the_next_file_with_this_header(
    importer: Importer,
) -> None:
    content = to_csv(HEADER, [ANA]).encode()
    assert importer.read(content).state == "failed"
    importer.read(content, mapping=MAPPING)
    again = importer.read(to_csv([name.upper() for name in HEADER], [ANA]).encode())
    assert (again.state, again.unchanged) == ("done", 1)
    assert again.mapping["cedula"] == "DOCUMENTO"
    other = importer.read(to_csv((*HEADER, "Otra"), [(*ANA, "x")]).encode())
    assert other.state == "failed"


def test_the_columns_that_were_chosen_last_count(importer: Importer) -> None:
    content = to_csv(HEADER, [ANA]).encode()
    turned = MAPPING | {"first_names": "Segundo", "last_names": "Primero"}
    importer.read(content, mapping=MAPPING)
    importer.read(content, mapping=turned)
    assert importer.read(content).mapping == turned


# --- cancelled ---


def cancel(people: Sessions, import_id: int) -> bool:
    with people.begin() as session:
        return imports.ledger.cancel(imports.ledger.get(session, import_id, lock=True))


def test_an_import_that_is_cancelled_stops_and_what_was_done_counts(
    importer: Importer, people: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CustomerLoad, "batch", 10)
    import_id = importer.add(to_csv(COLUMNS, lines(40, 10, seed=8)).encode())
    written: list[int] = []

    def write(_: Any) -> None:
        written.append(1)
        if len(written) == 2:
            assert cancel(people, import_id)

    monkeypatch.setattr(CustomerSink, "write", write)
    jobs.import_file(import_id)
    job = importer.get(import_id)
    assert (job.state, job.read, len(written)) == ("cancelled", 20, 2)
    assert job.read == job.created + job.updated + job.unchanged + job.rejected
    assert job.created == count(people)
    assert (job.rate, job.seconds_left) == (None, None)
    assert len(importer.rejected(job)) == job.rejected > 0
    assert count(people, ImportReject) == 0
    jobs.import_file(import_id)
    assert importer.get(import_id).read == 20


def test_a_file_that_is_cancelled_while_it_is_shown_stays_cancelled(
    importer: Importer, people: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = importer.add(to_csv(HEADER, [ANA]).encode(), hold=True, mapping=MAPPING)
    preview = Checker.preview

    def cancelled_meanwhile(checker: Checker[Any], line: Line) -> Any:
        cancel(people, import_id)
        return preview(checker, line)

    monkeypatch.setattr(Checker, "preview", cancelled_meanwhile)
    jobs.import_file(import_id)
    job = importer.get(import_id)
    assert (job.state, job.preview) == ("cancelled", [])


def test_a_second_cancel_changes_nothing_and_a_late_one_is_refused(
    importer: Importer, people: Sessions
) -> None:
    import_id = importer.add(to_csv(COLUMNS, lines(3, 0, seed=8)).encode())
    assert cancel(people, import_id)
    assert not cancel(people, import_id)
    jobs.import_file(import_id)
    assert (importer.get(import_id).state, count(people)) == ("cancelled", 0)
    done = importer.read(to_csv(COLUMNS, lines(3, 0, seed=8)).encode())
    with pytest.raises(Conflict, match="Ya terminó"):
        cancel(people, done.id)


# --- broken, mended ---


def test_a_file_that_breaks_in_the_middle_says_exactly_what_was_done(
    importer: Importer, people: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CustomerLoad, "batch", 10)
    content = to_csv(COLUMNS, lines(25, 10, seed=8)) + '"' + "x,y\n" * 90_000
    job = importer.read(content.encode())
    assert (job.state, job.read) == ("failed", 30)
    assert job.error is not None
    assert "dañado" in job.error
    assert "Se leyeron 30 filas y lo leído queda guardado; el resto no se leyó." in job.error
    assert job.unreadable
    assert job.created == count(people)
    assert len(importer.rejected(job)) == job.rejected


def test_a_row_that_cannot_be_stored_as_text_is_rejected(importer: Importer) -> None:
    rows = lines(1200, 0, seed=8)
    rows[-1][1] += "\0"
    rows[-2][8] = "Calle \ufffd"
    job = importer.read((to_csv(COLUMNS, [["x" * 900] * 15] * 90 + rows)).encode())
    assert (job.state, job.created, job.rejected) == ("done", 1198, 92)
    assert "caracteres que no se pueden leer" in importer.rejected(job)[-1]["motivo"]


def test_the_file_of_rejected_rows_is_imported_when_it_is_mended(
    importer: Importer, people: Sessions
) -> None:
    header = ("cedula", "nombres", "apellidos", "direccion", "telefono")
    rows = [
        ("1710034066", "Ana", "Ñúñez", "=Calle 1; N3", "+593991234567"),
        ("1", "Eva", "Paz", "", ""),
    ]
    job = importer.read(to_csv(header, rows).encode("cp1252"))
    assert (job.created, job.rejected) == (0, 2)
    assert job.rejected_key is not None
    with files.open_key(job.rejected_key) as stored:
        content = stored.read().decode("utf-8-sig")
    assert content.splitlines()[0] == "cedula;nombres;apellidos;direccion;telefono;motivo"
    mended = content.replace("1710034066", "1710034065").encode("utf-8-sig")
    again = importer.read(mended)
    assert (again.created, again.rejected) == (1, 1)
    with people() as session:
        person = session.execute(select(Customer)).scalar_one()
    assert (person.last_names, person.address, person.phone) == (
        "Ñúñez",
        "=Calle 1; N3",
        "+593991234567",
    )
    assert list(importer.rejected(again)[0]) == [*header, "motivo"]


def test_a_header_alone_is_no_error_and_no_row(importer: Importer) -> None:
    job: Import = importer.read(to_csv(COLUMNS, []).encode())
    assert (job.state, job.read, job.rejected_key) == ("done", 0, None)
