"""Loads that stand for all persons, and how many they removed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("load", sa.Column("full", sa.Boolean, server_default="false", nullable=False))
    op.add_column("load", sa.Column("removed", sa.BigInteger, server_default="0", nullable=False))
