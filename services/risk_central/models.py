"""risk_central's tables: the loads of the bureau's file. Persons and their risk are in Redis."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.loads.models import LoadRow, MappingRow, RejectRow


class Base(DeclarativeBase):
    """All tables of the room's database besides the kit's."""


class Load(LoadRow, Base):
    """A load of a risk file and how far it is."""

    __tablename__ = "load"

    full: Mapped[bool] = mapped_column(server_default="false")  # all persons there are
    removed: Mapped[int] = mapped_column(BigInteger, server_default="0")  # by a full one


class LoadReject(RejectRow, Base):
    """A row that was not loaded."""

    __tablename__ = "load_reject"


class LoadMapping(MappingRow, Base):
    """Columns that somebody chose."""

    __tablename__ = "load_mapping"
