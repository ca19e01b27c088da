"""identity's tables of what users keep of lists."""

from sqlalchemy import BigInteger, ForeignKey, Identity, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.identity.base import Base


class ListChoice(Base):
    """The columns of a list that a user sees, in order, and how many rows; none: as it comes."""

    __tablename__ = "list_choice"

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    columns: Mapped[list[str]]
    size: Mapped[int | None]


class ListView(Base):
    """A search of a list that a user keeps, for all when it is shared."""

    __tablename__ = "list_view"
    __table_args__ = (UniqueConstraint("code", "user_id", "name"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    code: Mapped[str]
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user_account.id"))
    name: Mapped[str]
    query: Mapped[str]
    shared: Mapped[bool]
