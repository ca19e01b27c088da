"""Every kind of job of the room: it fails once and still ends; it fails for good and says so."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session, sessionmaker

from services.customer_query import imports, jobs, segment_store, store
from services.customer_query.models import Export, Import
from shared import files
from shared import jobs as shared_jobs
from shared.contracts import customer_query as contract
from shared.contracts.campaign import AudienceRequested
from shared.loads import work
from tests.databases import outbox_of
from tests.jobs.deliveries import deliver, failing
from tests.make.people import insert_people

Sessions = sessionmaker[Session]
ALWAYS = 10**6


@pytest.fixture
def stored(database: Callable[[str], Sessions]) -> Sessions:
    return database("customer_query")


@pytest.fixture
def import_id(stored: Sessions) -> int:
    key = files.new_key(".csv")
    with files.create(key) as target:
        target.write(b"cedula,nombres,apellidos\n1710034065,Ana,Mora\n")
    new = contract.NewImport(file_key=key, file_name="a.csv")
    with stored.begin() as session:
        return imports.insert_import(session, new, "jefe").id


def imported(stored: Sessions, import_id: int) -> Import:
    with stored() as session:
        return session.get_one(Import, import_id)


def test_an_import_that_failed_once_goes_on(stored: Sessions, import_id: int) -> None:
    with failing(imports.Batch, "upsert", times=1):
        assert deliver(jobs.import_file, import_id) == ["wait.5s"]
    done = imported(stored, import_id)
    assert (done.state, done.read, done.created) == ("done", 1, 1)


def test_an_import_that_cannot_be_done_says_so(stored: Sessions, import_id: int) -> None:
    with failing(imports.Batch, "upsert", times=ALWAYS):
        went = deliver(jobs.import_file, import_id)
    assert went == [
        *("wait.5s", "wait.5s", "wait.60s", "wait.60s", "wait.600s"),
        *("jobs.customer_query", "dead.jobs"),
    ]
    failed = imported(stored, import_id)
    assert failed.state == "failed"
    assert failed.error == (
        "Un servidor no respondió después de varios intentos. Empiece de nuevo más tarde."
    )
    assert failed.finished_at is not None


def test_a_long_import_is_read_in_turns(
    stored: Sessions, import_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "TURN_SECONDS", 0.0)
    jobs.import_file(import_id)
    assert imported(stored, import_id).state == "running"
    assert outbox_of(stored)[-1] == ("customer_query.import_file", {"arguments": [import_id]})
    jobs.import_file(import_id)
    assert imported(stored, import_id).state == "done"


@pytest.fixture
def transfer_id(stored: Sessions, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(shared_jobs, "send_bulk", lambda *_: None)
    event = AudienceRequested(transfer_id=uuid4(), campaign_id=1, definition={"all": []})
    with stored.begin() as session:
        insert_people(session, 5)
        segment_store.insert_export(session, event)
    return str(event.transfer_id)


def exported(stored: Sessions, transfer_id: str) -> Export:
    with stored() as session:
        return session.get_one(Export, transfer_id)


def failures(stored: Sessions) -> list[Any]:
    return [payload for name, payload in outbox_of(stored) if name == "segment_export_failed"]


def test_an_export_that_failed_once_is_a_new_attempt(stored: Sessions, transfer_id: str) -> None:
    with failing(segment_store, "replace_members", times=1):
        assert deliver(jobs.export_segment, transfer_id) == ["wait.5s"]
    done = exported(stored, transfer_id)
    assert (done.rows, done.attempt) == (5, 2)
    assert failures(stored) == []


def test_an_export_that_cannot_be_done_says_so(stored: Sessions, transfer_id: str) -> None:
    with failing(segment_store, "replace_members", ALWAYS, KeyError("a defect")):
        went = deliver(jobs.export_segment, transfer_id)
    assert went == ["jobs.customer_query", "dead.jobs"]
    (told,) = failures(stored)
    assert told["transfer_id"] == transfer_id
    assert told["reason"].startswith("Ocurrió un error interno")
    assert exported(stored, transfer_id).failed_at is not None
    jobs.export_segment(transfer_id)  # a late delivery changes nothing
    assert exported(stored, transfer_id).rows is None


def test_the_daily_categories_fail_once_and_still_end(stored: Sessions) -> None:
    with failing(store, "update_categories", times=1):
        assert deliver(jobs.update_categories) == ["wait.5s"]
