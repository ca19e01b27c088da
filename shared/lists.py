"""A list is said once, beside its procedure: what stands in it, what it is sought and sorted by.

    CAMPAIGNS = Listing(
        list_campaigns,
        Noun("campaña", "campañas", feminine=True),
        columns=(Column("name", "Campaña"), Column("phase", "Fase"), …),
        filters=(Filter("phase", "Fase"),),
        sought="Nombre de la campaña",
    )

The page, its file and what users keep of it (columns, views) follow from that; the procedure and
its route of the API are what they are asked with. A list's procedure takes `after`, `limit` and
`count`, and where they are meant `search` and `order`:

    def list_campaigns(
        search: str | None = None,
        order: Annotated[str, order_of("name", "budget", "id")] = "-id",
        …
"""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar, Generic, TypeVar, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError

from shared.contract import Id, Model, Page, Procedure
from shared.ecuador.money import format_number

T = TypeVar("T")
MOST_AT_ONCE = 200  # rows of one call that acts on many
Ids = Annotated[list[Id], Field(min_length=1, max_length=MOST_AT_ONCE)]  # noqa: V107  # likewise
_LIST = re.compile(r"^list_")


def order_of(*names: str) -> Any:  # noqa: V103  # contracts use it
    """The mark of an `order`: one of the names, with `-` in front for the last first."""
    return Field(pattern=rf"^-?({'|'.join(names)})$")


@dataclass(frozen=True)
class Noun:
    """What a list is of, as sentences need it."""

    one: str
    many: str
    feminine: bool = False

    @property
    def title(self) -> str:
        """The heading of the list."""
        return self.many[:1].upper() + self.many[1:]

    def count(self, rows: int) -> str:
        """`1 campaña`, `1.234 campañas`."""
        return f"{format_number(rows)} {self.one if rows == 1 else self.many}"

    def matching(self, rows: int) -> str:
        """`las 1.234 campañas que coinciden`."""
        return f"{'las' if self.feminine else 'los'} {self.count(rows)} que coinciden"

    @property
    def none(self) -> str:
        """`Ninguna campaña`."""
        return f"{'Ninguna' if self.feminine else 'Ningún'} {self.one}"


@dataclass(frozen=True)
class Column:
    """A field of the row with its heading.

    `first`: shown until the user chooses; `wide`: hidden on pages narrower than sm, md or lg;
    `format`: how it is written where its type does not say it (`phone`, `percent`).
    """

    name: str
    title: str
    first: bool = True
    wide: str = ""
    format: str = ""


@dataclass(frozen=True)
class Filter:
    """An argument of the procedure that lessens the list; `words`: what yes and no are called."""

    name: str
    title: str
    words: tuple[str, str] = ("Sí", "No")


class Listing(Generic[T]):
    """A list of rows `T`. A column or filter that is none is refused where it is declared."""

    known: ClassVar[dict[str, "Listing[Any]"]] = {}  # all that are declared, by code

    def __init__(
        self,
        procedure: "Procedure[..., Page[T]]",
        noun: Noun,
        *,
        columns: tuple[Column, ...],
        filters: tuple[Filter, ...] = (),
        sought: str = "",
    ) -> None:
        self.procedure = procedure
        self.noun = noun
        self.columns = columns
        self.filters = filters
        self.sought = sought  # what one types to search, as its field says it; empty: nothing
        self._check()
        self.known[self.code] = self

    @property
    def code(self) -> str:
        """By which users' columns and views are kept: `campaigns` of `list_campaigns`."""
        return _LIST.sub("", self.procedure.name)

    @cached_property
    def arguments(self) -> Mapping[str, Any]:
        """The procedure's arguments with their types."""
        return {argument.name: argument.annotation for argument in self.procedure.parameters}

    @cached_property
    def order(self) -> str:
        """The order without a choice; empty where there is none to choose."""
        return next((str(a.default) for a in self.procedure.parameters if a.name == "order"), "")

    @cached_property
    def fields(self) -> Mapping[str, Any]:
        """The types of what a row has, its properties too."""
        row: type[Model] = self.procedure.reply.__pydantic_generic_metadata__["args"][0]
        given = {name: field.annotation for name, field in row.model_fields.items()}
        return given | {
            name: get_type_hints(found.fget)["return"]
            for name, found in inspect.getmembers(row, inspect.isdatadescriptor)
            if isinstance(found, property) and not name.startswith("_")
        }

    def read(self, name: str, text: str) -> Any:
        """A value of an argument as it was typed; None for what cannot be one."""
        try:
            return TypeAdapter(self.arguments[name]).validate_python(text.strip())
        except ValidationError:
            return None

    def sorts(self, name: str) -> bool:  # noqa: V105  # templates use it
        """Whether the list can be sorted by a column."""
        return bool(self.order) and self.read("order", name) is not None

    def _check(self) -> None:
        unknown = {column.name for column in self.columns} - set(self.fields)
        unknown |= {one.name for one in self.filters} - set(self.arguments)
        unknown |= {"after", "limit", "count"} - set(self.arguments)
        if unknown:
            raise TypeError(f"{self.procedure.name} has no {', '.join(sorted(unknown))}")


# --- acting on many (shared.many) ---


class Refused(Model):
    """A row that an action left as it was."""

    id: int
    label: str
    reason: str


class Done(Model):
    """What an action on many rows did."""

    done: int
    refused: list[Refused]

    def __add__(self, other: "Done") -> "Done":
        return Done(done=self.done + other.done, refused=self.refused + other.refused)
