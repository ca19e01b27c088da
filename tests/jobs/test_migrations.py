"""What the migrations make is what the models say."""

from collections.abc import Callable
from importlib import import_module

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from shared.room import ROOMS
from shared.tables import Kit


@pytest.mark.parametrize("room", ROOMS)
def test_models_and_migrations_agree(
    room: str, database: Callable[[str], sessionmaker[Session]]
) -> None:
    models = import_module(f"services.{room}.models")
    with database(room)() as session:
        partitions = text("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")
        left_out = {"alembic_version", *session.execute(partitions).scalars()}
        context = MigrationContext.configure(
            session.connection(),
            opts={
                "target_metadata": [Kit.metadata, models.Base.metadata],
                "include_name": lambda name, kind, _: kind != "table" or name not in left_out,
            },
        )
        # The one of the context stands for all: it takes several, which its own type does not say.
        assert compare_metadata(context, [Kit.metadata, models.Base.metadata]) == []  # type: ignore[arg-type]
