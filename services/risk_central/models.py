"""risk_central's tables: the loads of the bureau's file. Persons and their risk are in Redis."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Identity, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.columns import enums
from shared.contracts.risk_central import LoadState


class Base(DeclarativeBase):
    """All tables of the room's database besides the kit's."""

    type_annotation_map = {  # noqa: RUF012  # as SQLAlchemy declares it
        datetime: DateTime(timezone=True),
        str: Text,
        dict[str, Any]: JSONB,
        **enums(LoadState),
    }


class Load(Base):
    """A load of a risk file and how far it is."""

    __tablename__ = "load"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    file_key: Mapped[str]
    file_name: Mapped[str]
    state: Mapped[LoadState]
    chunks: Mapped[int] = mapped_column(server_default="0")  # noted; the last one maybe not written
    read: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created: Mapped[int] = mapped_column(BigInteger, server_default="0")
    updated: Mapped[int] = mapped_column(BigInteger, server_default="0")
    unchanged: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rejected: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rejected_key: Mapped[str | None]
    error: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class Reject(Base):
    """A row that was not loaded, until the load is done and the file of them is written."""

    __tablename__ = "reject"

    load_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    line: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    row: Mapped[dict[str, Any]]
    reason: Mapped[str]
