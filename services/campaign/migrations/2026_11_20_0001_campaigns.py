"""Campaigns, audiences and what other rooms report."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.migrations import kit

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)
MONEY = sa.Numeric(12, 2)


def text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text, nullable=nullable)


def big(name: str, **options: object) -> sa.Column:
    return sa.Column(name, sa.BigInteger, **{"nullable": False} | options)


def upgrade() -> None:
    kit.create_v1()
    op.execute("CREATE EXTENSION IF NOT EXISTS unaccent")
    create_campaigns()
    create_audiences()
    create_facts()


def create_campaigns() -> None:
    op.create_table(
        "campaign",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        text("name"),
        text("goal"),
        sa.Column("channels", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("definition", postgresql.JSONB, nullable=False),
        text("segment_summary"),
        sa.Column("budget", MONEY, nullable=False),
        sa.Column("expected_revenue", MONEY, nullable=False),
        sa.Column("starts_on", sa.Date),
        sa.Column("ends_on", sa.Date),
        sa.Column("control_share", sa.Float, nullable=False),
        big("design_id", nullable=True),
        text("mail_subject"),
        text("script"),
        text("phase"),
        text("owner"),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("audience_id", sa.Uuid),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
    )
    op.create_table(
        "phase_change",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        big("campaign_id"),
        sa.Column("at", MOMENT, server_default=sa.func.now(), nullable=False),
        text("by"),
        text("old", nullable=True),
        text("new"),
        text("reason"),
    )
    op.create_index("ix_phase_change_campaign_id", "phase_change", ["campaign_id"])


def create_audiences() -> None:
    op.create_table(
        "audience",
        sa.Column("id", sa.Uuid, primary_key=True),
        big("campaign_id"),
        text("state"),
        sa.Column("requested_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("completed_at", MOMENT),
        big("rows", nullable=True),
        sa.Column("figures", postgresql.JSONB),
    )
    op.create_index("ix_audience_campaign_id", "audience", ["campaign_id"])
    op.create_table(
        "audience_member",
        sa.Column("audience_id", sa.Uuid, primary_key=True),
        big("customer_id", primary_key=True),
        text("cedula"),
        text("first_names"),
        text("last_names"),
        text("gender", nullable=True),
        sa.Column("birth_on", sa.Date),
        sa.Column("income", MONEY),
        text("province", nullable=True),
        text("canton", nullable=True),
        text("category", nullable=True),
        sa.Column("joined_on", sa.Date),
        text("email", nullable=True),
        text("phone", nullable=True),
        text("mail_block", nullable=True),
        text("phone_block", nullable=True),
        sa.Column("control", sa.Boolean, server_default=sa.false(), nullable=False),
    )
    op.create_index(
        "ix_audience_member_cedula", "audience_member", ["audience_id", "cedula"], unique=True
    )
    op.create_index("ix_audience_member_customer", "audience_member", ["customer_id"])
    op.create_table(
        "export",
        sa.Column("transfer_id", sa.Uuid, primary_key=True),
        text("kind"),
        big("campaign_id"),
        sa.Column("audience_id", sa.Uuid),
        sa.Column("customer_ids", postgresql.ARRAY(sa.BigInteger)),
        text("state"),
        sa.Column("attempt", sa.Integer, server_default="0", nullable=False),
    )
    op.create_index("ix_export_campaign_id", "export", ["campaign_id"])


def create_facts() -> None:
    op.create_table(
        "touch",
        big("campaign_id", primary_key=True, autoincrement=False),
        big("customer_id", primary_key=True, autoincrement=False),
        sa.Column("contacted", sa.Boolean, nullable=False),
        sa.Column("accepted", sa.Boolean, nullable=False),
    )
    op.create_index("ix_touch_customer", "touch", ["customer_id"])
    op.create_table(
        "call_fact",
        big("call_id", primary_key=True, autoincrement=False),
        big("campaign_id"),
        big("customer_id"),
        text("advisor"),
        text("result"),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_index("ix_call_fact_campaign", "call_fact", ["campaign_id", "at"])
    op.create_table(
        "mailing_fact",
        big("mailing_id", primary_key=True, autoincrement=False),
        big("campaign_id"),
        sa.Column("target", sa.Integer, nullable=False),
    )
    op.create_index("ix_mailing_fact_campaign_id", "mailing_fact", ["campaign_id"])
    op.create_table(
        "mail_fact",
        big("mailing_id", primary_key=True, autoincrement=False),
        big("customer_id", primary_key=True, autoincrement=False),
        big("campaign_id"),
        text("state"),
        text("reason", nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("unsubscribed", sa.Boolean, server_default=sa.false(), nullable=False),
    )
    op.create_index("ix_mail_fact_campaign", "mail_fact", ["campaign_id", "state", "reason"])
