"""A run's statistics are taken by an account that owns no table."""

from shared.migrations import kit

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    kit.create_statistics()
