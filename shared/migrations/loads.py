"""The tables of a room's loads as of each of their versions, for the migrations of rooms that load.

`name` is that of the main table; the others begin with it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

_MOMENT = sa.DateTime(timezone=True)
_NOW = sa.text("now()")


def create_v1(name: str) -> None:
    """Loads, the rows they rejected, and the columns people chose."""
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        _needed("file_key", sa.Text),
        _needed("file_name", sa.Text),
        _needed("dry_run", sa.Boolean, "false"),
        _needed("hold", sa.Boolean, "false"),
        _needed("state", sa.Text),
        *(
            _needed(count, sa.BigInteger, "0")
            for count in ("read", "created", "updated", "unchanged", "rejected")
        ),
        _needed("percent", sa.Integer, "0"),
        sa.Column("rate", sa.Integer),
        sa.Column("seconds_left", sa.Integer),
        _needed("columns", postgresql.ARRAY(sa.Text), "{}"),
        sa.Column("asked_mapping", postgresql.JSONB),
        _needed("mapping", postgresql.JSONB, "{}"),
        _needed("preview", postgresql.JSONB, "[]"),
        sa.Column("rejected_key", sa.Text),
        sa.Column("error", sa.Text),
        _needed("created_by", sa.Text),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("finished_at", _MOMENT),
    )
    op.create_table(
        f"{name}_reject",
        sa.Column("load_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("line", sa.BigInteger, primary_key=True, autoincrement=False),
        _needed("values", postgresql.ARRAY(sa.Text)),
        _needed("reason", sa.Text),
    )
    op.create_table(
        f"{name}_mapping",
        sa.Column("header_key", sa.Text, primary_key=True),
        _needed("mapping", postgresql.JSONB),
        sa.Column("used_at", _MOMENT, server_default=_NOW, nullable=False),
    )


def move_rows(old: str, new: str, columns: str) -> None:
    """Rows of an older table into the new one under their ids, and the older table away."""
    op.execute(
        f'INSERT INTO "{new}" ({columns}) OVERRIDING SYSTEM VALUE '  # noqa: S608  # names of ours
        f'SELECT {columns} FROM "{old}"'
    )
    op.execute(
        f"SELECT setval(pg_get_serial_sequence('\"{new}\"', 'id'), "  # noqa: S608  # as above
        f'(SELECT coalesce(max(id), 0) + 1 FROM "{new}"), false)'
    )
    op.drop_table(old)


def _needed(name: str, kind: object, default: str | None = None) -> sa.Column:
    return sa.Column(name, kind, server_default=default, nullable=False)
