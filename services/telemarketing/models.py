"""telemarketing's tables."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Identity,
    Index,
    Numeric,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.columns import EnumText, enums
from shared.contracts.campaign import Phase
from shared.contracts.customer_query import Block, Category, Channel, Gender
from shared.contracts.telemarketing import (
    CallListState,
    CallResult,
    RefreshState,
    RiskPurpose,
    RiskState,
)

NOBODY_YET = "advisor IS NULL AND state = 'open' AND held IS NULL AND phone IS NOT NULL"
ENDED_PHASES = (Phase.FINISHED, Phase.CANCELLED)  # nobody is called for them any more
CALLABLE = "state = 'open' AND held IS NULL AND phone IS NOT NULL"
# In days: what a year is depends on the calendar, and a rule of a table must not.
CALLBACK_FITS = (
    "callback_at IS NULL OR result = 'callback' AND callback_at > at "
    "AND callback_at <= at + interval '366 days'"
)


class TargetState(StrEnum):
    """How far a campaign is with a person."""

    OPEN = "open"
    DONE = "done"


class Base(DeclarativeBase):
    """All tables of the room's database besides the kit's."""

    type_annotation_map = {  # noqa: RUF012  # as SQLAlchemy declares it
        datetime: DateTime(timezone=True),
        str: Text,
        Decimal: Numeric(12, 2),
        dict[str, Any]: JSONB,
        list[Channel]: ARRAY(EnumText(Channel)),
        **enums(Block, CallListState, CallResult, Category, Gender, Phase, RefreshState),
        **enums(RiskPurpose, RiskState, TargetState),
    }


class Campaign(Base):
    """What this room knows of a campaign, from its events, in whatever order they come."""

    __tablename__ = "campaign"

    campaign_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(server_default="")
    phase: Mapped[Phase] = mapped_column(server_default="draft")
    channels: Mapped[list[Channel]] = mapped_column(server_default="{}")
    script: Mapped[str] = mapped_column(server_default="")
    version: Mapped[int] = mapped_column(server_default="0")  # 0: not heard of itself yet
    audience_id: Mapped[UUID | None]  # its present audience …
    audience_version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    requested_audience_id: Mapped[UUID | None]  # … and the one whose call list was asked for
    listed_at: Mapped[datetime | None]  # when the last call list was complete


class CallList(Base):
    """A call list on its way here, and how it ended; its id is the transfer's."""

    __tablename__ = "call_list"

    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(BigInteger, index=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity())  # an older one never wins
    state: Mapped[CallListState] = mapped_column(server_default="loading")
    merged_through: Mapped[int] = mapped_column(BigInteger, server_default="0")  # a customer
    error: Mapped[str | None]  # Spanish
    requested_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]


