"""What a person typed: kept when it is wrong, with each error at its field.

form = await read_form(request)
try:
    user = await ask(create_user, form.parse(NewUser))
except FORM_ERRORS as error:
    return render_form(request, "identity/new.html", form.failed(error))
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Self, TypeVar, Union, get_args, get_origin

from fastapi import Request
from pydantic import AwareDatetime, BaseModel, ValidationError
from pydantic.fields import FieldInfo
from starlette.datastructures import UploadFile

from shared.change import Change
from shared.clock import GUAYAQUIL
from shared.ecuador.dates import parse_date
from shared.ecuador.money import format_number, parse_money
from shared.errors import Conflict, FieldError, Invalid, PregonError
from shared.spanish import spanish

M = TypeVar("M", bound=BaseModel)

_SEE_FIELDS = "Hay datos por corregir."
FORM_ERRORS = (Invalid, Conflict)  # what the person at the form can mend


class Form:
    """Values by field as text, files apart; `error` and `message` are empty until it failed."""

    def __init__(
        self,
        values: Mapping[str, Sequence[str]] | None = None,
        files: Mapping[str, UploadFile] | None = None,
    ) -> None:
        self._values = dict(values or {})
        self._files = dict(files or {})
        self.errors: dict[str, str] = {}
        self.message = ""
        self.status = 200

    @classmethod
    def of(cls, model: BaseModel) -> Self:
        """A form filled with what is there, as a person would type it."""
        return cls({name: _shown(value) for name, value in model})

    def value(self, name: str, default: str = "") -> str:
        """The field's text, the last one where there are several."""
        found = self._values.get(name)
        return found[-1] if found else default

    def chosen(self, name: str) -> Sequence[str]:
        """All texts of a field with several, such as a group of checkboxes."""
        return self._values.get(name, ())

    def file(self, name: str) -> UploadFile:
        """An uploaded file. Raises Invalid when none was chosen."""
        if name not in self._files:
            raise Invalid.field(name, "Elija un archivo.")
        return self._files[name]

    def error(self, name: str) -> str:
        """What is wrong with the field; empty when nothing is."""
        return self.errors.get(name, "")

    @property
    def loose_errors(self) -> list[str]:
        """Errors of fields that were not on the form; the form's alert shows them."""
        return [text for name, text in self.errors.items() if name not in self._values]

    def parse(self, model: type[M], **more: Any) -> M:
        """The typed values as a contract's model; an empty field counts as missing.

        Of a `Change` a field that is on the form and empty is emptied where it may be; one that is
        not on the form is not sent.
        Money, dates and local times are read as people write them. Raises Invalid by field.
        """
        values, wrong = self._read(model)
        try:
            parsed = model.model_validate(values | more)
        except ValidationError as error:
            wrong = _wrong_fields(error, but=wrong) | wrong
        if wrong:
            fields = [FieldError(name, text) for name, text in wrong.items()]
            raise Invalid(_SEE_FIELDS, fields)
        return parsed

    def failed(self, error: PregonError) -> Self:
        """This form with the error's message and its fields' errors."""
        self.errors = {}
        for field in error.fields:
            self.errors.setdefault(field.field.partition(".")[0], field.message)
        told = error.message in self.errors.values() and not self.loose_errors
        self.message = _SEE_FIELDS if told else error.message
        self.status = error.status
        return self

    def _read(self, model: type[BaseModel]) -> tuple[dict[str, Any], dict[str, str]]:
        values: dict[str, Any] = {}
        wrong: dict[str, str] = {}
        for name, field in model.model_fields.items():
            try:
                read = self._read_field(name, field, changes=issubclass(model, Change))
            except ValueError as error:
                wrong[name] = str(error)
            else:
                values |= read
        return values, wrong

    def _read_field(self, name: str, field: FieldInfo, *, changes: bool) -> dict[str, Any]:
        kinds = kinds_of(field.annotation)
        if changes and name not in self._values:
            return {}
        if kinds & {list, tuple, set, frozenset}:
            return {name: [text for text in self.chosen(name) if text]}
        text = self.value(name).strip()
        if not text:
            return _emptied(name, field, kinds) if changes else {}
        reader = next((_READERS[kind] for kind in kinds if kind in _READERS), None)
        return {name: reader(text) if reader else text}


async def read_form(request: Request) -> Form:
    """The posted form, texts and files."""
    posted = await request.form()
    values: dict[str, list[str]] = {}
    files: dict[str, UploadFile] = {}
    for name, value in posted.multi_items():
        if isinstance(value, str):
            values.setdefault(name, []).append(value.replace("\r\n", "\n"))
        elif value.filename:
            files[name] = value
    return Form(values, files)


def _wrong_fields(error: ValidationError, but: Mapping[str, str]) -> dict[str, str]:
    wrong: dict[str, str] = {}
    for item in error.errors():
        name = str(item["loc"][0]) if item["loc"] else ""
        if name not in but:
            wrong.setdefault(name, spanish(item))
    return wrong


def _read_moment(text: str) -> datetime:
    """A `datetime-local` input's value is meant in Ecuador's time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("Escriba una fecha y hora como 2026-11-20 14:05.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=GUAYAQUIL)


def _read_number(text: str) -> str:
    return text.replace(",", ".")


_READERS: dict[Any, Callable[[str], Any]] = {
    Decimal: parse_money,
    date: parse_date,
    datetime: _read_moment,
    AwareDatetime: _read_moment,
    float: _read_number,
}


def _emptied(name: str, field: FieldInfo, kinds: set[Any]) -> dict[str, Any]:
    """What an emptied field sends; nothing where it may not be empty, such as a password."""
    if type(None) in kinds:
        return {name: None}
    limits = [limit for limit in field.metadata if _needs_text(limit)]
    return {name: ""} if str in kinds and not limits else {}


def _needs_text(limit: Any) -> bool:
    return bool(getattr(limit, "min_length", 0) or getattr(limit, "pattern", None))


def kinds_of(annotation: Any) -> set[Any]:
    """The plain types an annotation allows: `Annotated[list[int], …] | None` is list and None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return kinds_of(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return set().union(*(kinds_of(part) for part in get_args(annotation)))
    return {origin or annotation}


def _shown(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, list | tuple | set | frozenset):
        return [text for item in value for text in _shown(item)]
    return [_text(value)]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format_number(value, decimals=2)
    if isinstance(value, datetime):
        return f"{value.astimezone(GUAYAQUIL):%Y-%m-%dT%H:%M}"
    return str(value.value if isinstance(value, Enum) else value)
