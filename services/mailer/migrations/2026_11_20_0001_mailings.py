"""Designs, runs, the ledger with its counts, contact states, the monthly schedule."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.migrations import kit

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)

# One statement on the ledger moves the counts once, by the sums of what it changed.
COUNT = """
CREATE FUNCTION count_recipients() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO mailing_count AS c (transfer_id, backend, state, reason, count)
        SELECT transfer_id, pg_backend_pid(), state,
            CASE state WHEN 'skipped' THEN coalesce(reason, '') ELSE '' END, count(*)
        FROM after GROUP BY 1, 3, 4
        ON CONFLICT (transfer_id, backend, state, reason)
        DO UPDATE SET count = c.count + excluded.count;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO mailing_count AS c (transfer_id, backend, state, reason, count)
        SELECT transfer_id, pg_backend_pid(), state,
            CASE state WHEN 'skipped' THEN coalesce(reason, '') ELSE '' END, -count(*)
        FROM before GROUP BY 1, 3, 4
        ON CONFLICT (transfer_id, backend, state, reason)
        DO UPDATE SET count = c.count + excluded.count;
    ELSE
        INSERT INTO mailing_count AS c (transfer_id, backend, state, reason, count)
        SELECT transfer_id, pg_backend_pid(), state, shown, sum(change) FROM (
            SELECT transfer_id, state, 1 AS change,
                CASE state WHEN 'skipped' THEN coalesce(reason, '') ELSE '' END AS shown FROM after
            UNION ALL
            SELECT transfer_id, state, -1,
                CASE state WHEN 'skipped' THEN coalesce(reason, '') ELSE '' END FROM before
        ) AS changes GROUP BY 1, 3, 4 HAVING sum(change) <> 0
        ON CONFLICT (transfer_id, backend, state, reason)
        DO UPDATE SET count = c.count + excluded.count;
    END IF;
    RETURN NULL;
END $$
"""
TRIGGERS = (
    ("INSERT", "NEW TABLE AS after"),
    ("UPDATE", "OLD TABLE AS before NEW TABLE AS after"),
    ("DELETE", "OLD TABLE AS before"),
)


def text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text, nullable=nullable)


def big(name: str, **options: object) -> sa.Column:
    return sa.Column(name, sa.BigInteger, **{"nullable": False} | options)


def number(name: str, **options: object) -> sa.Column:
    return sa.Column(name, sa.Integer, **{"nullable": False} | options)


def texts(name: str) -> sa.Column:
    return sa.Column(name, postgresql.ARRAY(sa.Text), nullable=False)


def upgrade() -> None:
    kit.create_v1()
    create_designs()
    create_mailings()
    create_ledger()
    create_counting()
    create_replicas()


def create_designs() -> None:
    op.create_table(
        "design",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("key", sa.Text, unique=True),
        text("name"),
        text("subject"),
        text("source"),
        text("html"),
        text("text"),
        texts("fields"),
        texts("removed"),
        texts("image_keys"),
        text("created_by"),
        sa.Column("updated_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("deleted_at", MOMENT),
    )


def create_mailings() -> None:
    op.create_table(
        "mailing",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("transfer_id", sa.Uuid, unique=True, nullable=False),
        big("campaign_id"),
        text("campaign_name"),
        text("kind"),
        text("month", nullable=True),
        big("design_id"),
        text("design_name"),
        text("subject"),
        text("state"),
        text("error", nullable=True),
        number("target", nullable=True),
        sa.Column("send_at", MOMENT),
        text("created_by"),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.Column("measured_at", MOMENT),
        number("measured_done", server_default="0"),
        sa.Column("per_second", sa.Float),
    )
    op.create_index("ix_mailing_campaign_id", "mailing", ["campaign_id"])
    op.create_index(
        "ix_mailing_month",
        "mailing",
        ["campaign_id", "month"],
        unique=True,
        postgresql_where=sa.text("month IS NOT NULL"),
    )
    op.create_index(
        "ix_mailing_open", "mailing", ["state"], postgresql_where=sa.text("finished_at IS NULL")
    )


def create_ledger() -> None:
    op.create_table(
        "recipient",
        sa.Column("transfer_id", sa.Uuid, primary_key=True),
        big("customer_id", primary_key=True, autoincrement=False),
        text("cedula"),
        text("first_names"),
        text("last_names"),
        text("gender", nullable=True),
        sa.Column("birth_on", sa.Date),
        text("province", nullable=True),
        text("canton", nullable=True),
        text("category", nullable=True),
        sa.Column("joined_on", sa.Date),
        text("email", nullable=True),
        text("held", nullable=True),
        sa.Column("state", sa.Text, server_default="pending", nullable=False),
        text("reason", nullable=True),
        sa.Column("at", MOMENT),
        number("attempt", server_default="0"),
        sa.Column("retry_at", MOMENT),
        sa.Column("claimed_by", sa.Uuid),
        sa.Column("reported", sa.Boolean, server_default=sa.false(), nullable=False),
    )
    op.create_index("ix_recipient_customer_id", "recipient", ["customer_id"])
    partial = (
        ("pending", ["transfer_id", "customer_id"], "state = 'pending' AND claimed_by IS NULL"),
        (
            "not_sent",
            ["transfer_id", "state", "customer_id"],
            "state IN ('failed', 'skipped', 'doubtful')",
        ),
        ("unreported", ["transfer_id"], "NOT reported AND state NOT IN ('pending', 'sending')"),
        ("claimed", ["claimed_by"], "claimed_by IS NOT NULL"),
    )
    for name, columns, where in partial:
        op.create_index(
            f"ix_recipient_{name}", "recipient", columns, postgresql_where=sa.text(where)
        )
    op.create_table(
        "sender",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("transfer_id", sa.Uuid, nullable=False),
        sa.Column("claimed_at", MOMENT, nullable=False),
        sa.Column("alive_until", MOMENT, nullable=False),
    )
    op.create_index("ix_sender_transfer_id", "sender", ["transfer_id"])


def create_counting() -> None:
    op.create_table(
        "mailing_count",
        sa.Column("transfer_id", sa.Uuid, primary_key=True),
        number("backend", primary_key=True, autoincrement=False),
        sa.Column("state", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, primary_key=True),
        number("count"),
    )
    op.execute(COUNT)
    for event, tables in TRIGGERS:
        op.execute(
            f"CREATE TRIGGER count_{event.lower()} AFTER {event} ON recipient"
            f" REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION count_recipients()"
        )


def create_replicas() -> None:
    op.create_table(
        "contact_state",
        big("customer_id", primary_key=True, autoincrement=False),
        text("mail_block", nullable=True),
        sa.Column("unsubscribed", sa.Boolean, server_default=sa.false(), nullable=False),
    )
    op.create_table(
        "contact",
        big("customer_id", primary_key=True, autoincrement=False),
        sa.Column("at", MOMENT, primary_key=True),
    )
    op.create_table(
        "campaign",
        big("campaign_id", primary_key=True, autoincrement=False),
        number("version"),
        text("name"),
        text("phase"),
        texts("channels"),
        big("design_id", nullable=True),
        text("mail_subject"),
    )
    op.create_table(
        "monthly_schedule",
        number("id", primary_key=True, autoincrement=False),
        number("day"),
        number("hour"),
        sa.Column("campaign_ids", postgresql.ARRAY(sa.BigInteger), nullable=False),
    )
