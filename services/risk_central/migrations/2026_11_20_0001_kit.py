"""The kit's tables only: persons and their risk are in Redis."""

from shared.migrations import kit

revision = "0001"
down_revision = None


def upgrade() -> None:
    kit.create_v1()
