"""Versions of what is heard, one holder a person, touches, and how lists and refreshes end."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)


def big(name: str) -> sa.Column:
    return sa.Column(name, sa.BigInteger, server_default="0", nullable=False)


def moment(name: str, *, nullable: bool = False, **options: object) -> sa.Column:
    return sa.Column(name, MOMENT, nullable=nullable, **options)


def flag(name: str) -> sa.Column:
    return sa.Column(name, sa.Boolean, server_default=sa.false(), nullable=False)


def person(name: str = "customer_id") -> sa.Column:
    return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)


def upgrade() -> None:
    op.add_column("campaign", big("audience_version"))
    op.add_column("call_list_row", sa.Column("contact_version", sa.BigInteger))
    op.add_column("call_target", big("contact_version"))
    op.add_column("call_target", flag("over_cap"))
    end_call_lists()
    create_people()
    op.create_table(
        "risk_refresh",
        person("campaign_id"),
        sa.Column("advisor", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.Column("asked", sa.Integer, server_default="0", nullable=False),
        big("asked_through"),
        sa.Column("state", sa.Text, server_default="running", nullable=False),
        sa.Column("error", sa.Text),
        moment("started_at", server_default=sa.func.now()),
    )
    # The cap is judged at each touch from now on, so nobody is held back by it.
    op.execute("UPDATE call_target SET held = NULL WHERE held = 'over_cap'")


def end_call_lists() -> None:
    op.add_column(
        "call_list", sa.Column("state", sa.Text, server_default="loading", nullable=False)
    )
    op.add_column("call_list", big("merged_through"))
    op.add_column("call_list", sa.Column("error", sa.Text))
    op.add_column("call_list", moment("requested_at", server_default=sa.func.now()))
    op.add_column("call_list", moment("ended_at", nullable=True))
    op.execute(
        "UPDATE call_list SET state = 'done', ended_at = merged_at WHERE merged_at IS NOT NULL"
    )
    op.drop_column("call_list", "merged_at")


def create_people() -> None:
    op.create_table(
        "contact_state",
        person(),
        big("version"),
        sa.Column("phone", sa.Text),
        sa.Column("held", sa.Text),
        flag("refused"),
        flag("erased"),
    )
    op.create_table("contact", person(), moment("at", primary_key=True))
    op.create_index("ix_contact_at", "contact", ["at"], postgresql_using="brin")
    op.create_table(
        "held_person",
        person(),
        sa.Column("lease_id", sa.Uuid, nullable=False),
        sa.Column("advisor", sa.Text, nullable=False),
        moment("until"),
    )
    # Who is being spoken to while this release begins; the newest lease where there were two.
    op.execute(
        "INSERT INTO held_person (customer_id, lease_id, advisor, until) "
        "SELECT DISTINCT ON (customer_id) customer_id, lease_id, lease_advisor, lease_until "
        "FROM call_target WHERE lease_id IS NOT NULL ORDER BY customer_id, lease_until DESC"
    )
