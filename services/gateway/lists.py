"""Pages of lists: what is asked in the address, what users keep of a list, its file, its actions.

@pages.get("/campanas", allow=CampaignPermission.READ)
async def show_campaigns(request: Request, ask: Ask) -> Response:
    return await lists.render(request, ask, CAMPAIGNS, "campaign/list.html")

The template extends `list/page.html`; what stands in a column follows from the row's type.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any

from fastapi import Request
from pydantic import AwareDatetime
from starlette.responses import Response

from services.gateway import addresses, labels, rendering
from services.gateway.asking import Asker
from services.gateway.bulk import Bulk
from services.gateway.downloads import LongTable, TableForm, rows_of, table
from services.gateway.forms import kinds_of
from services.gateway.searching import Search
from shared import clock
from shared.contract import Page
from shared.contracts.identity import ListChoice, ListView, get_list_choice
from shared.contracts.views import SIZES
from shared.errors import Unavailable
from shared.lists import Column, Filter, Listing
from shared.sheets import About, Cell
from shared.words import Term

Options = Sequence[tuple[str, str]]  # value and word
USUAL_ROWS = 50


@dataclass(frozen=True)
class Shown:
    """A list as its page shows it."""

    listing: Listing[Any]
    path: str
    search: Search
    page: Page[Any]
    choice: ListChoice
    choices: Mapping[str, Options] = field(default_factory=dict)  # of filters that are no enum
    bulk: Sequence[Bulk] = ()

    @property
    def columns(self) -> list[Column]:
        """In the user's order; those the list begins with where the user chose none."""
        return columns_of(self.listing, self.choice)

    @property  # noqa: V106  # templates use it
    def arranged(self) -> list[Column]:
        """All there are, those that are shown first."""
        return [*self.columns, *(one for one in self.listing.columns if one not in self.columns)]

    @property
    def views(self) -> Sequence[ListView]:
        """Searches to choose from."""
        return self.choice.views

    @property
    def total(self) -> str:
        """How many match: `1.234 campañas`, `más de 10.000 campañas`."""
        total = self.page.total
        if total is None:
            return ""
        return ("" if total.exact else "más de ") + self.listing.noun.count(total.rows)

    @property
    def others(self) -> int:
        """How many match where they are more than stand here, and can be acted on at once; or 0."""
        total = self.page.total
        if total is None or not total.exact or total.rows == len(self.page.items):
            return 0
        return total.rows

    @property
    def size(self) -> int:
        """Rows of a page."""
        return self.choice.size or USUAL_ROWS

    @property
    def sizes(self) -> Sequence[int]:
        """How many rows a page may have."""
        return SIZES

    @property
    def keys(self) -> list[tuple[str, str]]:
        """What moves through the rows."""
        marks = [("X", "Marcar la fila")] if self.bulk else []
        return [
            ("J", "Fila siguiente"),
            ("K", "Fila anterior"),
            *marks,
            ("Entrar", "Abrir la fila"),
        ]

    def address(self, name: str) -> str:
        """An argument's word in addresses."""
        return addresses.LISTS[name]

    def kind(self, column: Column) -> str:
        """How the column is written."""
        return kind_of(self.listing, column)

    def options(self, one: Filter) -> Options | None:
        """What a filter offers; None where a text or a day is typed."""
        if one.name in self.choices:
            return self.choices[one.name]
        kinds = kinds_of(self.listing.arguments[one.name])
        if bool in kinds:
            return [("true", one.words[0]), ("false", one.words[1])]
        terms = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Term)]
        return labels.options(terms[0]) if terms else None

    def sorting(self, column: Column) -> tuple[str, str]:  # noqa: V105  # templates use it
        """(`ascending`, `descending` or nothing; the order that a click asks for)."""
        now = str(self.search.values.get("order", self.listing.order))
        if now.removeprefix("-") != column.name:
            return "", column.name
        return ("descending", column.name) if now.startswith("-") else ("ascending", f"-{now}")


