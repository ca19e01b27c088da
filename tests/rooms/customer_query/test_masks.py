"""What of a person is shown in part, to whom; that showing it whole is on record and bounded."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from services.customer_query import imports, reveals, store
from services.customer_query.models import Reveal
from shared import clock, personal, trace
from shared.contract import Actor
from shared.contracts.customer_query import (
    CustomerChange,
    CustomerPermission,
    NewCustomer,
    NewImport,
    Occasion,
    PersonalField,
    TimelineKind,
)
from shared.contracts.segments import parse
from shared.errors import Denied, Invalid, NotFound
from shared.permissions import Role
from tests.databases import audited_of
from tests.make.actors import make_actor
from tests.make.people import insert_person
from tests.rooms.customer_query.conftest import Sessions

CEDULA, MAIL, PHONE = "1710034065", "ana@correo.example", "+593991234567"
HEAD = make_actor()
BACKOFFICE = make_actor("bea", Role.BACKOFFICE)
SHOWN = {
    "cedula": "171•••••65",
    "income": None,
    "address": "•••",
    "email": "a•••@correo.example",
    "phone": "09•••••567",
    "other_phones": ["02••••678"],
}
WHOLE = {
    "cedula": CEDULA,
    "income": Decimal("812.50"),
    "address": "Av. Amazonas 123",
    "email": MAIL,
    "phone": PHONE,
    "other_phones": ["+59322345678"],
}
ALL = list(PersonalField)


@pytest.fixture
def ana(people: Sessions) -> int:
    with people.begin() as session:
        person = insert_person(session, **WHOLE, province="17", canton="1701")
        store.insert_timeline(session, [_checked(person.id)])
        return person.id


def _checked(customer_id: int) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "at": clock.now(),
        "kind": TimelineKind.RISK_CHECK,
        "title": "Consulta a la central de riesgos",
        "detail": "Calificación A2. Para venta",
        "by": "asesor1",
    }


def acting(actor: Actor) -> AbstractContextManager[None]:
    return trace.use(actor=actor)


def seen(reply: Any, names: Any = SHOWN) -> dict[str, Any]:
    return {name: getattr(reply, name) for name in names}


ASKED: dict[str, Callable[[Any, int], Any]] = {
    "get_customer": lambda room, number: room.get_customer(number),
    "find_customer": lambda room, _: room.find_customer(CEDULA, Occasion.CALLING),
    "update_customer": lambda room, number: room.update_customer(
        number, CustomerChange.to(preferred_hours="Tarde")
    ),
    "create_customer": lambda room, _: room.create_customer(
        NewCustomer(first_names="Eva", last_names="Paz", **WHOLE | {"cedula": "1710034073"})
    ),
}


@pytest.mark.parametrize("name", ASKED)
def test_who_only_recognises_a_person_sees_a_part(customers: Any, ana: int, name: str) -> None:
    reply = ASKED[name](customers, ana)
    shown = SHOWN if name != "create_customer" else SHOWN | {"cedula": "171•••••73"}
    assert seen(reply) == shown
    assert set(reply.masked) == set(SHOWN)
    assert (reply.province, reply.canton) == ((None, None) if "create" in name else ("17", "1701"))


@pytest.mark.parametrize("name", ASKED)
def test_whose_work_needs_it_sees_all(customers: Any, ana: int, name: str) -> None:
    with acting(BACKOFFICE):
        reply = ASKED[name](customers, ana)
    whole = WHOLE if name != "create_customer" else WHOLE | {"cedula": "1710034073"}
    assert (seen(reply), reply.masked) == (whole, [])


@pytest.mark.parametrize("role", [Role.MARKETING_HEAD, Role.ADMIN])
def test_lists_and_samples_show_a_part(customers: Any, ana: int, role: Role) -> None:
    names = ("cedula", "email", "phone")
    with acting(make_actor("yo", role)):
        [row] = customers.list_customers().items
        [sample] = customers.count_segment(parse({"all": []})).sample
    assert seen(row, names) == seen(sample, names) == {name: SHOWN[name] for name in names}
    assert (row.id, row.masked) == (ana, list(names))
    with acting(BACKOFFICE):
        [row] = customers.list_customers().items
    assert seen(row, names) == {name: WHOLE[name] for name in names}


def test_a_kept_reply_is_masked_for_who_asks_now(customers: Any) -> None:
    new = NewCustomer(first_names="Eva", last_names="Paz", cedula=CEDULA)
    with trace.use(actor=BACKOFFICE, idempotency_key="one"):
        assert customers.create_customer(new).cedula == CEDULA
    fewer = BACKOFFICE.model_copy(update={"permissions": frozenset()})
    with trace.use(actor=fewer, idempotency_key="one"):
        assert customers.create_customer(new).cedula == SHOWN["cedula"]


# --- what a search tells ---


@pytest.mark.parametrize(
    ("search", "found"),
    [("1710", 0), ("171003406", 0), (CEDULA, 1), ("0991234567", 1), ("09912", 0), (MAIL, 1),
     ("mor", 1)],
)  # fmt: skip
def test_digits_that_are_hidden_are_not_found_out_by_searching(
    customers: Any, ana: int, search: str, found: int
) -> None:
    assert [row.id for row in customers.list_customers(search=search).items] == [ana] * found


def test_whoever_sees_cedulas_searches_by_their_beginning(customers: Any, ana: int) -> None:
    with acting(BACKOFFICE):
        assert [row.id for row in customers.list_customers(search="1710").items] == [ana]


# --- credit on the time line ---


def test_the_time_line_tells_a_band_to_who_may_check_it(customers: Any, ana: int) -> None:
    [line] = customers.list_timeline(ana).items
    assert (line.detail, line.masked) == ("Calificación •••. Para venta", ["detail"])
    with acting(make_actor(also={"risk.check"})):
        [line] = customers.list_timeline(ana).items
    assert (line.detail, line.masked) == ("Calificación A2. Para venta", [])
    assert "A2" in customers.get_personal_data(ana).timeline[0].detail


# --- showing ---


def test_what_is_shown_is_on_record_with_its_fields(
    customers: Any, ana: int, people: Sessions
) -> None:
    shown = customers.reveal_customer(ana, [PersonalField.PHONE, PersonalField.INCOME])
    assert (shown.phone, shown.income) == (PHONE, WHOLE["income"])
    assert (shown.cedula, shown.email, shown.address, shown.other_phones) == (None,) * 4
    [line] = audited_of(people)
    assert (line["action"], line["customer_id"], line["username"]) == ("revealed", ana, "jefe")
    assert line["fields"] == ["income", "phone"]
    assert not [value for value in (PHONE, "812") if value in str(line)]


def test_all_that_is_masked_can_be_shown(customers: Any, ana: int) -> None:
    assert seen(customers.reveal_customer(ana, ALL)) == WHOLE


def test_who_may_not_show_is_denied_and_nothing_is_on_record(
    customers: Any, ana: int, people: Sessions
) -> None:
    with acting(make_actor(but={CustomerPermission.REVEAL})), pytest.raises(Denied):
        customers.reveal_customer(ana, ALL)
    assert audited_of(people) == []


def test_a_strangers_data_is_not_shown(customers: Any, ana: int) -> None:
    with acting(make_actor("ana", Role.ADVISOR)), pytest.raises(NotFound):
        customers.reveal_customer(ana, ALL)
    with pytest.raises(NotFound):
        customers.reveal_customer(999, ALL)


def test_the_personal_data_document_is_whole_for_who_may_show(customers: Any, ana: int) -> None:
    assert seen(customers.get_personal_data(ana).customer) == WHOLE
    with acting(make_actor(but={CustomerPermission.REVEAL})):
        assert seen(customers.get_personal_data(ana).customer) == SHOWN


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch, people: Sessions) -> list[int]:
    """Three people, of whom nobody may see more than two."""
    monkeypatch.setattr(reveals, "MOST_PEOPLE", 2)
    with people.begin() as session:
        return [insert_person(session, phone=PHONE).id for _ in range(3)]


def test_nobody_collects_people_one_by_one(customers: Any, three: list[int]) -> None:
    customers.reveal_customer(three[0], ALL)
    customers.get_personal_data(three[1])
    for name, more in (("reveal_customer", [ALL]), ("get_personal_data", [])):
        with pytest.raises(Denied, match="Ya mostró datos de 2 personas en 24 horas") as error:
            getattr(customers, name)(three[2], *more)
        [wait] = error.value.fields
        assert wait.field == "retry_after"
        assert 86_300 < int(wait.message) <= 86_401


def test_whom_one_has_seen_counts_once(customers: Any, three: list[int]) -> None:
    for _ in range(3):
        customers.reveal_customer(three[0], ALL)
    customers.reveal_customer(three[1], ALL)


def test_the_limit_is_each_users_own(customers: Any, three: list[int]) -> None:
    for person in three[:2]:
        customers.reveal_customer(person, ALL)
    with acting(make_actor("otra")):
        customers.reveal_customer(three[2], ALL)


def test_whose_work_is_with_whole_data_is_not_counted(customers: Any, three: list[int]) -> None:
    with acting(BACKOFFICE):
        for person in three:
            customers.reveal_customer(person, ALL)


def test_after_a_day_one_sees_others(customers: Any, three: list[int], people: Sessions) -> None:
    for person in three[:2]:
        customers.reveal_customer(person, ALL)
    with people.begin() as session:
        session.execute(update(Reveal).values(at=clock.now() - timedelta(hours=24, seconds=1)))
    customers.reveal_customer(three[2], ALL)
    with people.begin() as session:
        reveals.forget_old(session)
        assert session.execute(select(Reveal.customer_id)).scalars().all() == [three[2]]


def test_of_an_erased_person_nothing_is_counted_any_more(
    customers: Any, ana: int, people: Sessions
) -> None:
    customers.reveal_customer(ana, ALL)
    customers.erase_customer(ana, "Pedido")
    with people() as session:
        assert session.execute(select(Reveal)).all() == []
    assert customers.get_customer(ana).masked == []


# --- what is shown in part comes back ---


@pytest.mark.parametrize("name", ["cedula", "address", "email", "phone", "other_phones"])
def test_a_value_that_was_shown_in_part_is_no_value(customers: Any, ana: int, name: str) -> None:
    shown = getattr(customers.get_customer(ana), name)
    with pytest.raises(Invalid) as error:
        customers.update_customer(ana, CustomerChange.to(**{name: shown}))
    assert [item.field for item in error.value.fields] == [name]
    assert "oculto en parte" in error.value.fields[0].message
    with acting(BACKOFFICE):
        assert seen(customers.get_customer(ana)) == WHOLE


# --- a held file ---


def test_the_rows_of_a_file_are_shown_whole_to_who_brought_it(
    customers: Any, people: Sessions
) -> None:
    values = {"cedula": "1710034066", "email": "", "province": "17"}
    row = {"line": 2, "values": values, "reason": "La cédula «1710034066» no es válida."}
    with people.begin() as session:
        new = NewImport(file_key="x.csv", file_name="x.csv")
        job = imports.insert_import(session, new, "jefe")
        job.preview = [row]
        job_id = job.id
    [shown] = customers.preview_import(job_id).rows
    assert shown.model_dump() == row
    with acting(make_actor("otra")):
        [shown] = customers.preview_import(job_id).rows
    assert shown.values == values | {"cedula": "•••"}
    assert shown.reason == "La cédula «•••» no es válida."


def test_the_limit_is_what_is_said() -> None:
    assert reveals.MOST_PEOPLE == 100
    assert personal.HIDDEN == "•"
