"""Lists by keyset: a slice costs the same wherever it lies, forwards and back, in any order.

The store gives a query and its order, the door cuts a page of what comes back:

    found = keyset.fetch(session, query, [Customer.search, Customer.id], after, limit)
    return Page.cut(found, contract.CustomerRow.model_validate)

A list that can be sorted names what by, and the last key, which no two rows share:

    by = {"name": Segment.name, "updated_at": Segment.updated_at}
    found = keyset.fetch_asked(session, query, by, Segment.id, Asked(order, after, limit, count))
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, cast

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    SQLColumnExpression,
    UnaryExpression,
    and_,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql import operators

from shared.contract import ENTITY_ID_MAX, Slice, Total
from shared.errors import Invalid

Order = Sequence[SQLColumnExpression[Any]]
Rows = Select[*tuple[Any, ...]]
MOST_COUNTED = 10_000  # rows of a total; counting on would read the whole table
_BOUNDED: dict[type, Any] = {
    str: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")],
    int: Annotated[int, Field(ge=-ENTITY_ID_MAX, le=ENTITY_ID_MAX)],
}


def fetch(
    session: Session,
    query: Rows,
    order: Order,
    after: str | None,
    limit: int,
    *,
    count: bool = False,
) -> Slice[Any]:
    """At most `limit` rows of `query` in `order`; rows of one entity come as that entity.

    The columns of `order` are never null and together unique. `after` is what an earlier slice
    gave as `next` or `previous`. With `count` the slice knows how many rows there are in all.
    Raises Invalid on `after`.
    """
    found = _fetch(session, query, order, after, limit)
    return replace(found, total=count_rows(session, query)) if count else found


def _fetch(
    session: Session, query: Rows, order: Order, after: str | None, limit: int
) -> Slice[Any]:
    keys = [_Key.of(column) for column in order]
    place = None if after is None else _read(after, keys)
    if place is None:
        return _cut(_select(session, query, keys, limit), None, limit)
    back = [key.reversed() for key in keys] if place.back else keys
    rows = _select(session, query.where(_beyond(back, place.values)), back, limit)
    if place.back and not rows:  # what was there is gone: the list begins here
        return _fetch(session, query, order, None, limit)
    return _cut(rows, place, limit)


def count_rows(session: Session, query: Rows) -> Total:
    """How many rows match; what there is beyond `MOST_COUNTED` is not read."""
    ones = query.with_only_columns(literal(1), maintain_column_froms=True).order_by(None)
    some = ones.limit(MOST_COUNTED + 1).subquery()
    rows = session.execute(select(func.count()).select_from(some)).scalar_one()
    return Total(rows=min(rows, MOST_COUNTED), exact=rows <= MOST_COUNTED)


@dataclass(frozen=True)
class Asked:
    """What of a list that sorts: `order` is a name, or `-name` for the last first."""

    order: str  # one of those of the contract (`shared.lists.order_of`)
    after: str | None
    limit: int
    count: bool


def fetch_asked(
    session: Session,
    query: Rows,
    by: Mapping[str, SQLColumnExpression[Any]],
    unique: SQLColumnExpression[Any],
    asked: Asked,
) -> Slice[Any]:
    """Rows in the order asked for; `unique` decides between those that stand alike in it."""
    column, descends = by[asked.order.removeprefix("-")], asked.order.startswith("-")
    keys = (column,) if column is unique else (column, unique)
    order = [key.desc() if descends else key for key in keys]
    return fetch(session, query, order, asked.after, asked.limit, count=asked.count)


@dataclass(frozen=True)
class _Key:
    """A column of the order."""

    column: SQLColumnExpression[Any]
    descends: bool

    @classmethod
    def of(cls, column: SQLColumnExpression[Any]) -> "_Key":
        if isinstance(column, UnaryExpression) and column.modifier is operators.desc_op:
            return cls(column.element, descends=True)
        return cls(column, descends=False)

    def reversed(self) -> "_Key":
        return replace(self, descends=not self.descends)

    @property
    def sorted(self) -> ColumnElement[Any]:
        return self.column.desc() if self.descends else self.column.asc()

    def read(self, value: Any) -> Any:
        kind = cast(ColumnElement[Any], self.column).type.python_type
        return TypeAdapter(_BOUNDED.get(kind, kind)).validate_python(value)


@dataclass(frozen=True)
class _Place:
    """Where a slice begins: beyond these values of the keys, in the list's order or back."""

    values: tuple[Any, ...]
    back: bool

    def write(self) -> str:
        text = json.dumps([self.back, *self.values], default=str, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(text: str, keys: list[_Key]) -> _Place:
    try:
        back, *values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        typed = tuple(key.read(value) for key, value in zip(keys, values, strict=True))
    except (ValueError, TypeError, RecursionError, ValidationError):
        raise Invalid.field("after", "No es un cursor de esta lista.") from None
    return _Place(typed, back is True)


def _select(
    session: Session, query: Rows, keys: list[_Key], limit: int
) -> list[tuple[Any, tuple[Any, ...]]]:
    """Each row with the values of its keys; one more than asked, to know whether there are."""
    ordered = query.order_by(*(key.sorted for key in keys)).limit(limit + 1)
    rows = session.execute(ordered.add_columns(*(key.column for key in keys)))
    return [_split(row, len(keys)) for row in rows]


def _split(row: Row[Any], keys: int) -> tuple[Any, tuple[Any, ...]]:
    selected, values = row[:-keys], tuple(row[-keys:])
    return (selected[0] if len(selected) == 1 else row), values


def _beyond(keys: list[_Key], values: tuple[Any, ...]) -> ColumnElement[bool]:
    """Behind the values in the order of the keys; one comparison where an index serves it."""
    if len({key.descends for key in keys}) == 1:
        columns, place = tuple_(*(key.column for key in keys)), tuple_(*values)
        return columns < place if keys[0].descends else columns > place
    return or_(*(_beyond_at(keys, values, index) for index in range(len(keys))))


def _beyond_at(keys: list[_Key], values: tuple[Any, ...], index: int) -> ColumnElement[bool]:
    same = (key.column == value for key, value in zip(keys[:index], values, strict=False))
    key, value = keys[index], values[index]
    return and_(*same, key.column < value if key.descends else key.column > value)


def _cut(found: list[tuple[Any, tuple[Any, ...]]], place: _Place | None, limit: int) -> Slice[Any]:
    more, kept = len(found) > limit, found[:limit]
    back = place is not None and place.back
    if back:
        kept.reverse()
    if not kept:
        return Slice([], None, None)
    is_behind, is_before = (True, more) if back else (more, place is not None)
    return Slice(
        rows=[row for row, _ in kept],
        next=_Place(kept[-1][1], back=False).write() if is_behind else None,
        previous=_Place(kept[0][1], back=True).write() if is_before else None,
    )


def columns(model: type[Any], shown: type[BaseModel]) -> list[InstrumentedAttribute[Any]]:
    """The columns of a table that a contract shows under their own names."""
    return [getattr(model, name) for name in shown.model_fields if name in model.__table__.columns]
