"""What users keep of lists: columns, and searches with a name."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "list_choice",
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("columns", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("size", sa.Integer),
    )
    op.create_table(
        "list_view",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("user_account.id"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.UniqueConstraint("code", "user_id", "name"),
    )
