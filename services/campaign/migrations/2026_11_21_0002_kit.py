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
    text = [sa.Column(name, sa.Text) for name in ("email", "phone", "mail_block", "phone_block")]
    op.create_table(
        "contact_news",
        sa.Column("customer_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        *text,
        sa.Column("erased", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False, index=True),
    )