class CallListRow(Base):
    """A row of a call list, as it came, until the list is complete and merged."""

    __tablename__ = "call_list_row"

    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(BigInteger)
    cedula: Mapped[str]
    first_names: Mapped[str]
    last_names: Mapped[str]
    gender: Mapped[Gender | None]
    birth_on: Mapped[date | None]
    income: Mapped[Decimal | None]
    province: Mapped[str | None]
    canton: Mapped[str | None]
    category: Mapped[Category | None]
    joined_on: Mapped[date | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    held: Mapped[Block | None]
    contact_version: Mapped[int | None] = mapped_column(BigInteger)


class ContactState(Base):
    """What was last heard of a person, whichever lists they are on, now or later."""

    __tablename__ = "contact_state"

    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")  # 0: nothing heard yet
    phone: Mapped[str | None]
    held: Mapped[Block | None]
    refused: Mapped[bool] = mapped_column(server_default="false")  # to us; not yet confirmed
    erased: Mapped[bool] = mapped_column(server_default="false")


class Contact(Base):
    """A touch of a person over mail or phone, as long as it counts for the cap."""

    __tablename__ = "contact"
    __table_args__ = (Index("ix_contact_at", "at", postgresql_using="brin"),)

    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(primary_key=True)


class HeldPerson(Base):
    """Who speaks to a person now: one advisor, whatever the number of campaigns."""

    __tablename__ = "held_person"

    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    lease_id: Mapped[UUID] = mapped_column(unique=True)
    advisor: Mapped[str]
    until: Mapped[datetime]


class Target(Base):
    """A person on a campaign's call list: a copy of the data, whose turn it is, and how far."""

    __tablename__ = "call_target"
    __table_args__ = (
        # In the order of an advisor's queue: due callbacks, then the least tried.
        Index(
            "ix_call_target_queue",
            "advisor",
            "callback_at",
            "attempts",
            "next_at",
            "customer_id",
            postgresql_where=text(CALLABLE),
        ),
        Index(
            "ix_call_target_unassigned",
            "campaign_id",
            "province",
            postgresql_where=text(NOBODY_YET),
        ),
        Index("ix_call_target_assigned", "campaign_id", "advisor", "state"),
        Index("ix_call_target_customer", "customer_id"),
        Index(
            "ix_call_target_lease", "lease_advisor", postgresql_where=text("lease_id IS NOT NULL")
        ),
        Index(
            "uq_call_target_lease",
            "lease_id",
            unique=True,
            postgresql_where=text("lease_id IS NOT NULL"),
        ),
    )

    campaign_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    cedula: Mapped[str]
    first_names: Mapped[str]
    last_names: Mapped[str]
    gender: Mapped[Gender | None]
    birth_on: Mapped[date | None]
    income: Mapped[Decimal | None]
    province: Mapped[str | None]
    canton: Mapped[str | None]
    category: Mapped[Category | None]
    joined_on: Mapped[date | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    held: Mapped[Block | None]  # why the person must not be called
    contact_version: Mapped[int] = mapped_column(BigInteger, server_default="0")  # of both
    advisor: Mapped[str | None]  # username
    assigned_at: Mapped[datetime | None]
    state: Mapped[TargetState] = mapped_column(server_default="open")
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    callback_at: Mapped[datetime | None]  # agreed with the person; then next_at is the same
    over_cap: Mapped[bool] = mapped_column(server_default="false")  # next_at waits for the cap
    note: Mapped[str] = mapped_column(server_default="")  # typed in the running call
    lease_id: Mapped[UUID | None]  # the last lease; it stays when its time is over …
    lease_advisor: Mapped[str | None]
    lease_until: Mapped[datetime | None]  # … so that a late result still counts

    @property
    def full_name(self) -> str:
        """Given names and surnames."""
        return f"{self.first_names} {self.last_names}".strip()


class Lease(Base):
    """That an advisor took a person, and when: a result names its lease."""

    __tablename__ = "lease"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(BigInteger)
    customer_id: Mapped[int] = mapped_column(BigInteger)
    advisor: Mapped[str]
    at: Mapped[datetime]


class Call(Base):
    """A call that was made. Only added to; an erased person's name and notes are blanked."""

    __tablename__ = "call"
    __table_args__ = (
        Index("ix_call_campaign", "campaign_id", "id"),
        Index("ix_call_customer", "customer_id", "id"),
        Index("ix_call_advisor_day", "advisor", "at"),
        Index("ix_call_advisor", "advisor", "id"),
        CheckConstraint(CALLBACK_FITS, "ck_call_callback"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    lease_id: Mapped[UUID] = mapped_column(unique=True)
    campaign_id: Mapped[int] = mapped_column(BigInteger)
    customer_id: Mapped[int] = mapped_column(BigInteger)
    customer_name: Mapped[str]
    advisor: Mapped[str]
    result: Mapped[CallResult]
    note: Mapped[str]
    callback_at: Mapped[datetime | None]
    at: Mapped[datetime]
    seconds: Mapped[int]


class Callback(Base):
    """An agreed call in the calendar; done when the person was called again."""

    __tablename__ = "callback"
    __table_args__ = (
        Index("ix_callback_at", "at"),
        Index(
            "uq_callback_pending",
            "campaign_id",
            "customer_id",
            unique=True,
            postgresql_where=text("NOT done"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    call_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    campaign_id: Mapped[int] = mapped_column(BigInteger)
    customer_id: Mapped[int] = mapped_column(BigInteger)
    advisor: Mapped[str]
    at: Mapped[datetime]
    note: Mapped[str]
    done: Mapped[bool] = mapped_column(server_default="false")


class RiskCheck(Base):
    """Who asked the bureau about whom, what for, and what it said. Only added to."""

    __tablename__ = "risk_check"
    __table_args__ = (Index("ix_risk_check_customer", "customer_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger)
    advisor: Mapped[str]
    purpose: Mapped[RiskPurpose]
    state: Mapped[RiskState]
    report: Mapped[dict[str, Any] | None]
    at: Mapped[datetime]


class RiskRefresh(Base):
    """The last time the bureau was asked about everybody an advisor has open."""

    __tablename__ = "risk_refresh"

    campaign_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    advisor: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity())  # an older one stops
    people: Mapped[int]
    asked: Mapped[int] = mapped_column(server_default="0")
    asked_through: Mapped[int] = mapped_column(BigInteger, server_default="0")  # a customer
    state: Mapped[RefreshState] = mapped_column(server_default="running")
    error: Mapped[str | None]  # Spanish
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
