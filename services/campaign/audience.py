"""campaign's SQL on audiences: editions, members, and the exports of them."""

from collections import Counter
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Select, cast, delete, func, insert, literal, or_, select, update
from sqlalchemy import Uuid as UuidType
from sqlalchemy.orm import Session

from services.campaign.models import Audience, Campaign, Export, Member
from shared import clock, transfer
from shared.contracts import campaign as contract
from shared.contracts.customer_query import AUDIENCE_COLUMNS
from shared.ecuador.names import fold

_CONTROL_STEPS = 10_000
_NO_FIGURES: dict[str, Any] = {
    "control": 0,
    "reachable_mail": 0,
    "reachable_phone": 0,
    "blocked_mail": {},
    "blocked_phone": {},
}


def find_latest(session: Session, campaign_id: int) -> Audience | None:
    """The newest edition, complete or on its way."""
    return session.execute(
        select(Audience)
        .filter_by(campaign_id=campaign_id)
        .order_by(Audience.requested_at.desc())
        .limit(1)
    ).scalar_one_or_none()


def insert_audience(session: Session, campaign_id: int) -> UUID:
    """A new edition that expects its rows."""
    audience_id = uuid4()
    session.execute(
        insert(Audience).values(id=audience_id, campaign_id=campaign_id, state="transferring")
    )
    transfer.expect(session, audience_id)
    return audience_id


def get_status(session: Session, campaign_id: int) -> contract.Audience:
    """State and figures of the newest edition; one aggregate over its chunks while it runs."""
    latest = find_latest(session, campaign_id)
    if latest is None:
        return contract.Audience(
            state=contract.AudienceState.NONE,
            expected=None,
            transferred=0,
            updated_at=None,
            **_NO_FIGURES,
        )
    progress = transfer.progress(session, latest.id)
    return contract.Audience(
        state=contract.AudienceState(latest.state),
        expected=progress.expected_rows,
        transferred=progress.loaded_rows,
        updated_at=latest.completed_at or latest.requested_at,
        **(latest.figures or _NO_FIGURES),
    )


# --- loading ---


def remove_members(session: Session, audience_id: UUID) -> None:
    """Drop what an edition holds, or held of a dead attempt."""
    session.execute(delete(Member).where(Member.audience_id == audience_id))


TARGET = transfer.Target(Member.__tablename__, AUDIENCE_COLUMNS, remove_members)


def set_ready(session: Session, audience_id: UUID, rows: int) -> Audience | None:
    """Draw the control group, count, and make the edition its campaign's present one.

    None when the campaign has a newer complete edition already.
    """
    edition = session.get_one(Audience, audience_id)
    campaign = session.get_one(Campaign, edition.campaign_id, with_for_update=True)
    present = session.get(Audience, campaign.audience_id) if campaign.audience_id else None
    if present is not None and present.requested_at > edition.requested_at:
        return None
    _draw_control(session, edition, campaign.control_share)
    edition.state, edition.completed_at, edition.rows = "ready", clock.now(), rows
    edition.figures = _count_figures(session, audience_id)
    campaign.audience_id = audience_id
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


def list_superseded(session: Session, campaign_id: int, audience_id: UUID) -> list[UUID]:
    """Older editions whose members are no longer needed by any export."""
    needed = select(Export.audience_id).where(
        Export.campaign_id == campaign_id, Export.state != "done", Export.audience_id.is_not(None)
    )
    query = select(Audience.id).where(
        Audience.campaign_id == campaign_id,
        Audience.id != audience_id,
        Audience.state == "ready",
        Audience.id.not_in(needed),
    )
    return list(session.execute(query).scalars())


def remove_edition(session: Session, audience_id: UUID) -> None:
    """Forget a superseded edition and its members."""
    remove_members(session, audience_id)
    session.execute(delete(Audience).where(Audience.id == audience_id))


# --- members ---


