"""Every view of a person is on record before it is answered, and no value of a person with it."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from shared import audit, outbox, personal
from shared.contracts.customer_query import CustomerChange, NewCustomer
from shared.errors import NotFound
from tests.databases import audited_of
from tests.make.people import insert_person, next_cedula

Sessions = sessionmaker[Session]


@pytest.fixture
def people(database: Callable[[str], Sessions], door: Callable[..., Any]) -> Any:
    """The doors on two persons, Ana Mora and Eva Mora."""
    sessions = database("customer_query")
    with sessions.begin() as session:
        insert_person(session, cedula="1710034065", email="ana@correo.example")
        insert_person(session, first_names="Eva")
    return door("customer_query", sessions)


def told(people: Any) -> list[dict[str, Any]]:
    return audited_of(people.db)


@pytest.mark.parametrize(
    ("view", "action"),
    [
        ("get_customer", "profile_seen"),
        ("list_timeline", "timeline_seen"),
        ("get_personal_data", "personal_data_seen"),
    ],
)
def test_who_saw_a_person_is_on_record(people: Any, view: str, action: str) -> None:
    getattr(people, view)(1)
    [line] = told(people)
    assert (line["action"], line["customer_id"], line["username"]) == (action, 1, "jefe")
    assert (line["room"], line["full_name"], bool(line["trace_id"])) == (
        "customer_query",
        "Jefa",
        True,
    )


@pytest.mark.parametrize("view", ["get_customer", "list_timeline", "get_personal_data"])
def test_nobody_is_no_view(people: Any, view: str) -> None:
    with pytest.raises(NotFound):
        getattr(people, view)(99)
    assert told(people) == []


def test_a_list_is_one_line_with_those_whom_it_showed(people: Any) -> None:
    people.list_customers(limit=1)
    people.list_customers(search="1710034065")
    listed, searched = told(people)
    assert (listed["action"], listed["listed"]) == ("listed", [1])
    assert (searched["action"], searched["listed"]) == ("searched", [1])
    assert searched["changes"] == {"search": [None, audit.fingerprint("1710034065")]}


def test_a_change_is_told_before_and_after_without_a_value_of_the_person(people: Any) -> None:
    change = {"email": "otra@correo.example", "consent_mail": True, "canton": "1701"}
    people.update_customer(1, CustomerChange(**change | {"province": "17"}))
    [line] = told(people)
    assert line["action"] == "changed"
    assert line["changes"]["consent_mail"] == [False, True]
    assert line["changes"]["email"] == [
        audit.fingerprint("ana@correo.example"),
        audit.fingerprint("otra@correo.example"),
    ]
    assert "correo.example" not in str(line)


def test_a_new_person_is_told_without_a_value(people: Any) -> None:
    cedula = next_cedula()
    new = {"cedula": cedula, "first_names": "Zoila", "last_names": "Vaca", "income": "812.50"}
    people.create_customer(NewCustomer(**new))
    [line] = told(people)
    assert not [value for value in new.values() if value in str(line)]


def test_every_field_of_a_person_is_known_to_be_personal_or_not() -> None:
    open_fields = NewCustomer.model_fields.keys() - personal.names()
    assert open_fields == {
        "canton",
        "consent_mail",
        "consent_phone",
        "joined_on",
        "preferred_channel",
        "preferred_hours",
        "province",
    }


def test_a_view_that_cannot_be_recorded_is_not_given(
    people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(outbox, "add", fail)
    with pytest.raises(RuntimeError):
        people.get_customer(1)
