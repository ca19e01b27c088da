"""Users know their version, and who changed them last."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    version = sa.Column("version", sa.Integer, server_default="1", nullable=False)
    op.add_column("user_account", version)
    op.add_column("user_account", sa.Column("changed_by", sa.Text))
    op.add_column("user_account", sa.Column("changed_at", sa.DateTime(timezone=True)))
