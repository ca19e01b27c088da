"""A call list's statistics are taken by an account that owns no table."""

from shared.migrations import kit

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    kit.create_statistics()
