"""Notices to users."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        sa.Column("created_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.Column("read_at", moment),
        sa.UniqueConstraint("user_id", "reference"),
    )
    op.create_index(
        "ix_notice_unread", "notice", ["user_id"], postgresql_where=sa.text("read_at IS NULL")
    )
    op.create_index("ix_notice_user", "notice", ["user_id", "id"])
    op.create_index("ix_notice_created_at", "notice", ["created_at"])
