"""Undoing an import: what it did is taken back, what others did since stays."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import func, select, update

from services.customer_query import imports, jobs, store, undos
from services.customer_query.models import (
    Consent,
    Contact,
    Customer,
    HeldService,
    Import,
    ImportBirth,
    ImportChange,
)
from shared import clock
from shared.errors import Conflict
from tests.databases import outbox_of
from tests.jobs.customer_query.conftest import Importer, Sessions, to_csv

HEADER = ("cedula", "nombres", "apellidos", "email", "acepta_correo")
ANA = ("1710034065", "Ana", "Mora", "ana@correo.example", "sí")
LUZ = ("0926687856", "Luz", "Paz", "luz@correo.example", "no")


def load(importer: Importer, *rows: Sequence[str]) -> Import:
    job = importer.read(to_csv(HEADER, rows).encode())
    assert job.rejected == 0
    return job


def undo(importer: Importer, people: Sessions, import_id: int) -> Import:
    with people.begin() as session:
        undos.begin(session, imports.ledger.get(session, import_id, lock=True), "jefe")
    jobs.undo_import(import_id)
    return importer.get(import_id)


def counts(job: Import) -> tuple[int, int, int]:
    assert job.undo_state == "done"
    return job.removed, job.restored, job.kept


def stored(people: Sessions) -> dict[str, Customer]:
    with people() as session:
        return {item.cedula: item for item in session.execute(select(Customer)).scalars()}


def consents(people: Sessions) -> list[Any]:
    with people() as session:
        lines = select(Consent.channel, Consent.given, Consent.how, Consent.by)
        return [tuple(row) for row in session.execute(lines.order_by(Consent.id))]


def test_people_who_were_created_are_removed_and_the_ledger_says_so(
    importer: Importer, people: Sessions
) -> None:
    job = load(importer, ANA, LUZ)
    ids = sorted(person.id for person in stored(people).values())
    assert counts(undo(importer, people, job.id)) == (2, 0, 0)
    assert stored(people) == {}
    assert consents(people) == [
        ("mail", True, "importación", None),
        ("mail", False, "importación deshecha", "jefe"),
    ]
    erased = [event for kind, event in outbox_of(people) if kind == "customers_erased"]
    assert [sorted(event["customer_ids"]) for event in erased] == [ids]


def test_a_file_that_was_undone_can_be_imported_again(importer: Importer, people: Sessions) -> None:
    undo(importer, people, load(importer, ANA).id)
    assert load(importer, ANA).created == 1


def touch_by_hand(session: Any, customer_id: int) -> None:
    store.set_customer(session, customer_id, {"address": "Av. Loja"})


def touch_by_contact(session: Any, customer_id: int) -> None:
    session.add(Contact(customer_id=customer_id, campaign_id=1, channel="mail", at=clock.now()))


def touch_by_consent(session: Any, customer_id: int) -> None:
    line = {"customer_id": customer_id, "channel": "mail", "given": False, "how": "ficha"}
    store.insert_consents(session, [line])


def touch_by_note(session: Any, customer_id: int) -> None:
    entry = {"customer_id": customer_id, "kind": "call", "title": "Llamada"}
    store.insert_timeline(session, [entry])


def touch_by_service(session: Any, customer_id: int) -> None:
    held = {"service": "fibra-100", "price": 25, "from_on": clock.today()}
    session.add(HeldService(customer_id=customer_id, **held))


@pytest.mark.parametrize(
    "touch",
    [touch_by_hand, touch_by_contact, touch_by_consent, touch_by_note, touch_by_service],
)
def test_who_was_touched_since_stays_and_is_counted(
    importer: Importer, people: Sessions, touch: Any
) -> None:
    job = load(importer, ANA, LUZ)
    with people.begin() as session:
        touch(session, stored(people)[ANA[0]].id)
    assert counts(undo(importer, people, job.id)) == (1, 0, 1)
    assert list(stored(people)) == [ANA[0]]


def test_who_was_updated_gets_the_earlier_values_back(importer: Importer, people: Sessions) -> None:
    load(importer, ANA)
    before = {name: getattr(stored(people)[ANA[0]], name) for name in ("search", "email")}
    job = load(importer, (ANA[0], "Eva", "Loor", "eva@correo.example", "no"))
    assert counts(undo(importer, people, job.id)) == (0, 1, 0)
    person = stored(people)[ANA[0]]
    assert {name: getattr(person, name) for name in before} == before
    assert (person.first_names, person.consent_mail) == ("Ana", True)
    assert consents(people)[-2:] == [
        ("mail", False, "importación", None),
        ("mail", True, "importación deshecha", "jefe"),
    ]
    told = [event for kind, event in outbox_of(people) if kind == "contact_states_changed"]
    assert told[-1]["customers"][0]["email"] == "ana@correo.example"


def test_what_was_changed_since_stays_and_the_rest_comes_back(
    importer: Importer, people: Sessions
) -> None:
    load(importer, ANA)
    job = load(importer, (ANA[0], "Eva", "Mora", "eva@correo.example", "sí"))
    with people.begin() as session:
        found = update(Customer).where(Customer.cedula == ANA[0])
        session.execute(found.values(email="otra@correo.example"))
    assert counts(undo(importer, people, job.id)) == (0, 0, 1)
    person = stored(people)[ANA[0]]
    assert (person.first_names, person.email) == ("Ana", "otra@correo.example")


def test_who_was_erased_since_stays_erased(importer: Importer, people: Sessions) -> None:
    load(importer, ANA, (*LUZ[:4], "sí"))
    person = stored(people)[ANA[0]]
    job = load(importer, (*ANA[:4], "no"), LUZ)
    with people.begin() as session:
        store.erase_customer(session, person.id)
    lines = len(consents(people))
    assert counts(undo(importer, people, job.id)) == (0, 1, 0)
    with people() as session:
        erased = session.get_one(Customer, person.id)
    assert (erased.erased, erased.consent_mail, erased.email) == (True, False, None)
    assert len(consents(people)) == lines + 1


def test_a_field_that_was_empty_is_empty_again(importer: Importer, people: Sessions) -> None:
    load(importer, (*ANA[:3], "", ""))
    job = load(importer, ANA)
    undo(importer, people, job.id)
    assert stored(people)[ANA[0]].email is None


def test_twice_does_nothing_more(importer: Importer, people: Sessions) -> None:
    job = load(importer, ANA)
    undo(importer, people, job.id)
    load(importer, ANA)
    sent = len(outbox_of(people))
    assert counts(undo(importer, people, job.id)) == (1, 0, 0)
    assert len(outbox_of(people)) == sent
    assert len(stored(people)) == 1


class Killed(BaseException):
    """The worker is gone."""


def test_an_undoing_that_died_goes_on_and_its_counts_add_up(
    importer: Importer, people: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(importer, ANA)
    job = load(importer, (ANA[0], "Eva", "Mora", "", ""), LUZ)
    works = undos._remove_some

    def dying(*_: Any) -> bool:
        raise Killed

    monkeypatch.setattr(undos, "_remove_some", dying)
    with pytest.raises(Killed):
        undo(importer, people, job.id)
    monkeypatch.setattr(undos, "_remove_some", works)
    assert importer.get(job.id).restored == 1
    jobs.undo_import(job.id)
    assert counts(importer.get(job.id)) == (1, 1, 0)


def test_what_cannot_be_undone_is_told(importer: Importer, people: Sessions) -> None:
    dry = importer.read(to_csv(HEADER, [ANA]).encode(), dry_run=True)
    with pytest.raises(Conflict, match="no guardó nada"):
        undo(importer, people, dry.id)
    waiting = importer.add(to_csv(HEADER, [ANA]).encode())
    with pytest.raises(Conflict, match="en curso"):
        undo(importer, people, waiting)


def test_earlier_values_are_forgotten_with_the_person_and_after_a_month(
    importer: Importer, people: Sessions
) -> None:
    load(importer, ANA, LUZ)
    job = load(importer, (ANA[0], "Eva", "Mora", "", ""), (LUZ[0], "Sol", "Paz", "", ""))
    with people.begin() as session:
        store.erase_customer(session, stored(people)[ANA[0]].id)
    assert noted(people) == 1
    with people.begin() as session:
        undos.forget_old(session)
    assert noted(people) == 1
    with people.begin() as session:
        long_ago = func.now() - func.make_interval(0, 0, 0, 31)
        session.execute(update(Import).values(finished_at=long_ago))
        undos.forget_old(session)
    assert noted(people) == 0
    with people() as session:
        assert session.scalar(select(func.count()).select_from(ImportBirth)) == 0
    with pytest.raises(Conflict, match="30 días"):
        undo(importer, people, job.id)


def noted(people: Sessions) -> int:
    with people() as session:
        return int(session.scalar(select(func.count()).select_from(ImportChange)) or 0)
