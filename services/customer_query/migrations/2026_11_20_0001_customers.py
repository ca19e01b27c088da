"""Customers, their history, segments, exports and imports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.migrations import kit

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)
MONEY = sa.Numeric(12, 2)
TEXTS = postgresql.ARRAY(sa.Text)


def text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text, nullable=nullable)


def big(name: str, **options: object) -> sa.Column:
    return sa.Column(name, sa.BigInteger, **{"nullable": False} | options)


def identity() -> sa.Column:
    return sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True)


def flag(name: str) -> sa.Column:
    return sa.Column(name, sa.Boolean, server_default=sa.false(), nullable=False)


def moment(name: str, *, nullable: bool = False, now: bool = True) -> sa.Column:
    default = sa.func.now() if now else None
    return sa.Column(name, MOMENT, server_default=default, nullable=nullable)


def count(name: str) -> sa.Column:
    return sa.Column(name, sa.Integer, server_default="0", nullable=False)


def upgrade() -> None:
    kit.create_v1()
    create_people()
    create_contacts()
    create_campaigns()
    create_segments()
    create_imports()


def create_people() -> None:
    op.create_table(
        "customer",
        identity(),
        sa.Column("cedula", sa.Text, nullable=False, unique=True),
        text("first_names"),
        text("last_names"),
        text("search"),
        text("gender", nullable=True),
        sa.Column("birth_on", sa.Date),
        sa.Column("income", MONEY),
        text("province", nullable=True),
        text("canton", nullable=True),
        text("address", nullable=True),
        text("email", nullable=True),
        text("phone", nullable=True),
        sa.Column("other_phones", TEXTS, server_default="{}", nullable=False),
        sa.Column("joined_on", sa.Date, nullable=False),
        text("category"),
        text("category_reason", nullable=True),
        text("preferred_channel", nullable=True),
        text("preferred_hours", nullable=True),
        flag("consent_mail"),
        flag("consent_phone"),
        flag("do_not_mail"),
        flag("do_not_call"),
        flag("mail_bounced"),
        text("risk_category", nullable=True),
        moment("last_contact_at", nullable=True, now=False),
        moment("erased_at", nullable=True, now=False),
        moment("created_at"),
        moment("updated_at"),
    )
    op.create_index("ix_customer_segment", "customer", ["province", "gender", "birth_on", "income"])
    op.create_index(
        "ix_customer_search",
        "customer",
        ["search", "id"],
        postgresql_ops={"search": "text_pattern_ops"},
    )
    op.create_index("ix_customer_email", "customer", [sa.text("lower(email)")])
    op.create_index("ix_customer_phone", "customer", ["phone"])
    op.create_table(
        "held_service",
        identity(),
        big("customer_id"),
        text("service"),
        text("line_number", nullable=True),
        sa.Column("price", MONEY, nullable=False),
        sa.Column("from_on", sa.Date, nullable=False),
        sa.Column("to_on", sa.Date),
    )
    op.create_index("ix_held_service_customer", "held_service", ["customer_id"])


def create_contacts() -> None:
    op.create_table(
        "consent",
        identity(),
        big("customer_id"),
        text("channel"),
        sa.Column("given", sa.Boolean, nullable=False),
        text("how"),
        text("by", nullable=True),
        moment("at"),
    )
    op.create_index("ix_consent_customer", "consent", ["customer_id"])
    op.create_table(
        "contact",
        identity(),
        big("customer_id"),
        big("campaign_id"),
        text("channel"),
        moment("at", now=False),
    )
    op.create_index("ix_contact_customer", "contact", ["customer_id", "at"])
    op.create_table(
        "timeline_entry",
        identity(),
        big("customer_id"),
        moment("at"),
        text("kind"),
        text("title"),
        sa.Column("detail", sa.Text, server_default="", nullable=False),
        text("by", nullable=True),
    )
    op.create_index("ix_timeline_customer", "timeline_entry", ["customer_id", "id"])


def create_campaigns() -> None:
    op.create_table(
        "campaign",
        big("campaign_id", primary_key=True, autoincrement=False),
        text("name"),
        text("phase"),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "campaign_member",
        big("campaign_id", primary_key=True, autoincrement=False),
        big("customer_id", primary_key=True, autoincrement=False),
    )
    op.create_index("ix_campaign_member_customer", "campaign_member", ["customer_id"])
    op.create_table(
        "export",
        sa.Column("transfer_id", sa.Uuid, primary_key=True),
        big("campaign_id"),
        sa.Column("definition", postgresql.JSONB, nullable=False),
        sa.Column("attempt", sa.Integer, server_default="0", nullable=False),
        big("rows", nullable=True),
        moment("requested_at"),
    )


def create_segments() -> None:
    op.create_table(
        "segment",
        identity(),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        text("description"),
        sa.Column("definition", postgresql.JSONB, nullable=False),
        text("summary"),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        text("created_by"),
        moment("updated_at"),
    )
    op.create_table(
        "segment_version",
        big("segment_id", primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("definition", postgresql.JSONB, nullable=False),
        text("changed_by"),
        moment("at"),
    )


def create_imports() -> None:
    op.create_table(
        "import",
        identity(),
        text("file_key"),
        text("file_name"),
        sa.Column("dry_run", sa.Boolean, nullable=False),
        text("state"),
        count("read"),
        count("created"),
        count("updated"),
        count("unchanged"),
        count("rejected"),
        count("percent"),
        sa.Column("columns", TEXTS, server_default="{}", nullable=False),
        sa.Column("asked_mapping", postgresql.JSONB),
        sa.Column("mapping", postgresql.JSONB, server_default="{}", nullable=False),
        text("rejected_key", nullable=True),
        text("error", nullable=True),
        text("created_by"),
        moment("created_at"),
        moment("finished_at", nullable=True, now=False),
    )
    op.create_table(
        "import_reject",
        big("import_id", primary_key=True, autoincrement=False),
        sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("values", TEXTS, nullable=False),
        text("reason"),
    )
