"""How a service states what it can be asked and what it announces.

A contract module in `shared/contracts/` declares procedures and events:

    @procedure("campaign", scope=HOUSE)
    def get_campaign(campaign_id: int) -> Campaign: ...

    class CampaignCreated(Event, service="campaign"): ...

The declaration is the only one: callers pass the procedure itself (`ask(get_campaign, 7)`) and
are type-checked against it, doors implement it and are compared with it at start.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import islice
from typing import Annotated, Any, ClassVar, Generic, ParamSpec, TypeVar, get_args, get_type_hints

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType

from shared import bounds, personal
from shared.errors import FieldError, Invalid
from shared.scope import OPEN, Scope
from shared.spanish import spanish

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

ENTITY_ID_MAX = 2**53 - 1  # what a JSON number holds exactly in every language
_ANY: TypeAdapter[Any] = TypeAdapter(Any)
SECRET = object()  # marks a field that is stored nowhere: Annotated[str, SECRET]
Counted = BeforeValidator(bounds.counted)
Whole = Annotated[int, Counted]
Id = Annotated[Whole, Field(ge=1, le=ENTITY_ID_MAX)]
Day = Annotated[date, BeforeValidator(bounds.written)]
Moment = Annotated[AwareDatetime, BeforeValidator(bounds.written)]
Line = Annotated[str, AfterValidator(bounds.one_line)]  # a name, or what stands in a mail's head
Limit = Annotated[Whole, Field(ge=1, le=200)]  # noqa: V107  # of the contracts' lists
_TO_MEND = "Hay datos por corregir."
_NAMED = 20  # wrong values of one call
READING = frozenset(  # change nothing
    {"count", "describe", "find", "get", "list", "preview", "reveal"}
)


class Model(BaseModel):
    """A value that crosses a door: immutable, and closed against misspelt fields.

    `model_validate(row)` takes a table's row, or anything with attributes of the fields' names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class Actor(Model):
    """Who does something; rooms see no more of a user than this."""

    user_id: int
    username: str
    full_name: str
    role: str  # a role's code
    permissions: frozenset[str] = frozenset()  # codes, as of the request
    team: frozenset[str] = frozenset()  # usernames of those whom the user supervises now
    source: str = ""  # network address
    system: str = ""  # name of the API token that asks in the user's name; empty: the user does


@dataclass(frozen=True)
class Slice(Generic[T]):
    """Rows of a list as a store found them, with the cursors of what lies on either side."""

    rows: Sequence[T]
    next: str | None
    previous: str | None
    total: "Total | None" = None


class Total(Model):
    """How many rows match, wherever the page begins."""

    rows: int
    exact: bool  # false: there are more than `rows`, and nobody counted them


class Page(Model, Generic[T]):
    """A slice of a list: `next` and `previous` are the `after` of its neighbours, None at an end.

    A list is asked for with `after` (None: from the beginning) and `limit`; an `after` that no
    such list gave is Invalid on `after`. `total` is there where it was asked for (`count`).
    """

    items: list[T]
    next: str | None = None
    previous: str | None = None
    total: Total | None = None

    @classmethod
    def cut(cls, found: Slice[R], to_contract: Callable[[R], T]) -> "Page[T]":
        """The page of a slice, each row as others may see it."""
        items = [to_contract(row) for row in found.rows]
        return Page(items=items, next=found.next, previous=found.previous, total=found.total)


