"""customer_query's SQL on profiles, their consents and their time line."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, case, delete, false, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.customer_query import profiles, reach, reveals
from services.customer_query.models import (
    CampaignMember,
    Consent,
    Contact,
    Customer,
    HeldService,
    ImportChange,
    TimelineEntry,
)
from services.customer_query.reach import Whose, within
from services.customer_query.segment_sql import mail_refusal, phone_refusal
from shared import clock, edits, keyset
from shared.contract import Slice
from shared.contracts import customer_query as contract
from shared.ecuador.dates import years_before
from shared.ecuador.names import fold
from shared.ecuador.phones import parse_phone
from shared.ecuador.ruc import parse_identity
from shared.errors import Conflict, Invalid, NotFound

TAKEN = "Ya hay un cliente con esta cédula."


def get_customer(
    session: Session, customer_id: int, whose: Whose, *, lock: bool = False
) -> Customer:
    """One customer of these users' work, the row locked when asked. Raises NotFound."""
    query = select(Customer).where(Customer.id == customer_id, *within(whose))
    found = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if found is None:
        raise NotFound("El cliente no existe.")
    return found


def insert_customer(session: Session, values: dict[str, Any]) -> Customer:
    """A new customer from checked values. Raises Invalid when the cédula exists."""
    try:
        return session.execute(insert(Customer).values(values).returning(Customer)).scalar_one()
    except IntegrityError:
        raise Invalid.field("cedula", TAKEN) from None


def set_customer(session: Session, customer_id: int, values: dict[str, Any]) -> Customer:
    """Change columns of a customer. Raises Invalid when the cédula is another's."""
    try:
        return session.execute(
            update(Customer)
            .where(Customer.id == customer_id)
            .values(version=Customer.version + 1, updated_at=clock.now(), **edits.mark(), **values)
            .returning(Customer)
            .execution_options(populate_existing=True)
        ).scalar_one()
    except IntegrityError:
        raise Invalid.field("cedula", TAKEN) from None


@dataclass(frozen=True)
class Wanted:
    """Whom a list is of; `by_parts`: a cédula also by its beginning, which tells its digits."""

    search: str | None = None
    province: str | None = None
    category: str | None = None
    by_parts: bool = False


def list_customers(
    session: Session, wanted: Wanted, whose: Whose, after: str | None, limit: int
) -> Slice[Customer]:
    """By surname; each way of searching has its index."""
    query = select(Customer).where(Customer.erased_at.is_(None), *within(whose))
    if wanted.search and wanted.search.strip():
        query = query.where(_matches(wanted.search.strip(), by_parts=wanted.by_parts))
    if wanted.province:
        query = query.where(Customer.province == wanted.province)
    if wanted.category:
        query = query.where(Customer.category == wanted.category)
    return keyset.fetch(session, query, [Customer.search, Customer.id], after, limit)


def find_by_number(session: Session, number: str) -> Customer:
    """The one person with a cédula, RUC or telephone. Raises Invalid, NotFound, Conflict."""
    query = select(Customer).where(Customer.erased_at.is_(None), _is_number_of(number.strip()))
    found = session.execute(query.limit(2)).scalars().all()
    if not found:
        raise NotFound("Ningún cliente tiene este número.")
    if len(found) > 1:
        raise Conflict("Varios clientes tienen este teléfono: pida la cédula.")
    return found[0]


def _is_number_of(number: str) -> ColumnElement[bool]:
    """Whole, in the form in which it is kept."""
    readers = ((Customer.cedula, parse_identity), (Customer.phone, _parse_e164))
    for column, read in readers:
        with suppress(ValueError):
            return column == read(number)
    raise Invalid.field("number", "Escriba la cédula o el teléfono completo.")


def _parse_e164(text: str) -> str:
    return parse_phone(text).e164


def _matches(text: str, *, by_parts: bool) -> Any:
    if "@" in text:
        return func.lower(Customer.email) == text.lower()
    if any(character.isdigit() for character in text):
        return _matches_number(text, by_parts=by_parts)
    folded = fold(text)
    return Customer.search.startswith(folded, autoescape=True) if folded else false()


def _matches_number(text: str, *, by_parts: bool) -> Any:
    digits = "".join(character for character in text if character.isdigit())
    try:
        phone = parse_phone(text).e164
    except ValueError:
        phone = text
    begins = Customer.cedula.startswith(digits, autoescape=True)
    return (begins if by_parts else Customer.cedula == digits) | (Customer.phone == phone)


# --- erasing ---


