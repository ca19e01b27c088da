"""Segments: the saved ones, and the builder with its live count."""

import json
from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, Response

from services.gateway import bulk, lists, menu, nesting, places
from services.gateway.asking import Ask
from services.gateway.bulk import Bulk
from services.gateway.charts import Chart, Series
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.rendering import go, render, render_form
from services.gateway.routing import Pages
from shared.contract import Id, Model
from shared.contracts.campaign import list_campaigns
from shared.contracts.criteria import CRITERIA, Campaigns, Criterion, Range
from shared.contracts.customer_query import (
    SEGMENTS,
    Definition,
    NewSegment,
    Segment,
    SegmentChange,
    SegmentPermission,
    Slice,
    count_segment,
    create_segment,
    delete_segment,
    delete_segments,
    describe_segment,
    get_segment,
    update_segment,
)
from shared.contracts.segments import dump, parse
from shared.errors import Invalid, PregonError, Unavailable

pages = Pages()
menu.add(
    menu.Heading.CUSTOMERS,
    20,
    "Segmentos",
    "/segmentos",
    SegmentPermission.READ,
    icon="filter",
    purpose="Elegir a quién llegar",
)

EVERYBODY: dict[str, Any] = {"all": []}
_ACTIONS = (
    Bulk(
        *("eliminar", "Eliminar", "trash", delete_segments),
        question="¿Eliminar {}?",
        detail="Las campañas creadas con ellos conservan su definición.",
        told="Se eliminaron {}.",
    ),
)


class Asked(Model):
    """What the builder sends: a definition, or what is not yet one."""

    definition: Any


@pages.get("/segmentos", allow=SegmentPermission.READ)
async def show_segments(request: Request, ask: Ask) -> Response:
    """Saved segments by name."""
    may_write = SegmentPermission.WRITE in ask.actor.permissions
    shown = _ACTIONS if may_write else ()
    return await lists.render(request, ask, SEGMENTS, "segment/list.html", bulk=shown)


@pages.get("/segmentos/descargar", allow=SegmentPermission.READ)
async def download_segments(request: Request, ask: Ask) -> Response:
    """The list as a file."""
    return await lists.download(request, ask, SEGMENTS)


@pages.post("/segmentos/marcados", allow=SegmentPermission.WRITE)
async def act_on_segments(request: Request, ask: Ask) -> Response:
    """Forget those that were marked."""
    return await bulk.act(request, ask, SEGMENTS, _ACTIONS, back="/segmentos")


@pages.get("/segmentos/nuevo", allow=SegmentPermission.WRITE)
async def show_new_segment(request: Request, ask: Ask) -> Response:
    """The builder, empty."""
    return await _render_builder(request, ask, Form(), EVERYBODY)


@pages.post("/segmentos/nuevo", allow=SegmentPermission.WRITE)
async def add_segment(request: Request, ask: Ask) -> Response:
    """Save a segment."""
    form = await read_form(request)
    try:
        segment = await ask(create_segment, _parse(form))
    except FORM_ERRORS as error:
        return await _render_builder(request, ask, form.failed(error), _typed(form))
    notice = f"Se guardó el segmento {segment.name}."
    return go(request, f"/segmentos/{segment.id}", notice=notice)


@pages.get("/segmentos/{segment_id:int}", allow=SegmentPermission.READ)
async def show_segment(request: Request, segment_id: Id, ask: Ask) -> Response:
    """The builder with a saved segment."""
    segment = await ask(get_segment, segment_id)
    return await _render_builder(request, ask, Form.of(segment), dump(segment.definition), segment)


@pages.post("/segmentos/{segment_id:int}", allow=SegmentPermission.WRITE)
async def change_segment(request: Request, segment_id: Id, ask: Ask) -> Response:
    """Save the next version."""
    form = await read_form(request)
    try:
        definition = read_definition(form.value("definition"))
        change = form.parse(SegmentChange, definition=definition)
        segment = await ask(update_segment, segment_id, change)
    except FORM_ERRORS as error:
        segment = await ask(get_segment, segment_id)
        return await _render_builder(request, ask, form.failed(error), _typed(form), segment)
    notice = f"Se guardó la versión {segment.version}."
    return go(request, f"/segmentos/{segment_id}", notice=notice)


