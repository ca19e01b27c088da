"""Call lists, targets, leases, calls, callbacks and risk checks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.migrations import kit

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)


def text(name: str, *, nullable: bool = False, **options: object) -> sa.Column:
    return sa.Column(name, sa.Text, nullable=nullable, **options)


def big(name: str, **options: object) -> sa.Column:
    return sa.Column(name, sa.BigInteger, **{"nullable": False} | options)


def moment(name: str, *, nullable: bool = True, **options: object) -> sa.Column:
    return sa.Column(name, MOMENT, nullable=nullable, **options)


def person() -> list[sa.Column]:
    return [
        text("cedula"),
        text("first_names"),
        text("last_names"),
        text("gender", nullable=True),
        sa.Column("birth_on", sa.Date),
        sa.Column("income", sa.Numeric(12, 2)),
        text("province", nullable=True),
        text("canton", nullable=True),
        text("category", nullable=True),
        sa.Column("joined_on", sa.Date),
        text("email", nullable=True),
        text("phone", nullable=True),
        text("held", nullable=True),
    ]


def identity(name: str = "id") -> sa.Column:
    return sa.Column(name, sa.BigInteger, sa.Identity(), primary_key=True)


def upgrade() -> None:
    kit.create_v1()
    op.create_table(
        "campaign",
        big("campaign_id", primary_key=True, autoincrement=False),
        text("name", server_default=""),
        text("phase", server_default="draft"),
        sa.Column("channels", postgresql.ARRAY(sa.Text), server_default="{}", nullable=False),
        text("script", server_default=""),
        sa.Column("version", sa.Integer, server_default="0", nullable=False),
        sa.Column("audience_id", sa.Uuid),
        sa.Column("requested_audience_id", sa.Uuid),
        moment("listed_at"),
    )
    create_call_list()
    create_call_target()
    create_calls()
    op.create_table(
        "risk_check",
        identity(),
        big("customer_id"),
        text("advisor"),
        text("purpose"),
        text("state"),
        sa.Column("report", postgresql.JSONB),
        moment("at", nullable=False),
    )
    op.create_index("ix_risk_check_customer", "risk_check", ["customer_id", "id"])


def create_call_list() -> None:
    op.create_table(
        "call_list",
        sa.Column("transfer_id", sa.Uuid, primary_key=True),
        big("campaign_id"),
        sa.Column("number", sa.BigInteger, sa.Identity(), nullable=False),
        moment("merged_at"),
    )
    op.create_index("ix_call_list_campaign_id", "call_list", ["campaign_id"])
    op.create_table(
        "call_list_row",
        sa.Column("transfer_id", sa.Uuid, primary_key=True),
        big("customer_id", primary_key=True, autoincrement=False),
        big("campaign_id"),
        *person(),
    )


def create_call_target() -> None:
    op.create_table(
        "call_target",
        big("campaign_id", primary_key=True, autoincrement=False),
        big("customer_id", primary_key=True, autoincrement=False),
        *person(),
        text("advisor", nullable=True),
        moment("assigned_at"),
        text("state", server_default="open"),
        sa.Column("attempts", sa.Integer, server_default="0", nullable=False),
        moment("next_at", nullable=False, server_default=sa.func.now()),
        moment("callback_at"),
        text("note", server_default=""),
        sa.Column("lease_id", sa.Uuid),
        text("lease_advisor", nullable=True),
        moment("lease_until"),
    )
    called = "state = 'open' AND held IS NULL AND phone IS NOT NULL"
    op.create_index(
        "ix_call_target_queue",
        "call_target",
        ["advisor", "callback_at", "attempts", "next_at", "customer_id"],
        postgresql_where=sa.text(called),
    )
    op.create_index(
        "ix_call_target_unassigned",
        "call_target",
        ["campaign_id", "province"],
        postgresql_where=sa.text(f"advisor IS NULL AND {called}"),
    )
    op.create_index("ix_call_target_assigned", "call_target", ["campaign_id", "advisor", "state"])
    op.create_index("ix_call_target_customer", "call_target", ["customer_id"])
    op.create_index(
        "ix_call_target_lease",
        "call_target",
        ["lease_advisor"],
        postgresql_where=sa.text("lease_id IS NOT NULL"),
    )


def create_calls() -> None:
    op.create_table(
        "lease",
        sa.Column("id", sa.Uuid, primary_key=True),
        big("campaign_id"),
        big("customer_id"),
        text("advisor"),
        moment("at", nullable=False),
    )
    op.create_table(
        "call",
        identity(),
        sa.Column("lease_id", sa.Uuid, nullable=False, unique=True),
        big("campaign_id"),
        big("customer_id"),
        text("customer_name"),
        text("advisor"),
        text("result"),
        text("note"),
        moment("callback_at"),
        moment("at", nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
    )
    op.create_index("ix_call_campaign", "call", ["campaign_id", "id"])
    op.create_index("ix_call_customer", "call", ["customer_id", "id"])
    op.create_index("ix_call_advisor_day", "call", ["advisor", "at"])
    op.create_index("ix_call_advisor", "call", ["advisor", "id"])
    op.create_table(
        "callback",
        identity(),
        big("call_id", unique=True),
        big("campaign_id"),
        big("customer_id"),
        text("advisor"),
        moment("at", nullable=False),
        text("note"),
        sa.Column("done", sa.Boolean, server_default=sa.false(), nullable=False),
    )
    op.create_index("ix_callback_at", "callback", ["at"])
    op.create_index(
        "ix_callback_pending",
        "callback",
        ["campaign_id", "customer_id"],
        postgresql_where=sa.text("NOT done"),
    )