def erase_customer(session: Session, customer_id: int) -> None:
    """Blank the person; the row, its place and its counts stay."""
    session.execute(
        update(Customer)
        .where(Customer.id == customer_id)
        .values(
            cedula=f"borrado-{customer_id}",
            first_names="",
            last_names="",
            search="",
            birth_on=None,
            income=None,
            address=None,
            email=None,
            phone=None,
            other_phones=[],
            preferred_channel=None,
            preferred_hours=None,
            consent_mail=False,
            consent_phone=False,
            do_not_mail=True,
            do_not_call=True,
            risk_category=None,
            erased_at=clock.now(),
            updated_at=clock.now(),
            version=Customer.version + 1,
            **edits.mark(),
        )
    )
    held = update(HeldService).filter_by(customer_id=customer_id)
    session.execute(held.values(line_number=None))  # which is the person's own
    session.execute(delete(TimelineEntry).filter_by(customer_id=customer_id))
    reach.forget_people(session, [customer_id])
    reveals.forget_people(session, [customer_id])
    session.execute(delete(ImportChange).filter_by(customer_id=customer_id))


def list_erased(session: Session, since: datetime) -> list[int]:
    """People who were erased after a moment."""
    return list(session.execute(select(Customer.id).where(Customer.erased_at > since)).scalars())


# --- consents and contact states ---


def insert_consents(session: Session, rows: list[dict[str, Any]]) -> None:
    """Lines of the consent ledger."""
    if rows:
        session.execute(insert(Consent), rows)


def list_consents(session: Session, customer_id: int) -> list[Consent]:
    """A person's consent ledger, oldest first."""
    query = select(Consent).filter_by(customer_id=customer_id).order_by(Consent.id)
    return list(session.execute(query).scalars())


def contact_states(session: Session, customer_ids: Iterable[int]) -> list[contract.ContactState]:
    """Where these people may be contacted now; for the event about it."""
    query = select(
        Customer.id,
        Customer.contact_version,
        Customer.email,
        Customer.phone,
        mail_refusal(),
        phone_refusal(),
        Customer.mail_bounced,
    ).where(Customer.id.in_(list(customer_ids)))
    return [
        contract.ContactState(
            customer_id=customer_id,
            version=version,
            email=email,
            phone=phone,
            mail_block=contract.Block(mail) if mail else None,
            phone_block=contract.Block(call) if call else None,
            mail_bounced=bounced,
        )
        for customer_id, version, email, phone, mail, call, bounced in session.execute(query)
    ]


# --- contacts and time line ---


def insert_contacts(
    session: Session,
    campaign_id: int,
    channel: contract.Channel,
    touched: list[tuple[int, datetime]],
) -> None:
    """Marketing touches, counted towards the cap and shown as the last contact."""
    if not touched:
        return
    session.execute(
        insert(Contact),
        [
            {"customer_id": customer_id, "campaign_id": campaign_id, "channel": channel, "at": at}
            for customer_id, at in touched
        ],
    )
    latest = max(at for _, at in touched)
    session.execute(
        update(Customer)
        .where(Customer.id.in_([customer_id for customer_id, _ in touched]))
        .values(last_contact_at=func.greatest(Customer.last_contact_at, latest))
    )


def insert_timeline(session: Session, entries: list[dict[str, Any]]) -> None:
    """Lines of the customers' time lines."""
    if entries:
        session.execute(insert(TimelineEntry), entries)


def list_timeline(
    session: Session, customer_id: int, after: str | None, limit: int
) -> Slice[TimelineEntry]:
    """Newest first by time of arrival."""
    query = select(TimelineEntry).filter_by(customer_id=customer_id)
    return keyset.fetch(session, query, [TimelineEntry.id.desc()], after, limit)


def list_campaigns_of(session: Session, customer_id: int) -> list[int]:
    """Campaigns to whose audience the person was exported."""
    query = select(CampaignMember.campaign_id).filter_by(customer_id=customer_id)
    return list(session.execute(query.order_by(CampaignMember.campaign_id)).scalars())


# --- reading ---


def new_values(checked: dict[str, Any]) -> dict[str, Any]:
    """Columns of a new customer that follow from the others."""
    today = clock.today()
    joined_on = checked.get("joined_on") or today
    return checked | {
        "joined_on": joined_on,
        "category": profiles.category_of(joined_on, today),
        "search": profiles.search_text(checked["first_names"], checked["last_names"]),
    }


def update_categories(session: Session, today: date) -> None:
    """Move people whose tenure crossed a limit, except those set by hand."""
    new_after = years_before(today, profiles.NEW_BELOW_YEARS)
    loyal_before = years_before(today, profiles.LOYAL_ABOVE_YEARS)
    by_tenure = case(
        (Customer.joined_on > new_after, contract.Category.NEW.value),
        (Customer.joined_on < loyal_before, contract.Category.LOYAL.value),
        else_=contract.Category.REGULAR.value,
    )
    session.execute(
        update(Customer)
        .where(Customer.category_reason.is_(None), Customer.category != by_tenure)
        .values(category=by_tenure)
    )
