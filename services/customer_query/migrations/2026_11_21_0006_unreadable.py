"""Loads whose file would fail again."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    unreadable = sa.Column("unreadable", sa.Boolean, server_default="false", nullable=False)
    op.add_column("import", unreadable)
