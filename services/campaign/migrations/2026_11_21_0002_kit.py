"""The kit's second version; versions of contact states and runs; editions that failed."""

import sqlalchemy as sa
from alembic import op

from shared.migrations import kit

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    kit.upgrade_to_v2()
    op.add_column(
        "audience_member",
        sa.Column("contact_version", sa.BigInteger, server_default="0", nullable=False),
    )
    op.add_column("audience", sa.Column("error", sa.Text))
    op.add_column(
        "mailing_fact", sa.Column("version", sa.Integer, server_default="0", nullable=False)
    )
