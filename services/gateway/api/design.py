"""Mail designs over REST."""

from typing import Any

from fastapi import Request
from pydantic import ValidationError

from services.gateway.asking import Ask
from services.gateway.forms import read_form
from services.gateway.routes.design import store_design
from services.gateway.routing import Api
from shared.contract import Id, Limit, Model, Page, invalid
from shared.contracts.identity import Permission
from shared.contracts.mailer import (
    Design,
    MergeField,
    NewDesign,
    Preview,
    create_design,
    get_design,
    list_designs,
    list_merge_fields,
    preview_design,
)
from shared.errors import Invalid

api = Api("designs")

_MULTIPART: dict[str, Any] = {
    "type": "object",
    "required": ["file", "name"],
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "name": {"type": "string"},
        "subject": {"type": "string"},
    },
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": NewDesign.model_json_schema()},
            "multipart/form-data": {"schema": _MULTIPART},
        },
    }
}


class PreviewOf(Model):
    """For whom to fill a design in; null is an example person."""

    customer_id: int | None = None


@api.get("/designs", allow=Permission.DESIGN_WRITE)
async def show_designs(ask: Ask, after: str | None = None, limit: Limit = 50) -> Page[Design]:
    """Designs, built-in ones first."""
    return await ask(list_designs, after=after, limit=limit)


@api.get("/designs/merge-fields", allow=Permission.DESIGN_WRITE)
async def show_merge_fields(ask: Ask) -> list[MergeField]:
    """The personal fields that a design may use."""
    return await ask(list_merge_fields)


@api.post("/designs", allow=Permission.DESIGN_WRITE, status_code=201, openapi_extra=_BODY)
async def add_design(request: Request, ask: Ask) -> Design:
    """Create a design from JSON, or from an uploaded .html or .zip file."""
    return await ask(create_design, await _read_new(request, ask))


async def _read_new(request: Request, ask: Ask) -> NewDesign:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        form = await read_form(request)
        return form.parse(NewDesign, file_key=await store_design(ask, form.file("file")))
    try:
        new = NewDesign.model_validate_json(await request.body())
    except ValidationError as error:
        raise invalid(error) from None
    if new.file_key is not None:
        raise Invalid.field("file_key", "Suba el archivo con multipart/form-data.")
    return new


@api.get("/designs/{design_id}", allow=Permission.DESIGN_WRITE)
async def show_design(design_id: Id, ask: Ask) -> Design:
    """One design, without its HTML."""
    return await ask(get_design, design_id)


@api.post("/designs/{design_id}/preview", allow=Permission.DESIGN_WRITE)
async def preview(design_id: Id, ask: Ask, of: PreviewOf | None = None) -> Preview:
    """A design filled in for a customer; show its HTML only in a sandboxed frame."""
    return await ask(preview_design, design_id, of.customer_id if of else None)
