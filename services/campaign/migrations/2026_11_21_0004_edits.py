"""Campaigns know who changed them last, and which version that made."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    version = sa.Column("changed_version", sa.Integer, server_default="1", nullable=False)
    op.add_column("campaign", version)
    op.add_column("campaign", sa.Column("changed_by", sa.Text))
    op.add_column("campaign", sa.Column("changed_at", sa.DateTime(timezone=True)))
