"""The kit's second version."""

from shared.migrations import kit

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    kit.upgrade_to_v2()