class Procedure(Generic[P, R]):
    """One callable method of a service, typed on both sides by its declaration."""

    def __init__(
        self,
        service: str,
        scope: Scope,
        declaration: Callable[P, R],
        example: Mapping[str, Any] | None = None,
        *,
        whole: str | None = None,
        in_person: bool = False,
    ) -> None:
        self.service = service
        self.scope = scope
        self.whole = whole
        self.in_person = in_person  # no other system does it in a user's name
        self.name = declaration.__name__
        self.signature = inspect.signature(declaration)
        self.example = example  # of what a client sends in a request's body
        self._declaration = declaration
        self.__doc__ = declaration.__doc__

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self._declaration, include_extras=True)

    @property
    def parameters(self) -> list[inspect.Parameter]:
        """The arguments with their types."""
        return [
            parameter.replace(annotation=self._hints[name])
            for name, parameter in self.signature.parameters.items()
        ]

    @property
    def reply(self) -> Any:
        """The reply's type."""
        return self._hints["return"]

    @cached_property
    def is_personal(self) -> bool:
        """Whether something in the reply may have to be hidden."""
        return personal.concerns(self.reply)

    def shown(self, reply: R, asker: Actor | None) -> R:
        """A reply as its asker may see it: what is personal of people only in part."""
        if not self.is_personal:
            return reply
        permissions = asker.permissions if asker else frozenset[str]()
        return reply if self.whole in permissions else personal.hide(reply, permissions)

    def reply_json(self, reply: R, exclude: Any = None) -> bytes:
        """A reply as JSON, without what `exclude` names as pydantic understands it."""
        return self._reply.dump_json(reply, exclude=exclude)

    @cached_property
    def _arguments(self) -> type[BaseModel]:
        fields: dict[str, Any] = {
            name: (
                self._hints[name],
                ... if parameter.default is parameter.empty else parameter.default,
            )
            for name, parameter in self.signature.parameters.items()
        }
        return create_model(
            f"{self.name}_arguments", __config__=ConfigDict(extra="forbid"), **fields
        )

    @cached_property
    def _reply(self) -> TypeAdapter[R]:
        return TypeAdapter(self._hints["return"])

    def encode_arguments(self, *args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        """Named arguments as JSON values, without what the caller left to its default.

        Raises Invalid, as the room would.
        """
        bound = self.signature.bind(*args, **kwargs).arguments
        return _checked(self._arguments, bound).model_dump(mode="json", exclude_unset=True)

    def decode_arguments(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The door's keyword arguments from a message. Raises Invalid with the fields."""
        model = _checked(self._arguments, payload)
        return {name: getattr(model, name) for name in self._arguments.model_fields}

    def open_arguments(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Checked arguments as JSON values, without those that are secret. Raises Invalid."""
        values: dict[str, Any] = _open(_checked(self._arguments, arguments))
        return values

    def encode_reply(self, reply: R) -> Any:
        """The door's reply as JSON values; a reply of another type is the room's defect."""
        return self._reply.dump_python(self._reply.validate_python(reply), mode="json")

    def encode_kept(self, reply: R) -> Any:
        """The same as it may be stored: without its secret fields, which have a default."""
        checked = self._reply.validate_python(reply)
        return self._reply.dump_python(checked, mode="json", exclude=self.secrets or None)

    @cached_property
    def secrets(self) -> set[str]:
        """The fields of the reply that are told and stored nowhere."""
        fields = getattr(self.reply, "model_fields", {})
        return {name for name, field in fields.items() if is_secret(field)}

    def decode_reply(self, payload: Any) -> R:
        """The reply a caller sees, of the declared type."""
        return self._reply.validate_python(payload)


def procedure(
    service: str,
    *,
    scope: Scope,
    example: Mapping[str, Any] | None = None,
    whole: str | None = None,
    in_person: bool = False,
) -> Callable[[Callable[P, R]], Procedure[P, R]]:
    """Declare a function of a contract module as a procedure of `service`.

    `scope` says whose objects it is about; without one a contract does not load. `whole` is a
    permission with which its reply is seen whole, beside those of `shared.personal`. What is done
    `in_person` is refused to other systems, whatever their tokens may.

    Its docstring is also what a client of the REST API reads: a sentence, what a caller cannot
    see, and a line for each error as in `NotFound: there is no such campaign.`
    """

    def declare(declaration: Callable[P, R]) -> Procedure[P, R]:
        return Procedure(service, scope, declaration, example, whole=whole, in_person=in_person)

    return declare


@procedure("", scope=OPEN)
def check_health() -> str:
    """`ok`, or what is stuck, from any room that answers; asked by the room's name."""
    return "ok"


class Event(Model):
    """Something that happened in a room, in the past tense; the class name is the event's."""

    service: ClassVar[str]
    kind: ClassVar[str]

    def __init_subclass__(cls, service: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.service = service
        cls.kind = _snake_case(cls.__name__)


def _snake_case(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def _checked(model: type[BaseModel], values: Mapping[str, Any]) -> BaseModel:
    """Of the declared types, and nothing in them that no value may be. Raises Invalid."""
    try:
        checked = model.model_validate(dict(values))
    except ValidationError as error:
        raise invalid(error, model) from None
    if wrong := list(islice(bounds.find(checked), _NAMED)):
        raise Invalid(_TO_MEND, [_field_error(path, text, model) for path, text in wrong])
    return checked


def invalid(error: ValidationError, arguments: type[BaseModel] | None = None) -> Invalid:
    """A pydantic error as ours, in Spanish.

    The outermost argument's name is left out, but of a list and of a value with paths of its own
    (a named type, such as a segment's definition).
    """
    fields = [_field_error(item["loc"], spanish(item), arguments) for item in error.errors()]
    return Invalid(_TO_MEND, fields)


def _field_error(
    location: tuple[int | str, ...], message: str, arguments: type[BaseModel] | None
) -> FieldError:
    return FieldError(".".join(str(part) for part in _path(location, arguments)), message)


def is_secret(field: FieldInfo) -> bool:
    """Whether the mark stands at the field or at a part of its type, as in `Password | None`."""
    parts = (getattr(part, "__metadata__", ()) for part in get_args(field.annotation))
    return SECRET in field.metadata or any(SECRET in marks for marks in parts)


def _open(value: Any) -> Any:
    """As JSON, without the fields that are marked as secret or were left out."""
    if isinstance(value, BaseModel):
        return {
            name: _open(getattr(value, name))
            for name, field in type(value).model_fields.items()
            if name in value.model_fields_set and not is_secret(field)
        }
    if isinstance(value, list | tuple):
        return [_open(item) for item in value]
    return _ANY.dump_python(value, mode="json")


def _path(
    location: tuple[int | str, ...], arguments: type[BaseModel] | None
) -> tuple[int | str, ...]:
    argument = arguments.model_fields.get(str(location[0])) if arguments and location else None
    is_value = argument is not None and isinstance(argument.annotation, TypeAliasType)
    if is_value or len(location) < 2 or isinstance(location[1], int):
        return location
    return location[1:]
