"""What customer_query tells the other rooms of people, and people of themselves."""

from collections.abc import Iterable, Iterator

from sqlalchemy.orm import Session

from services.customer_query import store
from services.customer_query.models import Customer
from shared import clock, letters, outbox
from shared.contracts import customer_query as contract
from shared.contracts.mailer import Addressee, LetterTemplate
from shared.ecuador.dates import format_date

EVENT_BATCH = 500


def announce_contact_states(session: Session, customer_ids: Iterable[int]) -> None:
    """Where these people may be contacted now, in batches."""
    for batch in _batches(customer_ids):
        states = store.contact_states(session, batch)
        outbox.add(session, contract.ContactStatesChanged(customers=states))


def announce_erased(session: Session, customer_ids: Iterable[int]) -> None:
    """These people are to be forgotten, in batches; in parked messages as well."""
    for batch in _batches(customer_ids):
        outbox.add(session, contract.CustomersErased(customer_ids=batch))
    outbox.add_job(session, "customer_query.forget_parked")


def confirm_erasure(session: Session, customer: Customer) -> None:
    """Tell the person, while the address is still known; whoever asks is owed an answer (LOPDP)."""
    if not customer.email:
        return
    person = Addressee(customer_id=customer.id, full_name=customer.full_name, email=customer.email)
    letters.send(
        session,
        LetterTemplate.DATA_ERASED,
        to=person,
        fields={"erased_on": format_date(clock.today())},
        reference=f"erased:{customer.id}",
    )


def _batches(customer_ids: Iterable[int]) -> Iterator[list[int]]:
    ids = list(dict.fromkeys(customer_ids))
    for start in range(0, len(ids), EVENT_BATCH):
        yield ids[start : start + EVENT_BATCH]
