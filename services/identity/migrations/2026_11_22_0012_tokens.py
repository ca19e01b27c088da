"""API tokens of other systems; the record tells which of them asked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    _make_tokens()
    # not covered by the hashes of lines that were written before (`chain.LINKED_LATER`)
    op.add_column("audit_entry", _text("system", server_default=""))


def _make_tokens() -> None:
    moment, words = sa.DateTime(timezone=True), postgresql.ARRAY(sa.Text)
    user = sa.ForeignKey("user_account.id")
    op.create_table(
        "api_token",
        sa.Column("id", sa.Text, primary_key=True),
        _text("secret_hash"),
        _text("name"),
        sa.Column("user_id", sa.BigInteger, user, nullable=False),
        sa.Column("scopes", words, nullable=False),
        sa.Column("networks", words, nullable=False),
        sa.Column("requests_a_minute", sa.Integer, nullable=False),
        sa.Column("expires_on", sa.Date, nullable=False),
        sa.Column("created_at", moment, server_default=sa.text("now()"), nullable=False),
        _text("created_by"),
        sa.Column("last_used_at", moment),
        _text("last_source", server_default=""),
        sa.Column("revoked_at", moment),
        sa.Column("revoked_by", sa.Text),
    )
    running = sa.text("revoked_at IS NULL")
    op.create_index(
        "ix_api_token_name", "api_token", ["name"], unique=True, postgresql_where=running
    )
    op.create_index("ix_api_token_created_at", "api_token", ["created_at", "id"])
    op.create_index("ix_api_token_user_id", "api_token", ["user_id"])


def _text(name: str, server_default: str | None = None) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, server_default=server_default, nullable=False)
