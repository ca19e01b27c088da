"""The monthly schedule knows its version, and who changed it last."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    version = sa.Column("version", sa.Integer, server_default="1", nullable=False)
    op.add_column("monthly_schedule", version)
    op.add_column("monthly_schedule", sa.Column("changed_by", sa.Text))
    op.add_column("monthly_schedule", sa.Column("changed_at", sa.DateTime(timezone=True)))
