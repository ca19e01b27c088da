"""Roles are rows; teams; when users work. What the five roles may do: `defaults.settle`."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

ROLES = {
    "marketing_head": "Jefe de marketing",
    "advisor": "Asesor",
    "supervisor": "Supervisor",
    "backoffice": "Backoffice",
    "admin": "Administrador",
}


def upgrade() -> None:
    _make_roles()
    _make_dates()
    _make_teams()


def _edited() -> list[sa.Column[object]]:
    return [
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("changed_by", sa.Text),
        sa.Column("changed_at", sa.DateTime(timezone=True)),
    ]


def _now(name: str) -> sa.Column[object]:
    moment = sa.DateTime(timezone=True)
    return sa.Column(name, moment, server_default=sa.text("now()"), nullable=False)


def _make_roles() -> None:
    op.create_table("permission", sa.Column("code", sa.Text, primary_key=True))
    role = op.create_table(
        "role",
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        _now("created_at"),
        *_edited(),
    )
    op.create_table(
        "role_permission",
        sa.Column("role", sa.Text, sa.ForeignKey("role.code"), primary_key=True),
        sa.Column("permission", sa.Text, sa.ForeignKey("permission.code"), primary_key=True),
        sa.Column("granted_by", sa.Text, nullable=False),
        _now("granted_at"),
    )
    op.bulk_insert(role, [{"code": code, "name": name} for code, name in ROLES.items()])
    op.create_foreign_key(None, "user_account", "role", ["role"], ["code"])
    op.create_index("ix_user_account_role", "user_account", ["role"])


def _make_dates() -> None:
    op.add_column("user_account", sa.Column("starts_on", sa.Date))
    op.add_column("user_account", sa.Column("ends_on", sa.Date))
    days = sa.Column("work_days", postgresql.ARRAY(sa.Text), server_default="{}", nullable=False)
    op.add_column("user_account", days)
    op.add_column("user_account", sa.Column("work_from", sa.Text))
    op.add_column("user_account", sa.Column("work_until", sa.Text))
    op.create_check_constraint("ck_user_account_span", "user_account", "ends_on >= starts_on")
    op.create_check_constraint(
        "ck_user_account_hours",
        "user_account",
        "(work_from IS NULL) = (work_until IS NULL) AND work_from < work_until",
    )


def _make_teams() -> None:
    op.create_table(
        "team",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        _user("supervisor_id"),
        sa.Column("active", sa.Boolean, server_default=sa.true(), nullable=False),
        _now("created_at"),
        *_edited(),
    )
    op.create_index("ix_team_supervisor_id", "team", ["supervisor_id"])
    op.create_table(
        "team_member",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("team_id", sa.BigInteger, sa.ForeignKey("team.id"), nullable=False),
        _user("user_id"),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("ends_on", sa.Date),
        sa.Column("added_by", sa.Text, nullable=False),
        sa.Column("ended_by", sa.Text),
        sa.CheckConstraint("ends_on >= starts_on - 1", "ck_team_member_span"),
        postgresql.ExcludeConstraint(  # ranges of one user each: no extension is needed
            (sa.text("int8range(user_id, user_id, '[]')"), "&&"),
            (sa.text("daterange(starts_on, ends_on + 1)"), "&&"),
            name="ex_team_member_one_at_a_time",
        ),
    )
    op.create_index("ix_team_member_team", "team_member", ["team_id", "starts_on"])
    op.create_index("ix_team_member_user", "team_member", ["user_id", "starts_on"])


def _user(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger, sa.ForeignKey("user_account.id"), nullable=False)
