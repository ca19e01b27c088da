"""Cancelled rows, mail servers that are left alone, senders' durable distance, versions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    name_cancelled()
    drop_failed()
    index_ledger()
    widen_runs()
    replace_senders()
    watch_servers()
    forget_cap()


def name_cancelled() -> None:
    """The counting trigger moves the counts along."""
    op.execute(
        "UPDATE recipient SET state = 'cancelled', reason = NULL"
        " WHERE state = 'skipped' AND reason = 'cancelled'"
    )


def drop_failed() -> None:
    """What came of the audience of a run that failed; it can be asked for anew."""
    op.execute(
        "DELETE FROM recipient WHERE transfer_id IN"
        " (SELECT transfer_id FROM mailing WHERE state = 'failed')"
    )


def index_ledger() -> None:
    op.drop_index("ix_recipient_pending", "recipient")
    op.drop_index("ix_recipient_not_sent", "recipient")
    partial = (
        (
            "pending",
            ["transfer_id", "attempt", "customer_id"],
            "state = 'pending' AND claimed_by IS NULL",
        ),
        (
            "not_sent",
            ["transfer_id", "state", "customer_id"],
            "state IN ('failed', 'skipped', 'doubtful', 'cancelled')",
        ),
        (
            "touching",
            ["customer_id"],
            "claimed_by IS NOT NULL OR (state = 'sent' AND NOT reported)",
        ),
    )
    for name, columns, where in partial:
        op.create_index(
            f"ix_recipient_{name}", "recipient", columns, postgresql_where=sa.text(where)
        )


def widen_runs() -> None:
    op.add_column("mailing", sa.Column("version", sa.Integer, server_default="0", nullable=False))
    op.add_column("mailing", sa.Column("paused_by", sa.Text))
    op.add_column("mailing", sa.Column("customer_ids", postgresql.ARRAY(sa.BigInteger)))
    # Whom a run was for was not kept: one that failed asks, when it is tried again, for nobody.
    op.execute(
        "UPDATE mailing SET customer_ids = '{}'"
        " WHERE kind = 'on_demand' AND state IN ('preparing', 'failed')"
    )
    op.add_column(
        "mailing", sa.Column("refused_in_a_row", sa.Integer, server_default="0", nullable=False)
    )
    op.execute("UPDATE mailing SET paused_by = 'person' WHERE state = 'paused'")
    op.add_column("design", sa.Column("test_error", sa.Text))
    op.add_column("monthly_schedule", sa.Column("error", sa.Text))


def replace_senders() -> None:
    """Senders of before have ended in an orderly way, or are judged by their rows' states."""
    op.add_column("sender", sa.Column("begun", postgresql.ARRAY(sa.BigInteger)))
    op.drop_column("sender", "claimed_at")
    op.create_table(
        "witness",
        sa.Column("sender_id", sa.Uuid, primary_key=True),
        prefixes=["UNLOGGED"],
    )
    op.execute("INSERT INTO witness SELECT id FROM sender")


def watch_servers() -> None:
    op.create_table(
        "mail_server",
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("failed_at", MOMENT, nullable=False),
        sa.Column("retry_at", MOMENT, nullable=False),
    )


def forget_cap() -> None:
    """The cap is judged at the touch; what was remembered of it would hold people for ever."""
    op.add_column(
        "contact_state",
        sa.Column("version", sa.BigInteger, server_default="0", nullable=False),
    )
    op.execute("UPDATE contact_state SET mail_block = NULL WHERE mail_block = 'over_cap'")
    op.execute("UPDATE recipient SET held = NULL WHERE held = 'over_cap' AND state = 'pending'")
