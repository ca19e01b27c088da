"""The tables of a room's loads, as mix-ins for its models; `shared.migrations.loads` makes them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Identity, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.columns import EnumText
from shared.contracts.loads import LoadState

_MOMENT = DateTime(timezone=True)


class LoadRow:
    """A file being read; its counts move with the rows, in the same transaction."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    file_key: Mapped[str] = mapped_column(Text)
    file_name: Mapped[str] = mapped_column(Text)
    dry_run: Mapped[bool] = mapped_column(server_default="false")
    hold: Mapped[bool] = mapped_column(server_default="false")  # show the first rows, then ask
    state: Mapped[LoadState] = mapped_column(EnumText(LoadState))
    read: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created: Mapped[int] = mapped_column(BigInteger, server_default="0")
    updated: Mapped[int] = mapped_column(BigInteger, server_default="0")
    unchanged: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rejected: Mapped[int] = mapped_column(BigInteger, server_default="0")
    percent: Mapped[int] = mapped_column(server_default="0")
    rate: Mapped[int | None]
    seconds_left: Mapped[int | None]
    columns: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    asked_mapping: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    mapping: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    preview: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")  # until it ends
    rejected_key: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    unreadable: Mapped[bool] = mapped_column(server_default="false")  # to be read again in vain
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=func.now())
    finished_at: Mapped[datetime | None] = mapped_column(_MOMENT)


class RejectRow:
    """A row that was not loaded, as it stood in the file, until the file of them is written."""

    load_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    line: Mapped[int] = mapped_column(BigInteger, primary_key=True)  # in the file; the header is 1
    values: Mapped[list[str]] = mapped_column(ARRAY(Text))
    reason: Mapped[str] = mapped_column(Text)


class MappingRow:
    """The columns that somebody chose for a header; the next file with that header gets them."""

    header_key: Mapped[str] = mapped_column(Text, primary_key=True)
    mapping: Mapped[dict[str, str]] = mapped_column(JSONB)
    used_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=func.now())
