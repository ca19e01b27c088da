"""campaign's tables."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, Index, Numeric, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.columns import EnumText, enums
from shared.contracts.campaign import Phase
from shared.contracts.customer_query import Block, Category, Channel, Gender
from shared.contracts.mailer import RecipientState
from shared.contracts.telemarketing import CallResult
from shared.edits import Edited


class EditionState(StrEnum):
    """Life of an edition of an audience: what others see of it is an `AudienceState`."""

    TRANSFERRING = "transferring"
    READY = "ready"
    FAILED = "failed"
    SUPERSEDED = "superseded"  # a newer one was complete first; nobody is shown this one


class ExportKind(StrEnum):
    """What another room asked for."""

    RECIPIENTS = "recipients"
    CALL_LIST = "call_list"


class ExportState(StrEnum):
    """Life of an export."""

    WAITING = "waiting"  # for an edition that is on its way
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Base(DeclarativeBase):
    """All tables of the room's database besides the kit's."""

    type_annotation_map = {  # noqa: RUF012  # as SQLAlchemy declares it
        datetime: DateTime(timezone=True),
        str: Text,
        Decimal: Numeric(12, 2),
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
        list[int]: ARRAY(BigInteger),
        list[Channel]: ARRAY(EnumText(Channel)),
        **enums(Block, CallResult, Category, EditionState, ExportKind, ExportState),
        **enums(Gender, Phase, RecipientState),
    }


class Campaign(Base, Edited):
    """A campaign."""

    __tablename__ = "campaign"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str]
    goal: Mapped[str]
    channels: Mapped[list[Channel]]
    definition: Mapped[dict[str, Any]]
    segment_summary: Mapped[str]  # the definition in Spanish
    budget: Mapped[Decimal]
    expected_revenue: Mapped[Decimal]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    control_share: Mapped[float]
    design_id: Mapped[int | None] = mapped_column(BigInteger)  # of the mailer
    mail_subject: Mapped[str]
    script: Mapped[str]
    phase: Mapped[Phase]
    owner: Mapped[str]
    # `version` orders the announcements; a new audience moves it, too, which is nobody's change
    changed_version: Mapped[int] = mapped_column(server_default="1")  # by the last change
    audience_id: Mapped[UUID | None]  # the present, complete edition
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PhaseChange(Base):
    """Who moved a campaign, when and why."""

    __tablename__ = "phase_change"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(BigInteger, index=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    by: Mapped[str]
    old: Mapped[Phase | None]
    new: Mapped[Phase]
    reason: Mapped[str]


class Audience(Base):
    """An edition of a campaign's audience; its id is the transfer's that brings it."""

    __tablename__ = "audience"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(BigInteger, index=True)
    state: Mapped[EditionState]
    error: Mapped[str | None]  # why it failed, for people
    requested_at: Mapped[datetime] = mapped_column(server_default=func.now())
    completed_at: Mapped[datetime | None]
    rows: Mapped[int | None] = mapped_column(BigInteger)
    figures: Mapped[dict[str, Any] | None]  # counted once, when it is complete


class Member(Base):
    """A customer in an edition: a copy of what the campaign needs of the profile."""

    __tablename__ = "audience_member"
    __table_args__ = (
        Index("ix_audience_member_cedula", "audience_id", "cedula", unique=True),
        Index("ix_audience_member_customer", "customer_id"),
    )

    audience_id: Mapped[UUID] = mapped_column(primary_key=True)
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
    mail_block: Mapped[Block | None]
    phone_block: Mapped[Block | None]
    contact_version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    control: Mapped[bool] = mapped_column(server_default="false")

    @property
    def full_name(self) -> str:
        """Given names and surnames."""
        return f"{self.first_names} {self.last_names}".strip()


class ContactNews(Base):
    """Where a person may be contacted, as last heard: for editions that are on their way."""

    __tablename__ = "contact_news"

    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)
    email: Mapped[str | None]
    phone: Mapped[str | None]
    mail_block: Mapped[Block | None]
    phone_block: Mapped[Block | None]
    erased: Mapped[bool] = mapped_column(server_default="false")
    heard_at: Mapped[datetime] = mapped_column(index=True)


class Export(Base):
    """An audience that another room asked for; `waiting` until the edition is complete."""

    __tablename__ = "export"

    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[ExportKind]
    campaign_id: Mapped[int] = mapped_column(BigInteger, index=True)
    audience_id: Mapped[UUID | None]
    customer_ids: Mapped[list[int] | None]  # None: everybody
    state: Mapped[ExportState]
    attempt: Mapped[int] = mapped_column(server_default="0")


class Touch(Base):
    """What a campaign did to a person and what came of it, from the rooms' events."""

    __tablename__ = "touch"
    __table_args__ = (Index("ix_touch_customer", "customer_id"),)

    campaign_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    contacted: Mapped[bool]  # a mail was sent, or the person was spoken to
    accepted: Mapped[bool]


class CallFact(Base):
    """A call, for the charts."""

    __tablename__ = "call_fact"
    __table_args__ = (Index("ix_call_fact_campaign", "campaign_id", "at"),)

    call_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(BigInteger)
    customer_id: Mapped[int] = mapped_column(BigInteger)
    advisor: Mapped[str]
    result: Mapped[CallResult]
    at: Mapped[datetime]


class MailingFact(Base):
    """A mailing run's target, as the mailer announced it."""

    __tablename__ = "mailing_fact"

    mailing_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(BigInteger, index=True)
    target: Mapped[int]
    version: Mapped[int] = mapped_column(server_default="0")  # of the announcement


class MailFact(Base):
    """A mail's last known outcome."""

    __tablename__ = "mail_fact"
    __table_args__ = (Index("ix_mail_fact_campaign", "campaign_id", "state", "reason"),)

    mailing_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[RecipientState]
    reason: Mapped[str | None]  # a SkipReason, or the mail server's words
    at: Mapped[datetime]
    unsubscribed: Mapped[bool] = mapped_column(server_default="false")
