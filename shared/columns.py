"""Columns that hold an enum: text in the database, the enum's member in Python."""

from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Dialect, Text, TypeDecorator

E = TypeVar("E", bound=StrEnum)


class EnumText(TypeDecorator[E]):
    """A text column whose values are an enum's; what is none of them is refused both ways.

    The database keeps plain text without a check or a type of its own: a new member is no
    migration, and rows of a release before can be read as long as the enum keeps its codes.
    """

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[E]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """The code. Raises ValueError for one that the enum does not have."""
        return None if value is None else self.enum(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> E | None:  # noqa: ARG002
        """The member."""
        return None if value is None else self.enum(value)


def enums(*kinds: type[StrEnum]) -> dict[Any, EnumText[Any]]:
    """For a `type_annotation_map`: `Mapped[Phase]` is then a column of its codes."""
    return {kind: EnumText(kind) for kind in kinds}
