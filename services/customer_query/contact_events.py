"""What other rooms' events mean for the people: contacts, refusals, time line, risk."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, bindparam, inspect, or_, update
from sqlalchemy.orm import Session

from services.customer_query import store
from services.customer_query.models import Customer
from shared import edits
from shared.contracts.customer_query import Channel, TimelineKind
from shared.contracts.mailer import MailingProgressed, RecipientState, RecipientUnsubscribed
from shared.contracts.risk_central import RisksChanged
from shared.contracts.telemarketing import CallRecorded, CallResult, RiskChecked, RiskState
from shared.words import inside


def note_mails(session: Session, event: MailingProgressed) -> None:
    """Each mail that was sent: a contact, and a line of the time line."""
    sent = [item for item in event.outcomes if item.state is RecipientState.SENT]
    store.insert_contacts(
        session, event.campaign_id, Channel.MAIL, [(item.customer_id, item.at) for item in sent]
    )
    store.insert_timeline(
        session,
        [
            {
                "customer_id": item.customer_id,
                "at": item.at,
                "kind": TimelineKind.MAIL,
                "title": _mail_title(event.subject),
                "detail": event.campaign_name,
                "by": None,
            }
            for item in sent
        ],
    )


def _mail_title(subject: str) -> str:
    """The subject, unless it has merge fields: then it reads differently for each person."""
    return "Correo de campaña" if "{{" in subject or "{%" in subject else f"Correo: {subject}"


def stop_mail(session: Session, event: RecipientUnsubscribed) -> None:
    """The person asked not to be mailed: consent withdrawn, do-not-mail set."""
    session.execute(
        update(Customer)
        .where(Customer.id == event.customer_id)
        .values(
            consent_mail=False,
            do_not_mail=True,
            version=Customer.version + 1,
            **edits.mark("El enlace de baja de un correo"),
        )
    )
    _withdraw(session, event.customer_id, Channel.MAIL, "enlace del correo", None)
    _line(
        session,
        event.customer_id,
        event.at,
        TimelineKind.CONSENT,
        "Se dio de baja del correo",
        "",
        None,
    )


def note_call(session: Session, event: CallRecorded) -> bool:
    """A call: a contact when the person was reached; True when it ends all calls."""
    if event.contacted:
        store.insert_contacts(
            session, event.campaign_id, Channel.PHONE, [(event.customer_id, event.at)]
        )
    detail = " · ".join(part for part in (event.campaign_name, event.note) if part)
    title = f"{TimelineKind.CALL.word}: {event.label}"
    _line(session, event.customer_id, event.at, TimelineKind.CALL, title, detail, event.advisor)
    if event.result is not CallResult.DO_NOT_CALL:
        return False
    session.execute(
        update(Customer)
        .where(Customer.id == event.customer_id)
        .values(
            consent_phone=False,
            do_not_call=True,
            version=Customer.version + 1,
            **edits.mark(f"Una llamada de {event.advisor}"),
        )
    )
    _withdraw(session, event.customer_id, Channel.PHONE, "llamada", event.advisor)
    return True


def note_risk_check(session: Session, event: RiskChecked) -> None:
    """Who looked, and what category was shown."""
    reason = f"Para {inside(event.purpose.word)}"
    detail = f"Calificación {event.category}. {reason}" if event.category else reason
    kind = TimelineKind.RISK_CHECK
    known = event.state is RiskState.KNOWN
    title = kind.word if known else f"{kind.word}: {inside(event.state.word)}"
    _line(session, event.customer_id, event.at, kind, title, detail, event.advisor)
    if event.category is not None:
        session.execute(
            update(Customer)
            .where(Customer.id == event.customer_id, _is_news(Customer.risk_at, event.at))
            .values(risk_category=event.category, risk_at=event.at)
        )


def set_risk_categories(session: Session, event: RisksChanged) -> None:
    """A batch of the bureau's news, unless later ones are known of a person.

    People who are not customers are passed over.
    """
    table = cast(Table, inspect(Customer).local_table)
    session.connection().execute(
        update(table)
        .where(table.c.cedula == bindparam("of"), _is_news(table.c.risk_at, event.at))
        .values(risk_category=bindparam("new"), risk_at=event.at),
        [{"of": item.cedula, "new": item.category} for item in event.risks],
    )


def _is_news(known_at: Any, at: datetime) -> ColumnElement[bool]:
    return or_(known_at.is_(None), known_at <= at)


def _withdraw(
    session: Session, customer_id: int, channel: Channel, how: str, by: str | None
) -> None:
    store.insert_consents(
        session,
        [{"customer_id": customer_id, "channel": channel, "given": False, "how": how, "by": by}],
    )


def _line(
    session: Session,
    customer_id: int,
    at: object,
    kind: TimelineKind,
    title: str,
    detail: str,
    by: str | None,
) -> None:
    store.insert_timeline(
        session,
        [
            {
                "customer_id": customer_id,
                "at": at,
                "kind": kind,
                "title": title,
                "detail": detail,
                "by": by,
            }
        ],
    )
