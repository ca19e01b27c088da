"""customer_query's SQL on saved segments, exports and what it knows of campaigns."""

from typing import Any
from uuid import UUID

from sqlalchemy import SQLColumnExpression, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.customer_query.models import (
    Campaign,
    CampaignMember,
    Customer,
    Export,
    Segment,
    SegmentVersion,
)
from services.customer_query.segment_sql import condition
from shared import clock, edits, keyset, search
from shared.contract import Slice
from shared.contracts import customer_query as contract
from shared.contracts.campaign import AudienceRequested, CampaignChanged
from shared.contracts.segments import Tree
from shared.errors import Invalid, NotFound
from shared.keyset import Asked

TAKEN = "Ya hay un segmento con este nombre. Elija otro."


def get_segment(session: Session, segment_id: int, *, lock: bool = False) -> Segment:
    """One segment. Raises NotFound."""
    found = session.get(Segment, segment_id, with_for_update=lock)
    if found is None:
        raise NotFound("El segmento no existe.")
    return found


def name_segment(session: Session, segment_id: int) -> str:
    """As people call it; of one that is not there, the number."""
    found = session.get(Segment, segment_id)
    return found.name if found else f"n.º {segment_id}"


_SAID = func.concat_ws(" ", Segment.name, Segment.description, Segment.summary)
_ORDERS: dict[str, SQLColumnExpression[Any]] = {
    name: getattr(Segment, name) for name in ("name", "created_by", "updated_at", "version")
}


def list_segments(session: Session, text: str | None, asked: Asked) -> Slice[Segment]:
    """Those whose name, description or definition has the words."""
    query = select(Segment).where(*search.holds(_SAID, text))
    return keyset.fetch_asked(session, query, _ORDERS, Segment.name, asked)


def insert_segment(
    session: Session, new: contract.NewSegment, summary: str, created_by: str
) -> Segment:
    """A new segment, version 1. Raises Invalid when the name is taken."""
    values = new.model_dump() | {"summary": summary, "created_by": created_by}
    try:
        return session.execute(insert(Segment).values(values).returning(Segment)).scalar_one()
    except IntegrityError:
        raise Invalid.field("name", TAKEN) from None


def set_segment(
    session: Session, segment: Segment, values: dict[str, Any], changed_by: str
) -> Segment:
    """The next version; the one before is kept. Raises Invalid when the name is taken."""
    session.execute(
        insert(SegmentVersion).values(
            segment_id=segment.id,
            version=segment.version,
            definition=segment.definition,
            changed_by=changed_by,
        )
    )
    try:
        return session.execute(
            update(Segment)
            .where(Segment.id == segment.id)
            .values(version=Segment.version + 1, updated_at=func.now(), **edits.mark(), **values)
            .returning(Segment)
            .execution_options(populate_existing=True)
        ).scalar_one()
    except IntegrityError:
        raise Invalid.field("name", TAKEN) from None


def delete_segment(session: Session, segment_id: int) -> None:
    """Forget a segment and its versions. Raises NotFound."""
    segment = get_segment(session, segment_id, lock=True)
    session.execute(delete(SegmentVersion).filter_by(segment_id=segment_id))
    session.delete(segment)


# --- campaigns and exports ---


def follow_campaign(session: Session, event: CampaignChanged) -> None:
    """Follow a campaign's name and phase; an older version that comes late changes nothing."""
    statement = upsert(Campaign).values(
        campaign_id=event.campaign.campaign_id,
        name=event.campaign.name,
        phase=event.campaign.phase,
        version=event.version,
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["campaign_id"],
            set_={name: statement.excluded[name] for name in ("name", "phase", "version")},
            where=Campaign.version < statement.excluded.version,
        )
    )


def insert_export(session: Session, event: AudienceRequested) -> None:
    """An export to do."""
    session.execute(
        insert(Export).values(event.model_dump(include=set(AudienceRequested.model_fields)))
    )


def claim_export(session: Session, transfer_id: UUID) -> Export | None:
    """The export with its next attempt number; None when it has ended."""
    query = (
        update(Export)
        .where(Export.transfer_id == transfer_id, Export.rows.is_(None), Export.failed_at.is_(None))
        .values(attempt=Export.attempt + 1)
        .returning(Export)
    )
    return session.execute(query).scalar_one_or_none()


def replace_members(session: Session, campaign_id: int, definition: Tree) -> None:
    """Note who is in the campaign: in the export's own snapshot, so exactly those exported."""
    session.execute(delete(CampaignMember).filter_by(campaign_id=campaign_id))
    people: Any = select(literal(campaign_id), Customer.id).where(condition(definition))
    session.execute(insert(CampaignMember).from_select(["campaign_id", "customer_id"], people))


def set_export_failed(session: Session, transfer_id: UUID) -> bool:
    """Give an export up; False when it has ended already."""
    query = (
        update(Export)
        .where(Export.transfer_id == transfer_id, Export.rows.is_(None), Export.failed_at.is_(None))
        .values(failed_at=clock.now())
        .returning(Export.transfer_id)
    )
    return session.execute(query).first() is not None


def set_exported(session: Session, transfer_id: UUID, rows: int) -> None:
    """The export is done."""
    session.execute(update(Export).filter_by(transfer_id=transfer_id).values(rows=rows))
