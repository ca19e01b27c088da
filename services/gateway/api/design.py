"""Mail designs over REST."""

from typing import Any

from fastapi import Request
from pydantic import ValidationError

from services.gateway.asking import Ask
from services.gateway.exposing import documented
from services.gateway.forms import read_form
from services.gateway.routing import Api
from services.gateway.uploads import DESIGN_FILE, store_upload
from shared.contract import invalid
from shared.contracts import mailer as contract
from shared.contracts.mailer import MailPermission
from shared.errors import Invalid

api = Api("designs")

DESIGN = MailPermission.DESIGN

_ONE = "/designs/{design_id}"
_TEXT = {"type": "string"}
_PARTS = {"file": _TEXT | {"format": "binary"}, "name": _TEXT, "subject": _TEXT}
_MULTIPART: dict[str, Any] = {
    "schema": {"type": "object", "required": ["file", "name"], "properties": _PARTS},
    "example": {"file": "navidad.zip", "name": "Navidad"},
}
_JSON = {
    "schema": documented(contract.NewDesign, frozenset({"file_key"})).model_json_schema(),
    "example": contract.create_design.example,
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": _JSON, "multipart/form-data": _MULTIPART},
    }
}

api.expose("GET", "/designs", contract.list_designs, allow=DESIGN)
api.expose("GET", "/designs/merge-fields", contract.list_merge_fields, allow=DESIGN)


@api.post("/designs", allow=DESIGN, takes=DESIGN_FILE.takes, status_code=201, openapi_extra=_BODY)
async def create_design(request: Request, ask: Ask) -> contract.Design:
    """Create a design from JSON, or from an uploaded .html or .zip file.

    The HTML is cleaned of scripts and checked; a zip holds one page and its images. It needs a
    link for unsubscribing (`{{ enlace_baja }}`).

    Invalid: no HTML, too large, no link for unsubscribing, or an unknown personal field, with its
    line.
    """
    return await ask(contract.create_design, await _read_new(request, ask))


async def _read_new(request: Request, ask: Ask) -> contract.NewDesign:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        form = await read_form(request)
        key = await store_upload(ask, form.file("file"), DESIGN_FILE)
        return form.parse(contract.NewDesign, file_key=key)
    try:
        new = contract.NewDesign.model_validate_json(await request.body())
    except ValidationError as error:
        raise invalid(error) from None
    if new.file_key is not None:
        raise Invalid.field("file_key", "Suba el archivo con multipart/form-data.")
    return new


api.expose("GET", _ONE, contract.get_design, allow=DESIGN)
api.expose(
    "POST",
    _ONE + "/preview",
    contract.preview_design,
    allow=DESIGN,
    body="PreviewOf",
)
