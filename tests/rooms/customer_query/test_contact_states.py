"""Where a person may be contacted: the cap at its edges, versions, and news in any order."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from services.customer_query import store
from services.customer_query.models import Customer
from shared import clock
from shared.contracts.customer_query import Channel, CustomerChange
from shared.contracts.risk_central import CategoryNews, RiskCategory, RisksChanged
from shared.contracts.segments import parse
from shared.contracts.telemarketing import RiskChecked, RiskState
from shared.settings import settings
from tests.databases import outbox_of
from tests.make.people import insert_person
from tests.rooms.customer_query.conftest import Sessions

EVERYBODY: dict[str, Any] = {"all": []}
NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)


def add(people: Sessions, **values: Any) -> int:
    usual = {"email": "ana@correo.example", "consent_mail": True}
    with people.begin() as session:
        return insert_person(session, **usual | values).id


def touch(session: Session, customer_id: int, days_ago: float, times: int) -> None:
    at = clock.now() - timedelta(days=days_ago)
    touches = [(customer_id, at + timedelta(seconds=second)) for second in range(times)]
    store.insert_contacts(session, 1, Channel.MAIL, touches)


@pytest.mark.parametrize(
    ("times", "days_ago", "over"),
    [(-1, 1, 0), (0, 1, 1), (1, 1, 1), (0, 29.9, 1), (0, 30.1, 0)],
)
def test_the_cap_begins_at_its_number_and_ends_with_its_days(
    customers: Any, people: Sessions, times: int, days_ago: float, over: int
) -> None:
    assert (settings().contact_cap, settings().contact_cap_days) == (8, 30)
    customer_id = add(people)
    with people.begin() as session:
        touch(session, customer_id, days_ago, settings().contact_cap + times)
    counted = customers.count_segment(parse(EVERYBODY))
    assert (counted.excluded.over_cap, counted.reachable.mail) == (over, 1 - over)


def test_the_cap_is_never_told_as_a_state(customers: Any, people: Sessions) -> None:
    customer_id = add(people)
    with people.begin() as session:
        touch(session, customer_id, 1, settings().contact_cap + 5)
        (state,) = store.contact_states(session, [customer_id])
    assert state.mail_block is None


GOOD: dict[str, Any] = {
    "email": "ana@correo.example",
    "phone": "+593991234567",
    "consent_mail": True,
    "consent_phone": True,
}
# Each with all that comes after it, so that the first one wins.
MAIL_BLOCKS: tuple[Any, ...] = (
    ("do_not_contact", {"do_not_mail": True}),
    ("no_consent", {"consent_mail": False}),
    ("no_address", {"email": None}),
    ("bounced", {"mail_bounced": True}),
    (None, {}),
)
PHONE_BLOCKS: tuple[Any, ...] = (
    ("do_not_contact", {"do_not_call": True}),
    ("no_consent", {"consent_phone": False}),
    ("no_address", {"phone": None}),
    (None, {}),
)


@pytest.mark.parametrize(("channel", "blocks"), [("mail", MAIL_BLOCKS), ("phone", PHONE_BLOCKS)])
def test_the_first_block_that_holds_is_the_reason(
    customers: Any, people: Sessions, channel: str, blocks: tuple[Any, ...]
) -> None:
    for first, (reason, _) in enumerate(blocks):
        holding: dict[str, Any] = {}
        for _, values in blocks[first:]:
            holding |= values
        customer_id = add(people, **GOOD | holding)
        with people() as session:
            (state,) = store.contact_states(session, [customer_id])
        assert getattr(state, f"{channel}_block") == reason
        assert state.mail_bounced == holding.get("mail_bounced", False)
        other = "phone" if channel == "mail" else "mail"
        assert getattr(state, f"{other}_block") is None


def version_of(people: Sessions, customer_id: int) -> int:
    with people() as session:
        return session.get_one(Customer, customer_id).contact_version


def test_the_version_grows_with_each_change_of_where_a_person_may_be_contacted(
    customers: Any, people: Sessions
) -> None:
    customer_id = add(people)
    before = version_of(people, customer_id)
    customers.update_customer(customer_id, CustomerChange.to(address="Av. 10"))
    assert version_of(people, customer_id) == before
    changes = [
        CustomerChange.to(email="otra@correo.example"),
        CustomerChange.to(phone="0991234567"),
        CustomerChange.to(consent_mail=False),
        CustomerChange.to(consent_phone=True),
    ]
    for number, change in enumerate(changes, start=1):
        customers.update_customer(customer_id, change)
        assert version_of(people, customer_id) == before + number
        told = outbox_of(people)[-1][1]["customers"][0]
        assert told["version"] == before + number
    customers.erase_customer(customer_id, "Solicitud")
    assert version_of(people, customer_id) > before + len(changes)


def risk_of(people: Sessions, customer_id: int) -> str | None:
    with people() as session:
        return session.get_one(Customer, customer_id).risk_category


def test_an_older_word_of_the_bureau_changes_nothing(customers: Any, people: Sessions) -> None:
    customer_id = add(people, cedula="1710034065")

    def load(category: RiskCategory, at: datetime) -> None:
        risks = [CategoryNews(cedula="1710034065", category=category)]
        customers.on_risks_changed(uuid4(), RisksChanged(at=at, risks=risks))

    def check(category: RiskCategory, at: datetime) -> None:
        checked = RiskChecked(
            customer_id=customer_id,
            advisor="asesor1",
            purpose="sale",
            state=RiskState.KNOWN,
            category=category,
            at=at,
        )
        customers.on_risk_checked(uuid4(), checked)

    check(RiskCategory.B1, NOON)
    load(RiskCategory.E, NOON - timedelta(minutes=1))
    assert risk_of(people, customer_id) == "B1"
    load(RiskCategory.C1, NOON + timedelta(minutes=1))
    check(RiskCategory.A1, NOON)
    assert risk_of(people, customer_id) == "C1"
