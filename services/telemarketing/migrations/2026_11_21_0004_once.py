"""What is there once is unique: a lease's person, an agreed call; and callbacks fit their call."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

HELD = sa.text("lease_id IS NOT NULL")
PENDING = sa.text("NOT done")
CALLBACK_FITS = (
    "callback_at IS NULL OR result = 'callback' AND callback_at > at "
    "AND callback_at <= at + interval '366 days'"
)


def upgrade() -> None:
    op.create_index(
        "uq_call_target_lease", "call_target", ["lease_id"], unique=True, postgresql_where=HELD
    )
    op.create_unique_constraint("held_person_lease_id_key", "held_person", ["lease_id"])
    # Of two agreed calls with a person in a campaign the later agreement counts.
    op.execute(
        "UPDATE callback SET done = true WHERE NOT done AND id NOT IN ("
        "SELECT max(id) FROM callback WHERE NOT done GROUP BY campaign_id, customer_id)"
    )
    op.create_index(
        "uq_callback_pending",
        "callback",
        ["campaign_id", "customer_id"],
        unique=True,
        postgresql_where=PENDING,
    )
    op.drop_index("ix_callback_pending", "callback")
    # A slip of the hand, years ahead or past, stays in the calendar only.
    call = sa.table("call", sa.column("callback_at"))
    op.execute(sa.update(call).values(callback_at=None).where(sa.text(f"NOT ({CALLBACK_FITS})")))
    op.create_check_constraint("ck_call_callback", "call", CALLBACK_FITS)
