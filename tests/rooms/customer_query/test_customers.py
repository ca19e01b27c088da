"""Profiles: create, find, change, erase."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from services.customer_query import store
from services.customer_query.models import Customer, HeldService, TimelineEntry
from shared import clock, trace
from shared.contracts.customer_query import Category, CustomerChange, NewCustomer
from shared.contracts.segments import parse
from shared.ecuador.dates import format_date
from shared.errors import Conflict, Invalid, NotFound
from tests.databases import outbox_of
from tests.make.people import insert_people, insert_person
from tests.rooms.customer_query.conftest import Sessions

ANA = NewCustomer(
    cedula="171003406-5",
    first_names="Ana Lucía",
    last_names="Zambrano Ñauta",
    email="ana@correo.example",
    phone="0991234567",
    province="17",
    canton="1701",
    joined_on=date(2010, 1, 1),
    consent_mail=True,
)


def wrong_fields(error: pytest.ExceptionInfo[Invalid]) -> list[str]:
    return [item.field for item in error.value.fields]


@pytest.mark.usefixtures("sees_all")
def test_a_customer_is_stored_normalised_with_category_and_consent(customers: Any) -> None:
    created = customers.create_customer(ANA)
    found = customers.get_customer(created.id)
    assert found == created
    assert (found.cedula, found.phone) == ("1710034065", "+593991234567")
    assert found.category is Category.LOYAL
    [consent] = customers.get_personal_data(created.id).consents
    assert (consent.channel, consent.given, consent.by) == ("mail", True, "jefe")


def test_a_cedula_belongs_to_one_person(customers: Any) -> None:
    customers.create_customer(ANA)
    with pytest.raises(Invalid) as error:
        customers.create_customer(ANA)
    assert wrong_fields(error) == ["cedula"]
    assert len(customers.list_customers().items) == 1


def test_wrong_values_are_named_and_nothing_is_stored(customers: Any) -> None:
    with pytest.raises(Invalid) as error:
        customers.create_customer(
            NewCustomer(cedula="1710034066", first_names="A", last_names="B", canton="0901")
        )
    assert wrong_fields(error) == ["cedula", "canton"]
    assert customers.list_customers().items == []


def test_the_same_creation_sent_twice_makes_one_customer(customers: Any) -> None:
    with trace.use(actor=trace.actor(), idempotency_key="k1"):
        assert customers.create_customer(ANA) == customers.create_customer(ANA)


@pytest.mark.usefixtures("sees_all")
def test_only_what_is_sent_changes_and_contact_changes_are_announced(
    customers: Any, people: Sessions
) -> None:
    created = customers.create_customer(ANA)
    same = customers.update_customer(created.id, CustomerChange.to(first_names="Ana Lucía"))
    assert same == created
    changed = customers.update_customer(created.id, CustomerChange.to(address="Av. 10"))
    assert (changed.address, changed.email) == ("Av. 10", created.email)
    assert outbox_of(people) == []
    customers.update_customer(created.id, CustomerChange.to(consent_mail=False, email=None))
    [(event, payload)] = outbox_of(people)
    assert event == "contact_states_changed"
    state = payload["customers"][0]
    assert (state["email"], state["mail_block"]) == (None, "no_consent")
    ledger = customers.get_personal_data(created.id).consents
    assert [line.given for line in ledger] == [True, False]


def test_the_time_line_comes_newest_first_in_pages(customers: Any) -> None:
    created = customers.create_customer(ANA)
    for street in "abc":
        customers.update_customer(created.id, CustomerChange.to(address=street))
    first = customers.list_timeline(created.id, limit=2)
    rest = customers.list_timeline(created.id, after=first.next, limit=2)
    assert (len(first.items), len(rest.items), rest.next) == (2, 1, None)
    assert first.items[0].at >= rest.items[0].at
    assert first.items[0].by == "jefe"


def test_erasing_blanks_the_person_and_tells_the_rooms(customers: Any, people: Sessions) -> None:
    created = customers.create_customer(ANA)
    with pytest.raises(Invalid):
        customers.erase_customer(created.id, "  ")
    customers.erase_customer(created.id, "Lo pidió")
    found = customers.get_customer(created.id)
    assert found.erased
    assert (found.full_name, found.email, found.phone, found.address) == ("", None, None, None)
    assert (found.consent_mail, found.do_not_mail) == (False, True)
    assert customers.list_customers().items == []
    assert customers.count_segment(parse({"all": []})).matching == 0
    letter, *others = outbox_of(people)
    assert letter[0] == "letter_requested"
    assert others == [
        ("customers_erased", {"customer_ids": [created.id]}),
        ("customer_query.forget_parked", {"arguments": []}),
    ]
    with pytest.raises(Conflict):
        customers.update_customer(created.id, CustomerChange.to(first_names="Eva"))
    assert customers.create_customer(ANA).id != created.id


@pytest.mark.usefixtures("sees_all")
def test_who_is_erased_gets_a_last_letter_to_the_address_as_it_was(
    customers: Any, people: Sessions
) -> None:
    created = customers.create_customer(ANA)
    for _ in range(2):
        customers.erase_customer(created.id, "Lo pidió")
    (letter,) = [told for kind, told in outbox_of(people) if kind == "letter_requested"]
    assert letter == {
        "template": "data_erased",
        "person": {
            "customer_id": created.id,
            "full_name": created.full_name,
            "email": created.email,
        },
        "fields": {"erased_on": format_date(clock.today())},
        "reference": f"erased:{created.id}",
    }


def test_who_has_no_address_is_erased_without_a_letter(customers: Any, people: Sessions) -> None:
    with people.begin() as session:
        customer_id = insert_person(session, email=None).id
    customers.erase_customer(customer_id, "Lo pidió")
    assert [kind for kind, _ in outbox_of(people)] == [
        "customers_erased",
        "customer_query.forget_parked",
    ]


KEPT = {  # of an erased person: what figures count by, and what says that they are gone
    "id",
    "gender",
    "province",
    "canton",
    "joined_on",
    "category",
    "category_reason",
    "contact_version",
    "last_contact_at",
    "mail_bounced",
    "risk_at",
    "do_not_mail",
    "do_not_call",
    "erased_at",
    "created_at",
    "updated_at",
    "version",
    "changed_by",  # who erased them
    "changed_at",
}


def test_nothing_that_tells_who_it_was_is_left_of_an_erased_person(
    customers: Any, people: Sessions
) -> None:
    with people.begin() as session:
        customer_id = insert_person(
            session,
            birth_on=date(1990, 1, 2),
            income=Decimal(900),
            address="Av. 10",
            email="ana@correo.example",
            phone="+593991234567",
            other_phones=["+593991234568"],
            preferred_channel="mail",
            preferred_hours="tarde",
            risk_category="B1",
            consent_mail=True,
            consent_phone=True,
        ).id
        line = {"customer_id": customer_id, "at": clock.now(), "kind": "call", "title": "Llamada"}
        store.insert_timeline(session, [line | {"detail": "Dijo que es Ana", "by": None}])
        held = {"customer_id": customer_id, "service": "movil", "line_number": "0991234567"}
        session.add(HeldService(**held, price=Decimal(20), from_on=date(2020, 1, 1), to_on=None))
    customers.erase_customer(customer_id, "Lo pidió")
    with people() as session:
        row = session.get_one(Customer, customer_id)
        left = {item.name: getattr(row, item.name) for item in Customer.__table__.columns}
        assert {name for name, value in left.items() if value} - KEPT == {"cedula"}
        assert left["cedula"] == f"borrado-{customer_id}"
        assert session.execute(select(HeldService.line_number)).scalars().all() == [None]
        told = session.execute(select(TimelineEntry.detail)).scalars().all()
        assert "Dijo que es Ana" not in told


def test_a_person_who_is_not_there_is_not_found(customers: Any) -> None:
    for ask in (customers.get_customer, customers.list_timeline, customers.get_personal_data):
        with pytest.raises(NotFound):
            ask(99)


# --- lists ---


def test_a_list_comes_by_surname_in_pages_without_gaps(customers: Any, people: Sessions) -> None:
    with people.begin() as session:
        insert_people(session, 25)
    seen: list[int] = []
    after = None
    while True:
        page = customers.list_customers(after=after, limit=7)
        seen += [item.id for item in page.items]
        after = page.next
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 25
    everybody = customers.list_customers(limit=200).items
    assert [item.id for item in everybody] == seen


@pytest.mark.usefixtures("sees_all")
@pytest.mark.parametrize(
    "search",
    ["1710034065", "17100", "zambrano", "Zambrano Ñ", "ana@CORREO.example", "0991234567"],
)
def test_a_person_is_found_by_cedula_surname_mail_or_phone(
    customers: Any, people: Sessions, search: str
) -> None:
    created = customers.create_customer(ANA)
    with people.begin() as session:
        insert_person(session, last_names="Yépez")
    assert [item.id for item in customers.list_customers(search=search).items] == [created.id]


def test_a_search_is_no_pattern(customers: Any) -> None:
    customers.create_customer(ANA)
    for search in ("%", "_", "z%a"):
        assert customers.list_customers(search=search).items == []


def test_filters_are_combined(customers: Any) -> None:
    created = customers.create_customer(ANA)
    found = customers.list_customers(province="17", category=Category.LOYAL)
    assert [item.id for item in found.items] == [created.id]
    assert customers.list_customers(province="09").items == []
    assert customers.list_customers(category=Category.NEW).items == []


def test_a_wrong_cursor_is_told(customers: Any) -> None:
    with pytest.raises(Invalid):
        customers.list_customers(after="x")
