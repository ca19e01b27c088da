"""What another system did is found by the system's name."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_index(
        "ix_audit_entry_system",
        "audit_entry",
        [sa.text("lower(system)"), "at", "id"],
        postgresql_where=sa.text("system <> ''"),
    )
    op.create_index(  # of all systems, without walking through what people did
        "ix_audit_entry_by_system",
        "audit_entry",
        ["at", "id"],
        postgresql_where=sa.text("system <> ''"),
    )
