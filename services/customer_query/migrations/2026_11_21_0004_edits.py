"""Customers and segments know their version, and who changed them last."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("customer", sa.Column("version", sa.Integer, server_default="1", nullable=False))
    for table in ("customer", "segment"):
        op.add_column(table, sa.Column("changed_by", sa.Text))
        op.add_column(table, sa.Column("changed_at", sa.DateTime(timezone=True)))