async def render(
    request: Request,
    ask: Asker,
    listing: Listing[Any],
    template: str,
    *,
    choices: Mapping[str, Options] | None = None,
    bulk: Sequence[Bulk] = (),
    fixed: Mapping[str, Any] | None = None,
    **context: Any,
) -> Response:
    """The page of a list. `fixed` are arguments that the page decides, and not its address."""
    search = Search.of(request, listing)
    choice = await _find_choice(ask, listing)
    size = choice.size or USUAL_ROWS
    asked = {**search.values, **(fixed or {}), "after": search.after}
    page = await ask(listing.procedure, **asked, limit=size, count=True)
    shown = Shown(listing, request.url.path, search, page, choice, choices or {}, bulk)
    return rendering.render(request, template, list=shown, **context)


async def download(
    request: Request,
    ask: Asker,
    listing: Listing[Any],
    fixed: Mapping[str, Any] | None = None,
) -> Response:
    """The same as a file: the columns that the user sees, of all rows that match."""
    search = Search.of(request, listing)
    columns = columns_of(listing, await _find_choice(ask, listing))
    find = partial(_find_page, ask, listing, {**search.values, **(fixed or {})})
    header = tuple(column.title for column in columns)
    rows = rows_of(find, partial(_cells, columns))
    found = LongTable(listing.noun.title, header, rows)
    about = About(found.title, by=ask.full_name, as_of=clock.now(), filters=_told(listing, search))
    form = TableForm.XLSX if request.query_params.get("formato") == "xlsx" else TableForm.CSV
    return await table(listing.noun.many.replace(" ", "-"), found, form, about)


async def _find_choice(ask: Asker, listing: Listing[Any]) -> ListChoice:
    """A list is not kept back because what its user chose cannot be found now."""
    try:
        return await ask(get_list_choice, listing.code)
    except Unavailable:
        return ListChoice()


async def _find_page(
    ask: Asker, listing: Listing[Any], values: Mapping[str, Any], after: str | None, limit: int
) -> Page[Any]:
    return await ask(listing.procedure, **values, after=after, limit=limit)


def _told(listing: Listing[Any], search: Search) -> tuple[tuple[str, str], ...]:
    """What the file leaves out, for its second sheet."""
    titles = {"search": "Buscar"} | {one.name: one.title for one in listing.filters}
    return tuple(
        (titles[name], _word(value)) for name, value in search.values.items() if name in titles
    )


# --- columns ---


def columns_of(listing: Listing[Any], choice: ListChoice) -> list[Column]:
    """What a user sees of a list; one that is no longer there is left out."""
    by_name = {column.name: column for column in listing.columns}
    chosen = [by_name[name] for name in choice.columns if name in by_name]
    return chosen or [column for column in listing.columns if column.first]


def kind_of(listing: Listing[Any], column: Column) -> str:
    """How a column is written: by its own word for it, else by its type."""
    if column.format:
        return column.format
    annotation = listing.fields[column.name]
    kinds = kinds_of(annotation)
    terms = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Term)]
    if terms:
        return "state" if terms[0] in labels.COLOURS else "word"
    if list in kinds:
        return "words"
    return next((name for kind, name in _KINDS.items() if kind in kinds), "text")


_KINDS = {
    bool: "flag",
    Decimal: "money",
    datetime: "moment",
    AwareDatetime: "moment",
    date: "day",
    int: "number",
    float: "number",
}


def _cells(columns: Sequence[Column], row: Any) -> tuple[Cell, ...]:
    return tuple(_cell(getattr(row, column.name)) for column in columns)


def _cell(value: Any) -> Cell:
    if isinstance(value, list | tuple):
        return ", ".join(_word(item) for item in value)
    return value.word if isinstance(value, Term) else value


def _word(value: Any) -> str:
    if isinstance(value, Term):
        return value.word
    if isinstance(value, bool):
        return "sí" if value else "no"
    return str(value.value if isinstance(value, Enum) else value)
