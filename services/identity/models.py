"""identity's tables."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Identity,
    Index,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.columns import enums
from shared.contracts.audit import AuditAction, AuditKind, describe
from shared.contracts.identity import Role
from shared.edits import Edited


class Base(DeclarativeBase):
    """All tables of the room's database besides the kit's."""

    type_annotation_map = {  # noqa: RUF012  # as SQLAlchemy declares it
        datetime: DateTime(timezone=True),
        str: Text,
        list[int]: ARRAY(BigInteger),
        list[str]: ARRAY(Text),
        dict[str, Any]: JSONB,
        **enums(Role, AuditAction, AuditKind),
    }


class User(Base, Edited):
    """A person who can log in."""

    __tablename__ = "user_account"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    full_name: Mapped[str]
    role: Mapped[Role]
    password_hash: Mapped[str]  # Argon2id
    active: Mapped[bool] = mapped_column(server_default="true")
    last_login_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Notice(Base):
    """Something a user was told, once for each reference."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("user_id", "reference"),
        Index("ix_notice_unread", "user_id", postgresql_where=text("read_at IS NULL")),
        Index("ix_notice_user", "user_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger)
    reference: Mapped[str]
    title: Mapped[str]
    detail: Mapped[str]
    link: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    read_at: Mapped[datetime | None]

    @property
    def read(self) -> bool:
        """Whether the user has seen it."""
        return self.read_at is not None


class AuditEntry(Base):
    """A line of the record. The database takes new ones and gives them to read, nothing else.

    Partitions of a month each, by `id`: the day (YYYYMMDD) and, in eight digits, the number of the
    line on that day, without gaps. The day is that of its recording: a day that is over gets no
    more lines.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_at", "at", "id"),
        Index("ix_audit_entry_username", "username", "at", "id"),
        Index(
            "ix_audit_entry_customer_id",
            "customer_id",
            "at",
            "id",
            postgresql_where=text("customer_id IS NOT NULL"),
        ),
        Index("ix_audit_entry_action", "action", "at", "id"),
        Index("ix_audit_entry_listed", "listed", postgresql_using="gin"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    room: Mapped[str]
    action: Mapped[AuditAction]
    object_kind: Mapped[AuditKind | None]
    object_id: Mapped[str]
    customer_id: Mapped[int | None] = mapped_column(BigInteger)
    listed: Mapped[list[int]]
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    username: Mapped[str]
    full_name: Mapped[str]
    role_name: Mapped[str]
    purpose: Mapped[str]
    fields: Mapped[list[str]]
    changes: Mapped[dict[str, Any]]
    source: Mapped[str]
    trace_id: Mapped[str]
    hash: Mapped[str]  # covers this line and the hash of the one before

    @property
    def sentence(self) -> str:
        """As people read it."""
        return describe(self)


class AuditDay(Base):
    """A day of the record: how many lines, and the hash of the last; sealed when it is over."""

    __tablename__ = "audit_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    rows: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str]
    seal: Mapped[str | None]  # covers the day and the seal of the day before
    sealed_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]  # its lines, after the months that they are kept
