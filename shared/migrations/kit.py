"""The kit's tables as of each of its versions, for the rooms' migrations to call."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def create_v1() -> None:
    """Outbox, inbox, commands and transfers."""
    jsonb, moment = postgresql.JSONB(), sa.DateTime(timezone=True)
    now = sa.text("now()")
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("message_id", sa.Uuid, nullable=False),
        sa.Column("exchange", sa.Text, nullable=False),
        sa.Column("routing_key", sa.Text, nullable=False),
        sa.Column("task", sa.Text),
        sa.Column("payload", jsonb, nullable=False),
        sa.Column("headers", jsonb, nullable=False),
        sa.Column("created_at", moment, server_default=now, nullable=False),
    )
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("handler", sa.Text, primary_key=True),
        sa.Column("handled_at", moment, server_default=now, nullable=False),
    )
    op.create_table(
        "command",
        sa.Column("username", sa.Text, primary_key=True),
        sa.Column("procedure", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("arguments_hash", sa.Text, nullable=False),
        sa.Column("reply", jsonb),
        sa.Column("at", moment, server_default=now, nullable=False),
    )
    op.create_table(
        "transfer",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("expected_chunks", sa.Integer),
        sa.Column("expected_rows", sa.BigInteger),
        sa.Column("expected_checksum", sa.BigInteger),
        sa.Column("completed_at", moment),
    )
    op.create_table(
        "transfer_chunk",
        sa.Column("transfer_id", sa.Uuid, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("checksum", sa.BigInteger, nullable=False),
    )


def upgrade_to_v2() -> None:
    """Jobs that were handed over and have not ended; transfers that were given up."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "open_job",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("sent_at", moment, server_default=sa.text("now()"), nullable=False),
    )
    op.add_column("transfer", sa.Column("failed_at", moment))


def create_statistics() -> None:
    """`take_statistics(table)`: only an owner may, and the room's account owns nothing."""
    op.execute(
        "CREATE FUNCTION take_statistics(name regclass) RETURNS void "
        "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS "
        "$$ BEGIN EXECUTE 'ANALYZE ' || name::text; END $$"
    )
