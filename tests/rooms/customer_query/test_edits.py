"""Two people change the same thing: the second learns of it, and nothing is lost."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import eventlet
import pytest

from services.customer_query.models import Customer as Row
from shared import clock, trace
from shared.contracts.customer_query import (
    Customer,
    CustomerChange,
    NewCustomer,
    NewSegment,
    Segment,
    SegmentChange,
)
from shared.contracts.mailer import RecipientUnsubscribed
from shared.contracts.segments import dump
from shared.errors import Conflict, Invalid
from tests.make.actors import make_actor
from tests.rooms.customer_query.conftest import Sessions

WOMEN = {"field": "gender", "in": ["F"]}
MOMENT = datetime(2026, 11, 21, 15, 5, tzinfo=UTC)
EVA = make_actor("eva", user_id=2, full_name="Eva Paz")


@pytest.fixture
def segment(customers: Any) -> Segment:
    saved: Segment = customers.create_segment(
        NewSegment(name="Mujeres", description="De todo el país", definition=WOMEN)
    )
    return saved


@pytest.fixture
def customer(customers: Any) -> Customer:
    new = NewCustomer(cedula="1710034065", first_names="Ana", last_names="Mora", consent_mail=True)
    created: Customer = customers.create_customer(new)
    return created


def test_the_second_of_two_changes_learns_who_was_first_and_when(
    customers: Any, segment: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: MOMENT)
    first = SegmentChange.to(name="Señoras", version=segment.version)
    second = SegmentChange.to(description="Solo Quito", version=segment.version)
    customers.update_segment(segment.id, first)
    with trace.use(actor=EVA), pytest.raises(Conflict) as refused:
        customers.update_segment(segment.id, second)
    assert refused.value.message == (
        "Jefa cambió este segmento el 21/11/2026 a las 10:05. Vuelva a abrirlo y repita su cambio."
    )
    assert [item.field for item in refused.value.fields] == ["version"]
    now = customers.get_segment(segment.id)
    assert (now.name, now.description, now.version) == ("Señoras", "De todo el país", 2)
    again = customers.update_segment(
        segment.id, SegmentChange.to(description="Solo Quito", version=now.version)
    )
    assert (again.name, again.description) == ("Señoras", "Solo Quito")


def test_a_version_that_never_was_is_no_ones_change(customers: Any, segment: Segment) -> None:
    with pytest.raises(Invalid) as refused:
        customers.update_segment(segment.id, SegmentChange.to(name="Otra", version=2))
    assert [item.field for item in refused.value.fields] == ["version"]
    assert customers.get_segment(segment.id) == segment


def test_of_two_changes_at_once_one_is_refused(customers: Any, segment: Segment) -> None:
    actor = trace.actor()

    def change(name: str) -> str:
        with trace.use(actor=actor):
            try:
                customers.update_segment(segment.id, SegmentChange.to(name=name, version=1))
            except Conflict:
                return ""
        return name

    done = [change_.wait() for change_ in [eventlet.spawn(change, n) for n in ("Una", "Otra")]]
    (kept,) = [name for name in done if name]
    assert customers.get_segment(segment.id).name == kept


def test_changes_of_different_fields_without_a_version_both_stay(
    customers: Any, segment: Segment
) -> None:
    customers.update_segment(segment.id, SegmentChange.to(name="Señoras"))
    customers.update_segment(segment.id, SegmentChange.to(description=""))
    now = customers.get_segment(segment.id)
    assert (now.name, now.description, dump(now.definition)) == ("Señoras", "", WOMEN)


def test_what_is_sent_as_it_is_makes_no_new_version(customers: Any, segment: Segment) -> None:
    same = SegmentChange.to(name="Mujeres", definition=WOMEN, version=1)
    assert customers.update_segment(segment.id, same) == segment


@pytest.mark.usefixtures("sees_all")
def test_a_profile_that_was_changed_meanwhile_is_not_overwritten(
    customers: Any, customer: Customer
) -> None:
    customers.update_customer(customer.id, CustomerChange.to(address="Av. 10", version=1))
    with pytest.raises(Conflict, match=r"Jefa cambió esta ficha el .*\. Vuelva a abrirla"):
        customers.update_customer(customer.id, CustomerChange.to(address="Av. 6", version=1))
    now = customers.get_customer(customer.id)
    assert (now.address, now.version) == ("Av. 10", 2)


def test_a_person_who_unsubscribed_meanwhile_stays_so(
    customers: Any, customer: Customer, people: Sessions
) -> None:
    left = RecipientUnsubscribed(
        customer_id=customer.id, campaign_id=1, mailing_id=1, at=clock.now()
    )
    customers.on_recipient_unsubscribed(uuid4(), left)
    seen = CustomerChange.to(consent_mail=True, do_not_mail=False, version=customer.version)
    with pytest.raises(Conflict, match="El enlace de baja de un correo cambió esta ficha"):
        customers.update_customer(customer.id, seen)
    with people() as session:
        assert session.get_one(Row, customer.id).do_not_mail
