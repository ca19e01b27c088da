"""The kit's tables, the same in every room's database."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Kit(DeclarativeBase):
    """Made by `shared.migrations.kit`, called from each room's first migration."""

    type_annotation_map = {  # noqa: RUF012  # as SQLAlchemy declares it
        datetime: DateTime(timezone=True),
        str: Text,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


class Outbox(Kit):
    """Events and jobs that a transaction decided on, until the relay has published them."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    message_id: Mapped[UUID]
    exchange: Mapped[str]  # "<service>.events"; empty for a job
    routing_key: Mapped[str]  # the event's kind, or the job's queue
    task: Mapped[str | None]  # the job's name; None for an event
    payload: Mapped[dict[str, Any]]
    headers: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class OpenJob(Kit):
    """A job that was handed over and has not come to its end; see `shared.open_jobs`."""

    __tablename__ = "open_job"

    id: Mapped[UUID] = mapped_column(primary_key=True)  # the message's, and Celery's task id
    task: Mapped[str]
    sent_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Inbox(Kit):
    """Which handler has acted on which event: the second delivery is skipped."""

    __tablename__ = "inbox"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    handler: Mapped[str] = mapped_column(primary_key=True)
    handled_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Command(Kit):
    """The reply a command with an idempotency key gave, for the caller that asks again."""

    __tablename__ = "command"

    username: Mapped[str] = mapped_column(primary_key=True)
    procedure: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    arguments_hash: Mapped[str]
    reply: Mapped[dict[str, Any] | None]  # {"reply": …}; None only inside its transaction
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class Transfer(Kit):
    """A stream of rows on its way into this room; see `shared.transfer`."""

    __tablename__ = "transfer"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(default=0)  # the exporter's; a higher one starts over
    expected_chunks: Mapped[int | None]  # known when the exporter has finished …
    expected_rows: Mapped[int | None] = mapped_column(BigInteger)
    expected_checksum: Mapped[int | None] = mapped_column(BigInteger)
    completed_at: Mapped[datetime | None]  # … and all of it has been loaded
    failed_at: Mapped[datetime | None]  # given up: late chunks are dropped


class TransferChunk(Kit):
    """A chunk that was loaded, recorded in the transaction that copied its rows."""

    __tablename__ = "transfer_chunk"

    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    rows: Mapped[int]
    checksum: Mapped[int] = mapped_column(BigInteger)
