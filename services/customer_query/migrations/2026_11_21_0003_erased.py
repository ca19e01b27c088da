"""Who was erased lately is found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index(
        "ix_customer_erased",
        "customer",
        ["erased_at"],
        postgresql_where=sa.text("erased_at IS NOT NULL"),
    )
