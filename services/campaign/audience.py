"""campaign's SQL on audiences: editions and their members."""

from collections import Counter
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from services.campaign import contact_states
from services.campaign.exports import ENDED
from services.campaign.models import Audience, Campaign, EditionState, Export, Member
from shared import clock, keyset, outbox, transfer
from shared.contract import Slice
from shared.contracts import campaign as contract
from shared.contracts.campaign import AudienceMoved, AudienceRequested, AudienceState
from shared.contracts.customer_query import AUDIENCE_COLUMNS
from shared.contracts.segments import parse
from shared.ecuador.names import fold

_CONTROL_STEPS = 10_000
_NO_FIGURES: dict[str, Any] = {
    "control": 0,
    "reachable_mail": 0,
    "reachable_phone": 0,
    "blocked_mail": {},
    "blocked_phone": {},
}
_NOTHING = contract.Audience(
    state=AudienceState.NONE, expected=None, transferred=0, updated_at=None, **_NO_FIGURES
)


def find_latest(session: Session, campaign_id: int) -> Audience | None:
    """The newest edition, complete or on its way."""
    return session.execute(
        select(Audience)
        .filter_by(campaign_id=campaign_id)
        .order_by(Audience.requested_at.desc())
        .limit(1)
    ).scalar_one_or_none()


def request(session: Session, campaign: Campaign) -> None:
    """Ask customer_query for a new edition (`AudienceRequested`)."""
    audience_id = insert_audience(session, campaign.id)
    outbox.add(
        session,
        AudienceRequested(
            transfer_id=audience_id,
            campaign_id=campaign.id,
            definition=parse(campaign.definition),
        ),
    )


def insert_audience(session: Session, campaign_id: int) -> UUID:
    """A new edition that expects its rows."""
    audience_id = uuid4()
    session.execute(
        insert(Audience).values(
            id=audience_id, campaign_id=campaign_id, state=EditionState.TRANSFERRING
        )
    )
    transfer.expect(session, audience_id)
    return audience_id


def tell(session: Session, audience_id: UUID) -> None:
    """Pages that show the edition are to look again."""
    edition = session.get(Audience, audience_id)
    if edition is not None:  # a late chunk of one that is forgotten
        outbox.add(session, AudienceMoved(campaign_id=edition.campaign_id))


def get_status(session: Session, campaign_id: int) -> contract.Audience:
    """State and figures of the newest edition; one aggregate over its chunks while it runs.

    Of an edition that failed the error is told, with the figures of the one that still serves.
    """
    latest = find_latest(session, campaign_id)
    if latest is None:
        return _NOTHING
    shown = latest
    if latest.state is EditionState.FAILED:
        shown = _find_present(session, campaign_id) or latest
    progress = transfer.progress(session, shown.id)
    return contract.Audience(
        state=AudienceState(shown.state),
        expected=progress.expected_rows,
        transferred=progress.loaded_rows,
        updated_at=shown.completed_at or shown.requested_at,
        error=latest.error,
        **(shown.figures or _NO_FIGURES),
    )


def _find_present(session: Session, campaign_id: int) -> Audience | None:
    present = session.get_one(Campaign, campaign_id).audience_id
    return None if present is None else session.get_one(Audience, present)


# --- loading ---


def remove_members(session: Session, audience_id: UUID) -> None:
    """Drop what an edition holds, or held of a dead attempt."""
    session.execute(delete(Member).where(Member.audience_id == audience_id))


DESTINATION = transfer.Destination(Member.__tablename__, AUDIENCE_COLUMNS, remove_members)


def set_ready(session: Session, audience_id: UUID, rows: int) -> Audience | None:
    """Draw the control group, count, and make the edition its campaign's present one.

    None when it has ended already, or the campaign has a newer complete edition: then this one
    is marked, for `remove_superseded`.
    """
    edition = session.get_one(Audience, audience_id)
    campaign = session.get_one(Campaign, edition.campaign_id, with_for_update=True)
    session.refresh(edition)
    if edition.state is not EditionState.TRANSFERRING:
        return None
    if _is_late(session, campaign, edition):
        edition.state = EditionState.SUPERSEDED
        return None
    contact_states.catch_up(session, audience_id)
    _draw_control(session, edition, campaign.control_share)
    edition.state, edition.completed_at, edition.rows = EditionState.READY, clock.now(), rows
    edition.figures = _count_figures(session, audience_id)
    campaign.audience_id, campaign.version = audience_id, campaign.version + 1
    tell(session, audience_id)
    return edition


