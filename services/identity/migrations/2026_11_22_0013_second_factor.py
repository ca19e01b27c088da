"""A second factor of users, and roles that require it."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    required = sa.Column(
        "requires_second_factor", sa.Boolean, server_default=sa.false(), nullable=False
    )
    op.add_column("role", required)
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "second_factor",
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("user_account.id"), primary_key=True),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("since", moment, server_default=sa.text("now()"), nullable=False),
    )
    owner = sa.ForeignKey("second_factor.user_id", ondelete="CASCADE")
    op.create_table(
        "recovery_code",
        sa.Column("user_id", sa.BigInteger, owner, primary_key=True),
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("used_at", moment),
    )
