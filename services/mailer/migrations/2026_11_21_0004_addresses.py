"""Addresses by version: what was heard of a person wins over an older audience."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("contact_state", sa.Column("email", sa.Text))
    op.add_column(
        "recipient",
        sa.Column("contact_version", sa.BigInteger, server_default="0", nullable=False),
    )
