"""Loads of the bureau's file; persons and their risk are in Redis."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.migrations import kit

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)


def count(name: str) -> sa.Column:
    return sa.Column(name, sa.BigInteger, server_default="0", nullable=False)


def upgrade() -> None:
    kit.create_v1()
    op.create_table(
        "load",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("file_key", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("chunks", sa.Integer, server_default="0", nullable=False),
        count("read"),
        count("created"),
        count("updated"),
        count("unchanged"),
        count("rejected"),
        sa.Column("rejected_key", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("finished_at", MOMENT),
    )
    op.create_table(
        "reject",
        sa.Column("load_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("line", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("row", postgresql.JSONB, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
