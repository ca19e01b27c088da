"""campaign's SQL on audiences that other rooms asked for."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, cast, insert, literal, select, update
from sqlalchemy import Uuid as UuidType
from sqlalchemy.orm import Session

from services.campaign.models import Export, ExportState, Member
from shared.contracts import campaign as contract

ENDED = (ExportState.DONE, ExportState.FAILED)


def insert_export(session: Session, values: dict[str, Any]) -> Export:
    """An audience that another room waits for."""
    return session.execute(insert(Export).values(values).returning(Export)).scalar_one()


def list_waiting(session: Session, campaign_id: int, audience_id: UUID) -> list[UUID]:
    """Exports that waited for this edition, now theirs and running."""
    query = (
        update(Export)
        .where(Export.campaign_id == campaign_id, Export.state == ExportState.WAITING)
        .values(audience_id=audience_id, state=ExportState.RUNNING)
        .returning(Export.transfer_id)
    )
    return list(session.execute(query).scalars())


def claim_export(session: Session, transfer_id: UUID) -> Export | None:
    """The export with its next attempt number; None when it is done."""
    query = (
        update(Export)
        .where(Export.transfer_id == transfer_id, Export.state == ExportState.RUNNING)
        .values(attempt=Export.attempt + 1)
        .returning(Export)
    )
    return session.execute(query).scalar_one_or_none()


def set_exported(session: Session, transfer_id: UUID) -> None:
    """All chunks are published."""
    session.execute(
        update(Export).filter_by(transfer_id=transfer_id).values(state=ExportState.DONE)
    )


def fail_export(session: Session, transfer_id: UUID) -> list[Export]:
    """Give an export up; nothing when it has ended."""
    return _fail(session, Export.transfer_id == transfer_id)


def fail_waiting(session: Session, campaign_id: int) -> list[Export]:
    """Give up what waits for an edition that will not come."""
    return _fail(session, Export.campaign_id == campaign_id, Export.state == ExportState.WAITING)


def _fail(session: Session, *which: ColumnElement[bool]) -> list[Export]:
    query = (
        update(Export)
        .where(*which, Export.state.not_in(ENDED))
        .values(state=ExportState.FAILED)
        .returning(Export)
    )
    return list(session.execute(query).scalars())


def select_recipients(export: Export) -> Select[Any]:
    """The rows of `contract.RECIPIENT_COLUMNS`."""
    columns = [getattr(Member, name) for name in contract.RECIPIENT_COLUMNS[1:-2]]
    before = [_uuid(export.transfer_id), *columns]
    return _exported(export, [*before, Member.mail_block, Member.contact_version])


def select_call_list(export: Export) -> Select[Any]:
    """The rows of `contract.CALL_LIST_COLUMNS`."""
    columns = [getattr(Member, name) for name in contract.CALL_LIST_COLUMNS[2:-2]]
    before = [_uuid(export.transfer_id), literal(export.campaign_id)]
    return _exported(export, [*before, *columns, Member.phone_block, Member.contact_version])


def _exported(export: Export, columns: list[Any]) -> Select[Any]:
    query = select(*columns).where(
        Member.audience_id == export.audience_id, Member.control.is_(False)
    )
    if export.customer_ids is not None:
        query = query.where(Member.customer_id.in_(export.customer_ids))
    return query


def _uuid(value: UUID) -> Any:
    return cast(literal(str(value)), UuidType)
