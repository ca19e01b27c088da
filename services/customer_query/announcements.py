"""What customer_query tells the other rooms of many people at once."""

from collections.abc import Iterable, Iterator

from sqlalchemy.orm import Session

from services.customer_query import store
from shared import outbox
from shared.contracts import customer_query as contract

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


def _batches(customer_ids: Iterable[int]) -> Iterator[list[int]]:
    ids = list(dict.fromkeys(customer_ids))
    for start in range(0, len(ids), EVENT_BATCH):
        yield ids[start : start + EVENT_BATCH]
