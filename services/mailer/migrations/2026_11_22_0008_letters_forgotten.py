"""Letters to people who are no customers are forgotten: found without reading the others."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_index(
        "ix_service_mail_kept",
        "service_mail",
        ["created_at"],
        postgresql_where=sa.text("customer_id IS NULL AND email IS NOT NULL"),
    )