@pages.post("/segmentos/{segment_id:int}/eliminar", allow=SegmentPermission.WRITE)
async def remove_segment(request: Request, segment_id: Id, ask: Ask) -> Response:
    """Forget a segment; campaigns made from it keep its definition."""
    await ask(delete_segment, segment_id)
    return go(request, "/segmentos", notice="Se eliminó el segmento.")


@pages.post("/segmentos/contar", allow=SegmentPermission.READ)
async def count(request: Request, asked: Asked, ask: Ask) -> Response:
    """Who the definition means: a part of the page, or the errors by path as JSON."""
    try:
        counted = await ask(count_segment, parse(asked.definition))
    except Invalid as error:
        return _errors(error)
    return render(
        request,
        "segment/count.html",
        count=counted,
        place=places.place,
        by_age=_bars(counted.by_age),
        by_gender=_bars(counted.by_gender),
        by_province=_bars(sorted(counted.by_province, key=lambda item: -item.count)),
    )


@pages.post("/segmentos/describir", allow=SegmentPermission.READ)
async def describe(asked: Asked, ask: Ask) -> Response:
    """A definition in Spanish, for what the builder does not show as rows."""
    try:
        return JSONResponse({"text": await ask(describe_segment, parse(asked.definition))})
    except Invalid as error:
        return _errors(error)


def _errors(error: PregonError) -> Response:
    fields = [{"field": item.field, "message": item.message} for item in error.fields]
    return JSONResponse({"message": error.message, "errors": fields}, error.status)


def _bars(slices: list[Slice]) -> Chart:
    return Chart(
        kind="bar-horizontal" if len(slices) > 8 else "bar",
        labels=[item.label for item in slices],
        series=[Series(name="Personas", values=[item.count for item in slices])],
    )


def read_definition(text: str) -> Definition:
    """The definition a page carries as JSON. Raises Invalid on a path of `definition`."""
    return parse(_read_json(text))


def _read_json(text: str) -> dict[str, Any]:
    try:
        definition = json.loads(text)
    except (ValueError, RecursionError):  # a number of 5,000 digits is the former
        definition = None
    if not isinstance(definition, dict) or nesting.find_too_deep(text):
        raise Invalid.field("definition", "El segmento no se entiende: ármelo de nuevo.")
    return definition


def _parse(form: Form) -> NewSegment:
    return form.parse(NewSegment, definition=read_definition(form.value("definition")))


def _typed(form: Form) -> dict[str, Any]:
    """What was built, right or wrong, for the builder to show again."""
    try:
        return _read_json(form.value("definition"))
    except Invalid:
        return EVERYBODY


async def _render_builder(
    request: Request,
    ask: Ask,
    form: Form,
    definition: dict[str, Any],
    segment: Segment | None = None,
) -> Response:
    return render_form(
        request,
        "segment/builder.html",
        form,
        segment=segment,
        definition=definition,
        criteria=await _criteria(ask),
    )


async def _criteria(ask: Ask) -> list[dict[str, Any]]:
    """What the builder draws for each criterion of the grammar, in the order of its menu."""
    campaigns = await _campaigns(ask)
    return [
        {
            "key": criterion.key,
            "label": criterion.label[:1].upper() + criterion.label[1:],
            "kind": criterion.kind,
            "range": criterion if isinstance(criterion, Range) else None,
            "options": campaigns if isinstance(criterion, Campaigns) else _options(criterion),
        }
        for criterion in CRITERIA.values()
    ]


def _options(criterion: Criterion) -> list[tuple[str, str]]:
    return list(criterion.options().items())


async def _campaigns(ask: Ask) -> list[tuple[str, str]]:
    """The newest campaigns; none while their room is away, so that the builder works on."""
    try:
        found = await ask(list_campaigns, limit=200)
    except Unavailable:
        return []
    return [(str(item.id), item.name) for item in found.items]
