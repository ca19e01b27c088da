"""Imports as the kit's loads; columns that people chose; what an import did, for undoing it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.migrations import loads

revision = "0005"
down_revision = "0004"

COLUMNS = (
    "id, file_key, file_name, dry_run, state, read, created, updated, unchanged, rejected, "
    "percent, columns, asked_mapping, mapping, rejected_key, error, created_by, created_at, "
    "finished_at"
)


def upgrade() -> None:
    op.rename_table("import", "old_import")
    op.rename_table("import_reject", "old_reject")
    loads.create_v1("import")
    loads.move_rows("old_import", "import", COLUMNS)
    # Of an import that is being read; its lines are counted with the header from now on.
    op.execute(
        "INSERT INTO import_reject SELECT r.import_id, r.row + 1, r.values, r.reason "
        "FROM old_reject r JOIN import i ON i.id = r.import_id AND i.finished_at IS NULL"
    )
    op.drop_table("old_reject")
    op.add_column("import", sa.Column("undo_state", sa.Text))
    op.add_column("import", sa.Column("undone_by", sa.Text))
    for name in ("removed", "restored", "kept"):
        count = sa.Column(name, sa.BigInteger, server_default="0", nullable=False)
        op.add_column("import", count)
    create_changes()


def create_changes() -> None:
    op.create_table(
        "import_change",
        sa.Column("import_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("customer_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("before", postgresql.JSONB, nullable=False),
        sa.Column("after", postgresql.JSONB, nullable=False),
    )
    op.create_index("ix_import_change_customer", "import_change", ["customer_id"])
    op.create_table(
        "import_birth",
        sa.Column("import_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("first_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("customer_ids", postgresql.ARRAY(sa.BigInteger), nullable=False),
    )
