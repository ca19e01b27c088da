"""customer_query's tables."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, Index, Numeric, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.columns import enums
from shared.contracts.campaign import Phase
from shared.contracts.customer_query import Category, Channel, Gender, TimelineKind
from shared.contracts.loads import LoadState
from shared.contracts.risk_central import RiskCategory
from shared.edits import Edited
from shared.loads.models import LoadRow, MappingRow, RejectRow


class Base(DeclarativeBase):
    """All tables of the room's database besides the kit's."""

    type_annotation_map = {  # noqa: RUF012  # as SQLAlchemy declares it
        datetime: DateTime(timezone=True),
        str: Text,
        Decimal: Numeric(12, 2),
        dict[str, Any]: JSONB,
        dict[str, str]: JSONB,
        list[str]: ARRAY(Text),
        list[int]: ARRAY(BigInteger),
        **enums(Category, Channel, Gender, LoadState, Phase, RiskCategory, TimelineKind),
    }


class Customer(Base, Edited):
    """A person; `search` is the folded surnames and names, for lists."""

    __tablename__ = "customer"
    __table_args__ = (
        # Index-only for the usual segment: place, gender, age, income.
        Index("ix_customer_segment", "province", "gender", "birth_on", "income"),
        Index("ix_customer_search", "search", "id", postgresql_ops={"search": "text_pattern_ops"}),
        Index("ix_customer_email", func.lower("email")),
        Index("ix_customer_phone", "phone"),
        Index("ix_customer_erased", "erased_at", postgresql_where=text("erased_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    cedula: Mapped[str] = mapped_column(unique=True)
    first_names: Mapped[str]
    last_names: Mapped[str]
    search: Mapped[str]
    gender: Mapped[Gender | None]
    birth_on: Mapped[date | None]
    income: Mapped[Decimal | None]
    province: Mapped[str | None]
    canton: Mapped[str | None]
    address: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    other_phones: Mapped[list[str]] = mapped_column(server_default="{}")
    joined_on: Mapped[date]
    category: Mapped[Category]
    category_reason: Mapped[str | None]  # given when it was set by hand
    preferred_channel: Mapped[Channel | None]
    preferred_hours: Mapped[str | None]
    consent_mail: Mapped[bool] = mapped_column(server_default="false")
    consent_phone: Mapped[bool] = mapped_column(server_default="false")
    do_not_mail: Mapped[bool] = mapped_column(server_default="false")
    do_not_call: Mapped[bool] = mapped_column(server_default="false")
    mail_bounced: Mapped[bool] = mapped_column(server_default="false")
    contact_version: Mapped[int] = mapped_column(BigInteger, server_default="1")  # by a trigger
    risk_category: Mapped[RiskCategory | None]  # as the bureau last said …
    risk_at: Mapped[datetime | None]  # … and when
    last_contact_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def full_name(self) -> str:
        """Given names and surnames."""
        return f"{self.first_names} {self.last_names}".strip()

    @property
    def erased(self) -> bool:
        """Whether the person asked to be forgotten, and was."""
        return self.erased_at is not None


class HeldService(Base):
    """A service a customer has or had."""

    __tablename__ = "held_service"
    __table_args__ = (Index("ix_held_service_customer", "customer_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger)
    service: Mapped[str]  # code of the catalogue
    line_number: Mapped[str | None]
    price: Mapped[Decimal]  # dollars a month
    from_on: Mapped[date]
    to_on: Mapped[date | None]  # None: held now


class Consent(Base):
    """The consent ledger: what, when, how; never changed, only added to."""

    __tablename__ = "consent"
    __table_args__ = (Index("ix_consent_customer", "customer_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger)
    channel: Mapped[Channel]
    given: Mapped[bool]
    how: Mapped[str]  # profile, import:<id>, unsubscribe, call
    by: Mapped[str | None]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class Contact(Base):
    """A marketing touch, for the cap."""

    __tablename__ = "contact"
    __table_args__ = (Index("ix_contact_customer", "customer_id", "at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger)
    campaign_id: Mapped[int] = mapped_column(BigInteger)
    channel: Mapped[Channel]
    at: Mapped[datetime]


class TimelineEntry(Base):
    """What happened with a customer, from all rooms."""

    __tablename__ = "timeline_entry"
    __table_args__ = (Index("ix_timeline_customer", "customer_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    kind: Mapped[TimelineKind]
    title: Mapped[str]
    detail: Mapped[str] = mapped_column(server_default="")
    by: Mapped[str | None]


class Campaign(Base):
    """What the room knows of campaigns, for `in_campaign` and the split."""

    __tablename__ = "campaign"

    campaign_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str]
    phase: Mapped[Phase]
    version: Mapped[int]


class CampaignMember(Base):
    """Who was exported to a campaign last."""

    __tablename__ = "campaign_member"
    __table_args__ = (Index("ix_campaign_member_customer", "customer_id"),)

    campaign_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)


class Export(Base):
    """A segment that campaign asked for."""

    __tablename__ = "export"

    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(BigInteger)
    definition: Mapped[dict[str, Any]]
    attempt: Mapped[int] = mapped_column(server_default="0")
    rows: Mapped[int | None] = mapped_column(BigInteger)  # None until it is done
    failed_at: Mapped[datetime | None]
    requested_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Segment(Base, Edited):
    """A saved definition."""

    __tablename__ = "segment"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str]
    definition: Mapped[dict[str, Any]]
    summary: Mapped[str]
    created_by: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SegmentVersion(Base):
    """What a segment was before it was changed."""

    __tablename__ = "segment_version"

    segment_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    definition: Mapped[dict[str, Any]]
    changed_by: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class Reach(Base):
    """That a user works with a person; told by telemarketing."""

    __tablename__ = "reach"
    __table_args__ = (Index("ix_reach_customer", "customer_id"),)

    username: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)  # 0: of none
    given: Mapped[bool]  # stands on the user's list …
    moved_at: Mapped[datetime | None]  # … or left it, since then
    until: Mapped[datetime | None]  # a call, a callback or a request of the person's own


class Reveal(Base):
    """That a user has seen a person's values whole, for the limit of a day."""

    __tablename__ = "reveal"

    username: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]


class Import(LoadRow, Base):
    """A customer file being read, and its undoing."""

    __tablename__ = "import"

    undo_state: Mapped[LoadState | None]  # None: nobody asked for it
    undone_by: Mapped[str | None]
    removed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    restored: Mapped[int] = mapped_column(BigInteger, server_default="0")
    kept: Mapped[int] = mapped_column(BigInteger, server_default="0")

    @property
    def undo(self) -> dict[str, Any] | None:
        """How far its undoing is."""
        counts = {name: getattr(self, name) for name in ("removed", "restored", "kept")}
        return {"state": self.undo_state, **counts} if self.undo_state else None


class ImportReject(RejectRow, Base):
    """A row that was not imported."""

    __tablename__ = "import_reject"


class ImportMapping(MappingRow, Base):
    """Columns that somebody chose."""

    __tablename__ = "import_mapping"


class ImportChange(Base):
    """What an import did to a person, for undoing it; `undos` forgets it after a while."""

    __tablename__ = "import_change"
    __table_args__ = (Index("ix_import_change_customer", "customer_id"),)

    import_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    customer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    before: Mapped[dict[str, Any]]  # columns that were changed, as they were …
    after: Mapped[dict[str, Any]]  # … and as the import left them


class ImportBirth(Base):
    """The people whom a batch of an import created."""

    __tablename__ = "import_birth"

    import_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    first_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    customer_ids: Mapped[list[int]]
