"""Segments over REST."""

from typing import Annotated

from pydantic import Field

from services.gateway.asking import Ask
from services.gateway.routing import Api
from shared.contract import Id, Limit, Model, Page
from shared.contracts.customer_query import (
    Definition,
    NewSegment,
    Segment,
    SegmentCount,
    count_segment,
    create_segment,
    delete_segment,
    get_segment,
    list_segments,
    update_segment,
)
from shared.contracts.identity import Permission

api = Api("segment")


class Counted(Model):
    """What to count."""

    definition: Definition


class SegmentChange(Model):
    """What to change; what is not given stays."""

    name: Annotated[str, Field(min_length=3, max_length=120)] | None = None
    description: Annotated[str, Field(max_length=500)] | None = None
    definition: Definition | None = None


@api.post("/segments/count", allow=Permission.SEGMENT_READ)
async def count(asked: Counted, ask: Ask) -> SegmentCount:
    """Who a definition means right now, exactly; a wrong criterion is named by its path."""
    return await ask(count_segment, asked.definition)


@api.get("/segments", allow=Permission.SEGMENT_READ)
async def show_segments(
    ask: Ask, search: str | None = None, after: str | None = None, limit: Limit = 50
) -> Page[Segment]:
    """Saved segments by name."""
    return await ask(list_segments, search=search, after=after, limit=limit)


@api.post("/segments", allow=Permission.SEGMENT_WRITE, status_code=201)
async def add_segment(new: NewSegment, ask: Ask) -> Segment:
    """Save a segment."""
    return await ask(create_segment, new)


@api.get("/segments/{segment_id}", allow=Permission.SEGMENT_READ)
async def show_segment(segment_id: Id, ask: Ask) -> Segment:
    """One segment."""
    return await ask(get_segment, segment_id)


@api.patch("/segments/{segment_id}", allow=Permission.SEGMENT_WRITE)
async def change_segment(segment_id: Id, change: SegmentChange, ask: Ask) -> Segment:
    """The next version of a segment."""
    before = await ask(get_segment, segment_id)
    given = change.model_dump(exclude_none=True)
    new = NewSegment.model_validate(
        {name: given.get(name, getattr(before, name)) for name in NewSegment.model_fields}
    )
    return await ask(update_segment, segment_id, new)


@api.delete("/segments/{segment_id}", allow=Permission.SEGMENT_WRITE, status_code=204)
async def remove_segment(segment_id: Id, ask: Ask) -> None:
    """Forget a segment; campaigns made from it keep its definition."""
    await ask(delete_segment, segment_id)
