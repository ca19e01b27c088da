"""What follows when an audience or an export of one cannot be had."""

from uuid import UUID

from sqlalchemy.orm import Session

from services.campaign import audience, exports
from services.campaign.models import EditionState, Export
from shared import log, outbox
from shared.contracts import campaign as contract

logger = log.get(__name__)


def fail_edition(session: Session, audience_id: UUID, reason: str) -> None:
    """End an edition as failed, and what waits for it unless another edition is on its way."""
    edition = audience.set_failed(session, audience_id, reason)
    if edition is None:
        return
    logger.warning("audience failed", audience_id=str(audience_id))
    latest = audience.find_latest(session, edition.campaign_id)
    if latest is None or latest.state is not EditionState.TRANSFERRING:
        announce(session, exports.fail_waiting(session, edition.campaign_id), reason)


def announce(session: Session, failed: list[Export], reason: str) -> None:
    """Tell who asked for these exports that they will not come."""
    outbox.add(
        session,
        *(
            contract.ExportFailed(
                transfer_id=export.transfer_id, campaign_id=export.campaign_id, reason=reason
            )
            for export in failed
        ),
    )
