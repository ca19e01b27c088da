"""Letters through the door and by event: once for each reference, or refused."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from shared import letters
from shared.contract import Procedure
from shared.contracts import mailer as contract
from shared.contracts.customer_query import CustomersErased
from shared.contracts.mailer import Addressee, LetterRequested, LetterTemplate
from shared.errors import Invalid
from tests.databases import outbox_of
from tests.rooms.mailer.conftest import count

ANA = Addressee(customer_id=7, full_name="Ana Mora", email="ana@correo.example")
FIELDS = {"erased_on": "21 nov 2026"}
DATA_ERASED = LetterTemplate.DATA_ERASED
JOB = ("mailer.send_letter", {"arguments": [1]})


def requested(**values: Any) -> LetterRequested:
    told = {"template": "data_erased", "person": ANA, "fields": FIELDS, "reference": "erased:7"}
    return LetterRequested.model_validate(told | values)


def test_a_notice_is_a_row_and_a_job_once_for_each_reference(mailer: Any, sessions: Any) -> None:
    first = mailer.send_notice(DATA_ERASED, ANA, FIELDS, "erased:7")
    again = mailer.send_notice(DATA_ERASED, ANA, {"erased_on": "otro día"}, "erased:7")
    assert first == again
    assert (first.state, first.customer_id, first.sent_at) == ("pending", 7, None)
    assert outbox_of(sessions) == [JOB]
    assert count(sessions, "SELECT count(*) FROM service_mail") == 1
    assert "ana@correo.example" not in first.model_dump_json()


def test_two_who_ask_at_once_get_one_letter(mailer: Any, sessions: Any) -> None:
    with ThreadPoolExecutor(2) as pool:
        asked = [
            pool.submit(mailer.send_notice, DATA_ERASED, ANA, FIELDS, "erased:7") for _ in range(2)
        ]
    assert len({one.result().reference for one in asked}) == 1
    assert outbox_of(sessions) == [JOB]


def test_an_event_asks_for_the_same_letter(mailer: Any, sessions: Any) -> None:
    for _ in range(2):
        mailer.on_letter_requested(uuid4(), requested())
    mailer.send_notice(DATA_ERASED, ANA, FIELDS, "erased:7")
    assert outbox_of(sessions) == [JOB]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, ["fields.erased_on"]),
        (FIELDS | {"otro": "x"}, ["fields.otro"]),
        ({"otro": "x"}, ["fields.erased_on", "fields.otro"]),
    ],
)
def test_fields_that_are_not_the_templates_are_refused(
    mailer: Any, sessions: Any, fields: dict[str, str], wrong: list[str]
) -> None:
    with pytest.raises(Invalid) as error:
        mailer.send_notice(DATA_ERASED, ANA, fields, "erased:7")
    assert [one.field for one in error.value.fields] == wrong
    with sessions.begin() as session, pytest.raises(Invalid):
        letters.send(session, DATA_ERASED, to=ANA, fields=fields, reference="erased:7")
    assert outbox_of(sessions) == []
    assert count(sessions, "SELECT count(*) FROM service_mail") == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"template": "felicitaciones"}, "template"),
        ({"reference": ""}, "reference"),
        ({"person": {"full_name": "Ana", "email": ""}}, "email"),
    ],
)
def test_an_unknown_template_or_nobody_is_refused_at_the_door(
    change: dict[str, Any], field: str
) -> None:
    procedure: Procedure[..., Any] = contract.send_notice
    with pytest.raises(Invalid) as error:
        procedure.decode_arguments(requested().model_dump(mode="json") | change)
    assert [one.field for one in error.value.fields] == [field]


def test_a_letter_on_its_way_survives_the_erasure_of_its_person(mailer: Any, sessions: Any) -> None:
    mailer.on_letter_requested(uuid4(), requested())
    mailer.on_letter_requested(uuid4(), requested(reference="before"))
    with sessions.begin() as session:
        session.connection().exec_driver_sql("UPDATE service_mail SET state = 'sent' WHERE id = 2")
    mailer.on_customers_erased(uuid4(), CustomersErased(customer_ids=[7]))
    known = "SELECT count(*) FROM service_mail WHERE email = 'ana@correo.example' AND id = :id"
    assert (count(sessions, known, id=1), count(sessions, known, id=2)) == (1, 0)
    assert count(sessions, "SELECT count(*) FROM service_mail WHERE fields = '{}'") == 1
