"""What an API route says of itself in OpenAPI: its text, and every answer it can give.

The text is a docstring: a sentence, then what a caller cannot see, then a line for each error
that has a reason of its own, as in `NotFound: there is no such campaign.`
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from services.gateway.problems import MEDIA_TYPE
from shared.contract import READING
from shared.errors import BY_NAME

Responses = dict[int | str, dict[str, Any]]

PROBLEM = {"$ref": "#/components/schemas/Problem"}
_ERROR = re.compile(rf"^({'|'.join(BY_NAME)}): ", re.MULTILINE)
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KEY_AGAIN = "The `Idempotency-Key` came before with other data"
CSV_ANSWER: Responses = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of the client's own; the same key again gives the same answer.",
    "schema": {"type": "string", "maxLength": 200},
}


@dataclass(frozen=True)
class Text:
    """A docstring's parts; `errors` by status."""

    summary: str
    description: str
    errors: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, docstring: str | None) -> Self:
        """Read a docstring, indented or not."""
        lines = [line.strip() for line in (docstring or "").strip().splitlines()]
        prose, *parts = _ERROR.split("\n".join(lines))
        summary, _, rest = prose.strip().partition(".\n")
        errors = {
            BY_NAME[name].status: _sentence(text)
            for name, text in zip(parts[::2], parts[1::2], strict=True)
        }
        return cls(_flowing(summary).rstrip("."), _paragraphs(rest), errors)


@dataclass(frozen=True)
class Route:
    """What decides which answers a route can give."""

    method: str
    name: str  # of the procedure, or of the function
    public: bool
    any_user: bool
    reads_body: bool
    has_parameters: bool

    @property
    def keeps_replies(self) -> bool:
        """Whether an `Idempotency-Key` counts."""
        reads = self.name.partition("_")[0] in READING
        return self.method in _UNSAFE and not reads and not self.public

    def answers(self, errors: Mapping[int, str]) -> Responses:
        """The error answers as OpenAPI has them, by status."""
        reasons = {503: "A part that is needed does not answer now", **errors}
        if not self.public:
            reasons[401] = "The token is missing, wrong or has expired"
            reasons[429] = "The system asks too often; `Retry-After` has the seconds to wait"
        if not self.any_user or self.method in _UNSAFE:
            reasons[403] = "The user may not do this, or another site's page asks"
        if self.keeps_replies:
            reasons[409] = f"{reasons[409]}. {_KEY_AGAIN}" if 409 in reasons else _KEY_AGAIN
        if self.reads_body:
            reasons[400] = "The body cannot be read"
            reasons[413] = "The body is too large"
        if self.has_parameters or self.reads_body or self.keeps_replies:
            reasons.setdefault(422, "A parameter or a field is wrong; `errors` says which and why")
        return {status: problem_answer(reasons[status]) for status in sorted(reasons)}


def problem_answer(reason: str) -> dict[str, Any]:
    """An error's answer, for `responses=`."""
    return {"description": reason, "content": {MEDIA_TYPE: {"schema": PROBLEM}}}


def form_example(media_type: str, example: Mapping[str, Any]) -> dict[str, Any]:
    """A form's example, for `openapi_extra=`; FastAPI adds the schema."""
    return {"requestBody": {"content": {media_type: {"example": example}}}}


def _sentence(text: str) -> str:
    flowing = _flowing(text).rstrip(".")
    return flowing[:1].upper() + flowing[1:]


def _flowing(text: str) -> str:
    return " ".join(text.split())


def _paragraphs(text: str) -> str:
    return "\n\n".join(_flowing(part) for part in text.strip().split("\n\n"))
