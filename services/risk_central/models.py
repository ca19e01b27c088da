"""risk_central's tables: loads of the bureau's file, who asks the bureau, and what was asked.

Persons and their risk are in Redis.
"""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Index, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.columns import enums
from shared.contracts.soap_clients import SoapOutcome
from shared.edits import Edited
from shared.loads.models import LoadRow, MappingRow, RejectRow


class Base(DeclarativeBase):
    """All tables of the room's database besides the kit's."""

    type_annotation_map = {  # noqa: RUF012  # as SQLAlchemy declares it
        datetime: DateTime(timezone=True),
        str: Text,
        list[str]: ARRAY(Text),
        **enums(SoapOutcome),
    }


class Load(LoadRow, Base):
    """A load of a risk file and how far it is."""

    __tablename__ = "load"

    full: Mapped[bool] = mapped_column(server_default="false")  # all persons there are
    removes_most: Mapped[bool] = mapped_column(server_default="false")  # more than half, if need be
    removed: Mapped[int] = mapped_column(BigInteger, server_default="0")  # by a full one


class LoadReject(RejectRow, Base):
    """A row that was not loaded."""

    __tablename__ = "load_reject"


class LoadMapping(MappingRow, Base):
    """Columns that somebody chose."""

    __tablename__ = "load_mapping"


class SoapClient(Edited, Base):
    """Another system that may ask the bureau; the door knows it by way of Redis (`roster`)."""

    __tablename__ = "soap_client"

    name: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    secret_hash: Mapped[str]  # SHA-256
    secret_at: Mapped[datetime]
    former_hash: Mapped[str | None]  # of the secret before …
    former_until: Mapped[datetime | None]  # … which is good until then
    per_minute: Mapped[int]  # questions
    per_day: Mapped[int]  # persons
    at_once: Mapped[int]  # questions
    networks: Mapped[list[str]]
    active: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str]  # as people call them


class SoapQuestion(Base):
    """A question to the bureau's door. The database takes new ones and gives them to read.

    Partitions of a month each, by `id`: the place in the door's stream, whose first part are the
    milliseconds since 1970 and whose second one, in three digits, a number.
    """

    __tablename__ = "soap_question"
    __table_args__ = (
        Index("ix_soap_question_client", "client", "id"),
        Index("ix_soap_question_outcome", "outcome", "id"),
        Index("ix_soap_question_people", "people", postgresql_using="gin"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    client: Mapped[str]
    operation: Mapped[str]
    persons: Mapped[int]
    known: Mapped[int]
    outcome: Mapped[SoapOutcome]
    address: Mapped[str]
    milliseconds: Mapped[int]
    people: Mapped[list[str]]  # fingerprints, as the record of who saw what has them


class SoapTaken(Base):
    """One row: up to where the door's stream was taken in, in the transaction that did it."""

    __tablename__ = "soap_taken"

    one: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    place: Mapped[str] = mapped_column(server_default="0-0")  # of the last line
    number: Mapped[int] = mapped_column(BigInteger, server_default="0")  # of the last line
    lost: Mapped[int] = mapped_column(BigInteger, server_default="0")  # numbers without a line
    at: Mapped[datetime | None]
