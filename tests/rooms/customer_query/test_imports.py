"""The doors of imports: begin, begin again, list."""

import io
from typing import Any

import pytest

from services.customer_query import imports
from services.customer_query.import_load import CUSTOMERS
from shared import files, trace
from shared.contracts.customer_query import NewImport
from shared.errors import Conflict, Invalid, NotFound
from tests.databases import outbox_of
from tests.rooms.customer_query.conftest import Sessions

CONTENT = b"cedula,nombres,apellidos\n1710034065,Ana,Mora\n"


def new_import(**options: Any) -> NewImport:
    key = files.put(io.BytesIO(CONTENT), ".csv")
    return NewImport(file_key=key, file_name="clientes.csv", **options)


def test_an_import_waits_and_its_job_is_handed_over(customers: Any, people: Sessions) -> None:
    job = customers.start_import(new_import())
    assert (job.state, job.read, job.created_by) == ("waiting", 0, "jefe")
    assert [name for name, _ in outbox_of(people)] == ["customer_query.import_file"]


def test_a_file_that_is_gone_is_told(customers: Any, people: Sessions) -> None:
    missing = NewImport(file_key="ab/" + "ab" * 16 + ".csv", file_name="x.csv")
    with pytest.raises(Invalid) as error:
        customers.start_import(missing)
    assert [item.field for item in error.value.fields] == ["file"]
    assert outbox_of(people) == []


def test_a_column_for_what_nobody_knows_is_told_at_once(customers: Any, people: Sessions) -> None:
    with pytest.raises(Invalid, match="shoe_size no existe") as error:
        customers.start_import(new_import(mapping={"shoe_size": "cedula"}))
    assert [item.field for item in error.value.fields] == ["mapping"]
    assert outbox_of(people) == []


def test_an_upload_sent_again_with_its_key_is_one_import(customers: Any) -> None:
    with trace.use(actor=trace.actor(), idempotency_key="k1"):
        upload = new_import()
        first = customers.start_import(upload)
        assert customers.start_import(upload).id == first.id
        for other in (upload.model_copy(update={"dry_run": True}), new_import()):
            with pytest.raises(Conflict):
                customers.start_import(other)


def test_only_an_import_that_ended_is_read_again(customers: Any, people: Sessions) -> None:
    job = customers.start_import(new_import(dry_run=True))
    with pytest.raises(Conflict):
        customers.rerun_import(job.id)
    with people.begin() as session:
        imports.ledger.end_done(session, imports.ledger.get(session, job.id), CUSTOMERS)
    mapping = {"cedula": "cedula", "first_names": "apellidos", "last_names": "nombres"}
    again = customers.rerun_import(job.id, mapping)
    assert (again.file_name, again.dry_run, again.state) == ("clientes.csv", True, "waiting")
    assert again.id != job.id
    assert customers.rerun_import(job.id, dry_run=False).dry_run is False  # said by somebody
    with people.begin() as session:
        imports.ledger.end_done(session, imports.ledger.get(session, again.id), CUSTOMERS)
    third = customers.rerun_import(again.id)
    with people() as session:
        assert imports.ledger.get(session, third.id).asked_mapping == mapping
    with pytest.raises(NotFound):
        customers.rerun_import(99)


def test_imports_come_newest_first_in_pages(customers: Any) -> None:
    ids = [customers.start_import(new_import()).id for _ in range(3)]
    first = customers.list_imports(limit=2)
    rest = customers.list_imports(after=first.next, limit=2)
    assert [job.id for job in (*first.items, *rest.items)] == ids[::-1]
    assert rest.next is None
