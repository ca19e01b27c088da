"""Whose personal values somebody has seen whole lately."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "reveal",
        sa.Column("username", sa.Text, primary_key=True),
        sa.Column("customer_id", sa.BigInteger, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
