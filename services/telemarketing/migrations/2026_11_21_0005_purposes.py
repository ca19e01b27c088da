"""What the bureau was asked for is one of the purposes that the law allows."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute(
        "UPDATE risk_check SET purpose = CASE purpose WHEN 'refresh' THEN 'review' ELSE 'sale' END"
    )
    op.execute(
        "UPDATE outbox SET payload = jsonb_set(payload, '{purpose}', '\"sale\"')"
        " WHERE routing_key = 'risk_checked'"
    )
