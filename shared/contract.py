"""How a service states what it can be asked and what it announces.

A contract module in `shared/contracts/` declares procedures and events:

    @procedure("campaign")
    def get_campaign(campaign_id: int) -> Campaign: ...

    class CampaignCreated(Event, service="campaign"): ...

The declaration is the only one: callers pass the procedure itself (`call(get_campaign, 7)`) and
are type-checked against it, doors implement it and are compared with it at start.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Generic, ParamSpec, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model

from shared.errors import FieldError, Invalid

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

ENTITY_ID_MAX = 2**63 - 1
Id = Annotated[int, Field(ge=1, le=ENTITY_ID_MAX)]
Limit = Annotated[int, Field(ge=1, le=200)]
READING = frozenset({"count", "describe", "find", "get", "list", "preview"})  # change nothing


class Model(BaseModel):
    """A value that crosses a door: immutable, and closed against misspelt fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Actor(Model):
    """Who does something; rooms see no more of a user than this."""

    user_id: int
    username: str
    full_name: str
    role: str


class Page(Model, Generic[T]):
    """A slice of a list; `next` is the `after` of the following slice, None at the end."""

    items: list[T]
    next: str | None = None


def cursor(after: str | None) -> int | None:
    """A list's `after` as the id it is. Raises Invalid."""
    if after is None:
        return None
    if not after.isdecimal():
        raise Invalid.field("after", "No es un cursor de esta lista.")
    return int(after)


class Procedure(Generic[P, R]):
    """One callable method of a service, typed on both sides by its declaration."""

    def __init__(
        self,
        service: str,
        declaration: Callable[P, R],
        example: Mapping[str, Any] | None = None,
    ) -> None:
        self.service = service
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

    def encode_reply(self, reply: R) -> Any:
        """The door's reply as JSON values; a reply of another type is the room's defect."""
        return self._reply.dump_python(self._reply.validate_python(reply), mode="json")

    def decode_reply(self, payload: Any) -> R:
        """The reply a caller sees, of the declared type."""
        return self._reply.validate_python(payload)


def procedure(
    service: str, example: Mapping[str, Any] | None = None
) -> Callable[[Callable[P, R]], Procedure[P, R]]:
    """Declare a function of a contract module as a procedure of `service`.

    Its docstring is also what a client of the REST API reads: a sentence, what a caller cannot
    see, and a line for each error as in `NotFound: there is no such campaign.`
    """

    def declare(declaration: Callable[P, R]) -> Procedure[P, R]:
        return Procedure(service, declaration, example)

    return declare


@procedure("")
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
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise invalid(error) from None


def invalid(error: ValidationError) -> Invalid:
    """A pydantic error as ours, in Spanish; the outermost argument's name is left out."""
    fields = [
        FieldError(".".join(str(part) for part in _path(item["loc"])), spanish(item))
        for item in error.errors()
    ]
    return Invalid("Hay datos por corregir.", fields)


def _path(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    return location[1:] if len(location) > 1 else location


_SPANISH = {
    "missing": "Este campo es obligatorio.",
    "extra_forbidden": "Este campo no existe.",
    "string_too_short": "Escriba al menos {min_length} caracteres.",
    "string_too_long": "Escriba como máximo {max_length} caracteres.",
    "string_type": "Escriba un texto.",
    "string_pattern_mismatch": "El formato no es válido.",
    "int_parsing": "Escriba un número entero.",
    "int_type": "Escriba un número entero.",
    "decimal_parsing": "Escriba un número.",
    "decimal_type": "Escriba un número.",
    "decimal_max_places": "Escriba como máximo {decimal_places} decimales.",
    "decimal_whole_digits": "El número es demasiado grande.",
    "decimal_max_digits": "El número es demasiado grande.",
    "float_parsing": "Escriba un número.",
    "bool_parsing": "Elija sí o no.",
    "greater_than_equal": "Debe ser {ge} o más.",
    "greater_than": "Debe ser más de {gt}.",
    "less_than_equal": "Debe ser {le} o menos.",
    "less_than": "Debe ser menos de {lt}.",
    "enum": "Elija uno de estos valores: {expected}.",
    "literal_error": "Elija uno de estos valores: {expected}.",
    "date_from_datetime_parsing": "Escriba una fecha como 2026-11-20.",
    "date_parsing": "Escriba una fecha como 2026-11-20.",
    "date_type": "Escriba una fecha como 2026-11-20.",
    "datetime_parsing": "Escriba una fecha y hora como 2026-11-20T14:05:00-05:00.",
    "datetime_from_date_parsing": "Escriba una fecha y hora como 2026-11-20T14:05:00-05:00.",
    "timezone_aware": "Indique la zona horaria, por ejemplo -05:00.",
    "too_short": "Elija al menos {min_length}.",
    "too_long": "Elija como máximo {max_length}.",
    "list_type": "Debe ser una lista.",
    "json_invalid": "El JSON no es válido.",
    "uuid_parsing": "El identificador no es válido.",
}


def spanish(item: Mapping[str, Any]) -> str:
    """The message of one pydantic error, in Spanish; our own `ValueError`s speak it already."""
    kind = str(item["type"])
    if kind == "value_error":
        return str(item["ctx"]["error"])
    text = _SPANISH.get(kind, "El valor no es válido.")
    return text.format(**{"expected": "", **item.get("ctx", {})})
