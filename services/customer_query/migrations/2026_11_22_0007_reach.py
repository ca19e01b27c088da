"""Who works with whom, by telemarketing's lists."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "reach",
        sa.Column("username", sa.Text, primary_key=True),
        sa.Column("customer_id", sa.BigInteger, primary_key=True),
        sa.Column("campaign_id", sa.BigInteger, primary_key=True),
        sa.Column("given", sa.Boolean, nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True)),
        sa.Column("until", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_reach_customer", "reach", ["customer_id"])
