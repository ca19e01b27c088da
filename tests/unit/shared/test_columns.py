"""States are enums wherever Python touches them: in tables and in contracts."""

import pkgutil
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from sqlalchemy import ARRAY, Column, Text
from sqlalchemy.engine.default import DefaultDialect

import shared.contracts
from shared.columns import EnumText
from shared.contracts import ROOMS
from shared.contracts.campaign import Phase

STATES = {
    "state",
    "kind",
    "phase",
    "old",
    "new",
    "result",
    "offer",
    "strategy",
    "gender",
    "category",
    "risk_category",
    "channel",
    "channels",
    "preferred_channel",
    "mail_block",
    "phone_block",
    "held",
    "paused_by",
}
KINDS = {"blocked_mail", "blocked_phone", "skipped"}  # counts by a code


def columns() -> Iterator[Column[Any]]:
    for room in ROOMS:
        if not room_has_models(room):
            continue
        tables = import_module(f"services.{room}.models").Base.metadata.tables
        yield from (column for table in tables.values() for column in table.columns)


def room_has_models(room: str) -> bool:
    names = import_module(f"services.{room}").__path__
    return any(module.name == "models" for module in pkgutil.iter_modules(names))


@pytest.mark.parametrize(
    "column", [item for item in columns() if item.name in STATES], ids=lambda item: str(item)
)
def test_a_state_in_a_table_is_an_enum(column: Column[Any]) -> None:
    kind = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    assert isinstance(kind, EnumText)


def fields() -> Iterator[tuple[str, Any]]:
    for module in pkgutil.iter_modules(shared.contracts.__path__):
        home = f"shared.contracts.{module.name}"
        for model in vars(import_module(home)).values():
            if (
                isinstance(model, type)
                and issubclass(model, BaseModel)
                and model.__module__ == home
            ):
                for name, field in model.model_fields.items():
                    if name in STATES | KINDS:
                        yield f"{model.__name__}.{name}", field.annotation


@pytest.mark.parametrize(("name", "annotation"), [*fields()])
def test_a_state_in_a_contract_is_an_enum(name: str, annotation: Any) -> None:
    kinds = {annotation, *get_args(annotation)}
    assert any(isinstance(kind, type) and issubclass(kind, Enum) for kind in kinds), name


def test_a_column_of_an_enum_is_plain_text_and_refuses_what_is_none() -> None:
    column, dialect = EnumText(Phase), DefaultDialect()
    assert isinstance(column.impl, Text)
    assert column.process_bind_param(Phase.PAUSED, dialect) == "paused"
    assert column.process_bind_param("paused", dialect) == "paused"
    assert column.process_result_value("paused", dialect) is Phase.PAUSED
    assert column.process_bind_param(None, dialect) is None
    assert column.process_result_value(None, dialect) is None
    for read in (column.process_bind_param, column.process_result_value):
        with pytest.raises(ValueError, match="pausado"):
            read("pausado", dialect)