def _is_late(session: Session, campaign: Campaign, edition: Audience) -> bool:
    present = session.get(Audience, campaign.audience_id) if campaign.audience_id else None
    return present is not None and present.requested_at > edition.requested_at


def set_failed(session: Session, audience_id: UUID, error: str) -> Audience | None:
    """Give an edition up, with what has come of it; None when it has ended already."""
    edition = session.get(Audience, audience_id, with_for_update=True)
    if edition is None or edition.state is not EditionState.TRANSFERRING:
        return None
    edition.state, edition.error, edition.completed_at = EditionState.FAILED, error, clock.now()
    if not transfer.fail(session, audience_id, DESTINATION):
        remove_members(session, audience_id)
    tell(session, audience_id)
    return edition


def _draw_control(session: Session, edition: Audience, share: float) -> None:
    """Hold back a random share: random over people, the same at every refresh of a campaign."""
    if share == 0:
        return
    draw = func.abs(func.hashint8extended(Member.customer_id, edition.campaign_id) % _CONTROL_STEPS)
    session.execute(
        update(Member)
        .where(Member.audience_id == edition.id, draw < share * _CONTROL_STEPS)
        .values(control=True)
    )


def _count_figures(session: Session, audience_id: UUID) -> dict[str, Any]:
    """One pass over the edition; the groups are at most a few dozen."""
    figures: dict[str, Any] = {"control": 0, "reachable_mail": 0, "reachable_phone": 0}
    blocked: dict[str, Counter[str]] = {"blocked_mail": Counter(), "blocked_phone": Counter()}
    query = (
        select(Member.control, Member.mail_block, Member.phone_block, func.count())
        .where(Member.audience_id == audience_id)
        .group_by(Member.control, Member.mail_block, Member.phone_block)
    )
    for control, mail, phone, count in session.execute(query):
        if control:
            figures["control"] += count
            continue
        for channel, block in (("mail", mail), ("phone", phone)):
            if block is None:
                figures[f"reachable_{channel}"] += count
            else:
                blocked[f"blocked_{channel}"][block] += count
    return figures | {name: dict(counts) for name, counts in blocked.items()}


def get_campaign_of(session: Session, audience_id: UUID) -> Campaign:
    """The campaign of an edition."""
    return session.get_one(Campaign, session.get_one(Audience, audience_id).campaign_id)


def list_superseded(session: Session, campaign: Campaign) -> list[UUID]:
    """Editions asked for before the present one whose members no export needs any more."""
    if campaign.audience_id is None:
        return []
    needed = select(Export.audience_id).where(
        Export.campaign_id == campaign.id,
        Export.state.not_in(ENDED),
        Export.audience_id.is_not(None),
    )
    query = select(Audience.id).where(
        Audience.campaign_id == campaign.id,
        Audience.requested_at < session.get_one(Audience, campaign.audience_id).requested_at,
        Audience.state != EditionState.TRANSFERRING,
        Audience.id.not_in(needed),
    )
    return list(session.execute(query).scalars())


def remove_edition(session: Session, audience_id: UUID) -> None:
    """Forget a superseded edition and its members."""
    remove_members(session, audience_id)
    session.execute(delete(Audience).where(Audience.id == audience_id))


# --- members ---


def list_members(
    session: Session, audience_id: UUID, search: str | None, after: str | None, limit: int
) -> Slice[Member]:
    """By customer, so that the primary key is the order."""
    query = select(Member).where(Member.audience_id == audience_id)
    if search:
        text = search.strip()
        surname = func.lower(func.unaccent(Member.last_names)).startswith(
            fold(text), autoescape=True
        )
        query = query.where(or_(Member.cedula == text, surname))
    return keyset.fetch(session, query, [Member.customer_id], after, limit)
