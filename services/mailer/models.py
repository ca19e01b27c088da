"""mailer's tables."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.mailer.rules import Pauser
from shared.columns import EnumText, enums
from shared.contracts.campaign import Phase
from shared.contracts.customer_query import Block, Category, Channel, Gender
from shared.contracts.mailer import LetterTemplate, MailingKind, MailingState, RecipientState
from shared.edits import Edited


class Base(DeclarativeBase):
    """All tables of the room's database besides the kit's."""

    type_annotation_map = {  # noqa: RUF012  # as SQLAlchemy declares it
        datetime: DateTime(timezone=True),
        str: Text,
        list[str]: ARRAY(Text),
        list[int]: ARRAY(BigInteger),
        list[Channel]: ARRAY(EnumText(Channel)),
        dict[str, str]: JSONB,
        **enums(Block, Category, Gender, LetterTemplate, MailingKind, MailingState, Pauser, Phase),
        **enums(RecipientState),
    }


class Design(Base):
    """A mail design: as it was given, and cleaned with its styles inlined."""

    __tablename__ = "design"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    key: Mapped[str | None] = mapped_column(unique=True)  # of a built-in one
    name: Mapped[str]
    subject: Mapped[str]
    source: Mapped[str]
    html: Mapped[str]  # a template; images as `pregon-image:<key>`
    text: Mapped[str]  # a template
    fields: Mapped[list[str]]
    removed: Mapped[list[str]]  # what cleaning took out, in Spanish
    image_keys: Mapped[list[str]]
    created_by: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]  # ended runs still name it
    test_error: Mapped[str | None]  # why the last test mail did not go out

    @property
    def builtin(self) -> bool:
        """Whether it came with the product."""
        return self.key is not None

    @property
    def size_bytes(self) -> int:
        """Of the HTML, before its fields are filled in and without images."""
        return len(self.html.encode())


class Mailing(Base):
    """A run."""

    __tablename__ = "mailing"
    __table_args__ = (
        Index(
            "ix_mailing_month",
            "campaign_id",
            "month",
            unique=True,
            postgresql_where=text("month IS NOT NULL"),
        ),
        Index("ix_mailing_open", "state", postgresql_where=text("finished_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    transfer_id: Mapped[UUID] = mapped_column(unique=True)  # names the run in the ledger
    campaign_id: Mapped[int] = mapped_column(BigInteger, index=True)
    campaign_name: Mapped[str]
    kind: Mapped[MailingKind]
    month: Mapped[str | None]  # YYYY-MM of a monthly run
    design_id: Mapped[int] = mapped_column(BigInteger)
    design_name: Mapped[str]
    subject: Mapped[str]  # a template
    state: Mapped[MailingState]
    version: Mapped[int] = mapped_column(server_default="0")  # grows with each announcement
    paused_by: Mapped[Pauser | None]  # while paused
    error: Mapped[str | None]
    customer_ids: Mapped[list[int] | None]  # None: everybody
    target: Mapped[int | None]  # known when the audience has been loaded
    send_at: Mapped[datetime | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    measured_at: Mapped[datetime | None]  # the rate: when, how many had been done, per second
    measured_done: Mapped[int] = mapped_column(server_default="0")
    per_second: Mapped[float | None]
    refused_in_a_row: Mapped[int] = mapped_column(server_default="0")  # since one was accepted


class Recipient(Base):
    """The ledger: a row per run and customer. `mailing_count` follows it by a trigger."""

    __tablename__ = "recipient"
    __table_args__ = (
        Index(
            "ix_recipient_pending",
            "transfer_id",
            "attempt",
            "customer_id",
            postgresql_where=text("state = 'pending' AND claimed_by IS NULL"),
        ),
        Index(
            "ix_recipient_not_sent",
            "transfer_id",
            "state",
            "customer_id",
            postgresql_where=text("state IN ('failed', 'skipped', 'doubtful', 'cancelled')"),
        ),
        Index(
            "ix_recipient_unreported",
            "transfer_id",
            postgresql_where=text("NOT reported AND state NOT IN ('pending', 'sending')"),
        ),
        Index(
            "ix_recipient_claimed",
            "claimed_by",
            postgresql_where=text("claimed_by IS NOT NULL"),
        ),
        Index(
            "ix_recipient_touching",
            "customer_id",
            postgresql_where=text("claimed_by IS NOT NULL OR (state = 'sent' AND NOT reported)"),
        ),
    )

    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, index=True)
    cedula: Mapped[str]
    first_names: Mapped[str]
    last_names: Mapped[str]
    gender: Mapped[Gender | None]
    birth_on: Mapped[date | None]
    province: Mapped[str | None]
    canton: Mapped[str | None]
    category: Mapped[Category | None]
    joined_on: Mapped[date | None]
    email: Mapped[str | None]
    held: Mapped[Block | None]  # as the campaign knew it
    contact_version: Mapped[int] = mapped_column(BigInteger, server_default="0")  # of both
    state: Mapped[RecipientState] = mapped_column(server_default="pending")
    reason: Mapped[str | None]
    at: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(server_default="0")
    retry_at: Mapped[datetime | None]  # not before
    claimed_by: Mapped[UUID | None]  # a Sender
    reported: Mapped[bool] = mapped_column(server_default=text("false"))

    @property
    def full_name(self) -> str:
        """Given names and surnames."""
        return f"{self.first_names} {self.last_names}".strip()


class MailingCount(Base):
    """Ledger rows by state and reason: the sum over backends. Kept by a trigger on `recipient`.

    A row per writing connection, so that two senders never wait for each other's count.
    """

    __tablename__ = "mailing_count"

    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    backend: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[RecipientState] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)  # only of the skipped, else empty
    count: Mapped[int]


class Sender(Base):
    """A job that sends: what it has claimed is its own while it is alive."""

    __tablename__ = "sender"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    transfer_id: Mapped[UUID] = mapped_column(index=True)
    alive_until: Mapped[datetime]
    begun: Mapped[list[int] | None]  # customers whose outcome may not be on disk; no others'


class Witness(Base):
    """That PostgreSQL has not crashed since a sender began: a crash empties an unlogged table."""

    __tablename__ = "witness"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012  # as SQLAlchemy declares it

    sender_id: Mapped[UUID] = mapped_column(primary_key=True)


class MailServer(Base):
    """A mail server that failed us lately, and when it is tried again, by whatever run."""

    __tablename__ = "mail_server"

    address: Mapped[str] = mapped_column(primary_key=True)  # host:port
    failures: Mapped[int]  # in a row
    words: Mapped[str]
    failed_at: Mapped[datetime]
    retry_at: Mapped[datetime]


class ContactState(Base):
    """Whether a person may be mailed, as last heard; nobody here means no news."""

    __tablename__ = "contact_state"
    __table_args__ = (
        Index("ix_contact_state_bounced", "email", postgresql_where=text("mail_bounced")),
    )

    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    mail_block: Mapped[Block | None]
    email: Mapped[str | None]
    # By our own link; holds until customer_query has confirmed it by `do_not_contact`.
    unsubscribed: Mapped[bool] = mapped_column(server_default=text("false"))
    mail_bounced: Mapped[bool] = mapped_column(server_default=text("false"))
    erased: Mapped[bool] = mapped_column(server_default=text("false"))  # nothing is heard any more


class ServiceMail(Base):
    """The ledger of letters: a row per reference.

    An erased person's is blanked once it has ended, one to no customer some days later.

    `sending` stands on disk before the mail server hears of it.
    """

    __tablename__ = "service_mail"
    __table_args__ = (
        Index(
            "ix_service_mail_kept",
            "created_at",
            postgresql_where=text("customer_id IS NULL AND email IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    template: Mapped[LetterTemplate]
    customer_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    full_name: Mapped[str]
    email: Mapped[str | None]
    fields: Mapped[dict[str, str]]
    state: Mapped[RecipientState] = mapped_column(server_default="pending")
    reason: Mapped[str | None]  # of the skipped a SkipReason, else the mail server's words
    attempt: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]


class Contact(Base):
    """A touch by mail or phone, for the cap."""

    __tablename__ = "contact"

    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(primary_key=True)


class Campaign(Base):
    """What the campaign room last announced of a campaign."""

    __tablename__ = "campaign"

    campaign_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    version: Mapped[int]
    name: Mapped[str]
    phase: Mapped[Phase]
    channels: Mapped[list[Channel]]
    design_id: Mapped[int | None] = mapped_column(BigInteger)
    mail_subject: Mapped[str]


class MonthlySchedule(Base, Edited):
    """The one row: when the monthly run goes out, and for which campaigns."""

    __tablename__ = "monthly_schedule"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # always 1
    day: Mapped[int]
    hour: Mapped[int]  # America/Guayaquil
    campaign_ids: Mapped[list[int]]
    error: Mapped[str | None]  # why it could not begin by the clock
