"""identity's tables."""

from datetime import datetime

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
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.columns import enums
from shared.contracts.identity import Role
from shared.edits import Edited


class Base(DeclarativeBase):
    """All tables of the room's database besides the kit's."""

    type_annotation_map = {  # noqa: RUF012  # as SQLAlchemy declares it
        datetime: DateTime(timezone=True),
        str: Text,
        **enums(Role),
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
