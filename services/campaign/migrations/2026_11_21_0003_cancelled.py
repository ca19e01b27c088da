"""Mails of cancelled runs are "cancelled", no longer skipped."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        UPDATE mail_fact SET state = 'cancelled', reason = NULL
        WHERE state = 'skipped' AND reason = 'cancelled'
    """)
