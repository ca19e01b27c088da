"""Alembic's environment: one room's database, named by the configuration's `room`."""

from importlib import import_module

from alembic import context
from sqlalchemy import create_engine, text

from shared.settings import settings
from shared.tables import Kit

LOCK_TIMEOUT = "5s"  # a migration that must wait for readers gives up rather than block them

room = context.config.attributes["room"]
models = import_module(f"services.{room}.models")
role = context.config.attributes["role"]
engine = create_engine(
    settings().database_url_of(room),
    connect_args={"options": f"-c role={role}"} if role else {},
)

with engine.connect() as connection:
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=[Kit.metadata, models.Base.metadata],
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
