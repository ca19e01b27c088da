"""Mail addresses of users, users without a password yet, and the links to choose one."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("user_account", sa.Column("email", sa.Text))
    op.alter_column("user_account", "password_hash", nullable=True)
    op.create_index(
        "ix_user_account_email",
        "user_account",
        [sa.text("lower(email)")],
        unique=True,
        postgresql_where=sa.text("active"),
    )
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "password_link",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("user_account.id"), nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("seed", sa.Text, unique=True, nullable=False),
        sa.Column("hash", sa.Text, unique=True, nullable=False),
        sa.Column("asked_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("sent_at", moment),
        sa.Column("failure", sa.Text, server_default="", nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("used_at", moment),
        sa.Column("voided_at", moment),
    )
    op.create_index("ix_password_link_user", "password_link", ["user_id", "asked_at"])
