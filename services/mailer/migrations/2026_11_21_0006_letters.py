"""The ledger of letters; addresses that bounce, and who was erased, as far as it can be told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    make_ledger()
    for name in ("mail_bounced", "erased"):
        flag = sa.Column(name, sa.Boolean, server_default=sa.false(), nullable=False)
        op.add_column("contact_state", flag)
    op.execute("UPDATE contact_state SET mail_bounced = true WHERE mail_block = 'bounced'")
    op.create_index(
        "ix_contact_state_bounced",
        "contact_state",
        ["email"],
        postgresql_where=sa.text("mail_bounced"),
    )
    forget_erased()


def make_ledger() -> None:
    op.create_table(
        "service_mail",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("reference", sa.Text, nullable=False, unique=True),
        sa.Column("template", sa.Text, nullable=False),
        sa.Column("customer_id", sa.BigInteger),
        sa.Column("full_name", sa.Text, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("fields", postgresql.JSONB, nullable=False),
        sa.Column("state", sa.Text, server_default="pending", nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("attempt", sa.Integer, server_default="0", nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("sent_at", MOMENT),
    )
    op.create_index("ix_service_mail_customer_id", "service_mail", ["customer_id"])


def forget_erased() -> None:
    """The address of who was erased had been kept here; blanked ledger rows tell of whom."""
    op.execute(
        "UPDATE contact_state SET erased = true, email = NULL, mail_block = 'do_not_contact'"
        " WHERE customer_id IN (SELECT customer_id FROM recipient"
        " WHERE cedula = '' AND first_names = '' AND last_names = '')"
    )
