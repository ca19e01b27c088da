"""Users."""

import sqlalchemy as sa
from alembic import op

from shared.migrations import kit

revision = "0001"
down_revision = None


def upgrade() -> None:
    kit.create_v1()
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "user_account",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("username", sa.Text, nullable=False, unique=True),
        sa.Column("full_name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, server_default=sa.true(), nullable=False),
        sa.Column("last_login_at", moment),
        sa.Column("created_at", moment, server_default=sa.func.now(), nullable=False),
    )
