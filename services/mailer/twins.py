"""Two runs of one design to the same people within minutes: two tabs, or two people."""

from datetime import timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.mailer.models import Mailing
from shared import clock
from shared.contracts.mailer import MailingKind, MailingState
from shared.ecuador.dates import format_time
from shared.errors import Conflict

TWIN = timedelta(minutes=15)
_TWIN_LOCK = "SELECT pg_advisory_xact_lock(hashtext('mailing twin'), hashtext(:campaign))"
_AGAIN = (
    "Este diseño ya se envía a las mismas personas: {} comenzó el envío {} a las {}. "
    "Confirme si debe salir otra vez."
)


def refuse(
    session: Session, campaign_id: int, design_id: int, customer_ids: list[int] | None
) -> None:
    """Raises Conflict, naming it, when such a run was begun minutes ago: two tabs, two people.

    Those who begin runs of a campaign take turns, so the second sees the first's.
    """
    session.execute(text(_TWIN_LOCK), {"campaign": str(campaign_id)})
    query = select(Mailing).where(
        Mailing.campaign_id == campaign_id,
        Mailing.design_id == design_id,
        Mailing.kind == MailingKind.ON_DEMAND,
        Mailing.state.not_in([MailingState.CANCELLED, MailingState.FAILED]),
        Mailing.created_at > clock.now() - TWIN,
        Mailing.customer_ids.is_not_distinct_from(customer_ids),
    )
    found = session.execute(query.order_by(Mailing.id).limit(1)).scalar_one_or_none()
    if found is not None:
        raise Conflict(_AGAIN.format(found.created_by, found.id, format_time(found.created_at)))