def list_members(
    session: Session, audience_id: UUID, search: str | None, after: int | None, limit: int
) -> list[contract.Member]:
    """By customer, so that the primary key is the order."""
    query = (
        select(Member)
        .where(Member.audience_id == audience_id)
        .order_by(Member.customer_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(Member.customer_id > after)
    if search:
        text = search.strip()
        surname = func.lower(func.unaccent(Member.last_names)).startswith(
            fold(text), autoescape=True
        )
        query = query.where(or_(Member.cedula == text, surname))
    return [
        contract.Member(
            customer_id=row.customer_id,
            cedula=row.cedula,
            full_name=f"{row.first_names} {row.last_names}",
            province=row.province,
            canton=row.canton,
            email=row.email,
            phone=row.phone,
            mail_block=row.mail_block,
            phone_block=row.phone_block,
            control=row.control,
        )
        for row in session.execute(query).scalars()
    ]


def set_contact_state(session: Session, state: dict[str, Any]) -> None:
    """Follow a change of a person's consent or address in every edition held."""
    session.execute(
        update(Member)
        .where(Member.customer_id == state["customer_id"])
        .values({key: state[key] for key in ("email", "phone", "mail_block", "phone_block")})
    )


def erase(session: Session, customer_ids: list[int]) -> None:
    """Blank the copies of people who asked to be forgotten; the rows still count."""
    session.execute(
        update(Member)
        .where(Member.customer_id.in_(customer_ids))
        .values(
            cedula=func.concat("borrado-", Member.customer_id),
            first_names="",
            last_names="",
            birth_on=None,
            income=None,
            email=None,
            phone=None,
            mail_block="do_not_contact",
            phone_block="do_not_contact",
        )
    )


# --- exports ---


def insert_export(session: Session, values: dict[str, Any]) -> None:
    """An audience that another room waits for."""
    session.execute(insert(Export).values(values))


def list_waiting(session: Session, campaign_id: int, audience_id: UUID) -> list[UUID]:
    """Exports that waited for this edition, now theirs and running."""
    query = (
        update(Export)
        .where(Export.campaign_id == campaign_id, Export.state == "waiting")
        .values(audience_id=audience_id, state="running")
        .returning(Export.transfer_id)
    )
    return list(session.execute(query).scalars())


def claim_export(session: Session, transfer_id: UUID) -> Export | None:
    """The export with its next attempt number; None when it is done."""
    query = (
        update(Export)
        .where(Export.transfer_id == transfer_id, Export.state == "running")
        .values(attempt=Export.attempt + 1)
        .returning(Export)
    )
    return session.execute(query).scalar_one_or_none()


def set_exported(session: Session, transfer_id: UUID) -> None:
    """All chunks are published."""
    session.execute(update(Export).filter_by(transfer_id=transfer_id).values(state="done"))


def select_recipients(export: Export) -> Select[Any]:
    """The rows of `contract.RECIPIENT_COLUMNS`."""
    columns = [getattr(Member, name) for name in contract.RECIPIENT_COLUMNS[1:-1]]
    return _exported(export, [_uuid(export.transfer_id), *columns, Member.mail_block])


def select_call_list(export: Export) -> Select[Any]:
    """The rows of `contract.CALL_LIST_COLUMNS`."""
    columns = [getattr(Member, name) for name in contract.CALL_LIST_COLUMNS[2:-1]]
    campaign_id = literal(export.campaign_id)
    return _exported(export, [_uuid(export.transfer_id), campaign_id, *columns, Member.phone_block])


def _exported(export: Export, columns: list[Any]) -> Select[Any]:
    query = select(*columns).where(
        Member.audience_id == export.audience_id, Member.control.is_(False)
    )
    if export.customer_ids is not None:
        query = query.where(Member.customer_id.in_(export.customer_ids))
    return query


def _uuid(value: UUID) -> Any:
    return cast(literal(str(value)), UuidType)
