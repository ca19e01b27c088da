"""What mails, calls and unsubscriptions mean for a person: touches, wishes, the time line."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from services.customer_query.models import Consent, Contact, Customer, TimelineEntry
from shared.contracts import mailer, telemarketing
from shared.contracts.mailer import RecipientState
from shared.contracts.telemarketing import CallResult
from tests.databases import outbox_of
from tests.make.people import insert_person
from tests.rooms.customer_query.conftest import Sessions

AT = datetime(2026, 11, 20, 17, tzinfo=UTC)
CAMPAIGN = 7


@pytest.fixture
def person(people: Sessions) -> Callable[[], int]:
    """Somebody who may be mailed and called."""

    def add() -> int:
        with people.begin() as session:
            return insert_person(
                session,
                email="ana@correo.example",
                phone="+593991234567",
                consent_mail=True,
                consent_phone=True,
            ).id

    return add


def call(customer_id: int, result: CallResult, *, contacted: bool) -> telemarketing.CallRecorded:
    return telemarketing.CallRecorded(
        call_id=1,
        campaign_id=CAMPAIGN,
        campaign_name="Fibra",
        customer_id=customer_id,
        advisor="asesor1",
        result=result,
        label="Resultado",
        contacted=contacted,
        success=False,
        note="",
        callback_at=None,
        at=AT,
    )


def contacts(people: Sessions) -> list[tuple[int, str]]:
    with people() as session:
        rows = session.execute(select(Contact.customer_id, Contact.channel).order_by(Contact.id))
        return [(row.customer_id, row.channel) for row in rows]


def consents(people: Sessions, customer_id: int) -> list[tuple[str, bool]]:
    with people() as session:
        query = select(Consent.channel, Consent.given).filter_by(customer_id=customer_id)
        return [(row.channel, row.given) for row in session.execute(query.order_by(Consent.id))]


def test_only_a_mail_that_was_sent_is_a_contact_and_a_line(
    customers: Any, people: Sessions, person: Callable[[], int]
) -> None:
    final = [state for state in RecipientState if state not in ("pending", "sending")]
    who = {state: person() for state in final}
    outcomes = [
        mailer.Outcome(customer_id=who[state], state=state, reason=None, at=AT) for state in final
    ]
    progress = mailer.MailingProgressed(
        mailing_id=1, campaign_id=CAMPAIGN, campaign_name="Fibra", subject="Hola", outcomes=outcomes
    )
    customers.on_mailing_progressed(uuid4(), progress)
    assert contacts(people) == [(who[RecipientState.SENT], "mail")]
    with people() as session:
        lines = session.execute(select(TimelineEntry.customer_id)).scalars().all()
        touched = session.execute(
            select(Customer.id).where(Customer.last_contact_at == AT)
        ).scalars()
        assert lines == list(touched) == [who[RecipientState.SENT]]


@pytest.mark.parametrize("contacted", [True, False])
def test_only_a_call_that_reached_somebody_is_a_contact(
    customers: Any, people: Sessions, person: Callable[[], int], contacted: bool
) -> None:
    customer_id = person()
    result = CallResult.NOT_INTERESTED if contacted else CallResult.NO_ANSWER
    customers.on_call_recorded(uuid4(), call(customer_id, result, contacted=contacted))
    assert contacts(people) == ([(customer_id, "phone")] if contacted else [])
    assert consents(people, customer_id) == []
    assert outbox_of(people) == []


def test_who_asks_not_to_be_called_is_called_by_nobody(
    customers: Any, people: Sessions, person: Callable[[], int]
) -> None:
    customer_id = person()
    customers.on_call_recorded(uuid4(), call(customer_id, CallResult.DO_NOT_CALL, contacted=True))
    found = customers.get_customer(customer_id)
    assert (found.do_not_call, found.consent_phone) == (True, False)
    assert (found.do_not_mail, found.consent_mail) == (False, True)
    assert consents(people, customer_id) == [("phone", False)]
    (told,) = [payload for kind, payload in outbox_of(people) if kind == "contact_states_changed"]
    assert told["customers"][0]["phone_block"] == "do_not_contact"
    assert told["customers"][0]["mail_block"] is None


def test_who_unsubscribes_is_mailed_by_nobody(
    customers: Any, people: Sessions, person: Callable[[], int]
) -> None:
    customer_id = person()
    unsubscribed = mailer.RecipientUnsubscribed(
        customer_id=customer_id, campaign_id=CAMPAIGN, mailing_id=1, at=AT
    )
    customers.on_recipient_unsubscribed(uuid4(), unsubscribed)
    found = customers.get_customer(customer_id)
    assert (found.do_not_mail, found.consent_mail) == (True, False)
    assert (found.do_not_call, found.consent_phone) == (False, True)
    assert consents(people, customer_id) == [("mail", False)]
    (told,) = [payload for kind, payload in outbox_of(people) if kind == "contact_states_changed"]
    assert told["customers"][0]["mail_block"] == "do_not_contact"
    assert told["customers"][0]["phone_block"] is None
