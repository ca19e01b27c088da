"""The record of who did and saw what: it can be added to and read, and nothing else.

Triggers refuse the rest to whoever comes, the owner of the tables, too. Partitions are made and
removed by functions with the rights of the owner, so that the room needs none but to add and read.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0005"

_REFUSE = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the record is only added to: % on %', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$
"""
_GUARD_DAY = """
CREATE FUNCTION audit_guard_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.seal IS NULL AND NEW.day = OLD.day AND NEW.rows IN (OLD.rows, OLD.rows + 1)
        AND NEW.removed_at IS NULL THEN
        RETURN NEW;
    END IF;
    IF OLD.removed_at IS NULL AND NEW.removed_at IS NOT NULL
        AND (NEW.day, NEW.rows, NEW.hash, NEW.seal) = (OLD.day, OLD.rows, OLD.hash, OLD.seal) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the day % of the record is sealed', OLD.day
        USING ERRCODE = 'insufficient_privilege';
END $$
"""
_MAKE_MONTH = """
CREATE FUNCTION audit_make_month(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    named text := 'audit_entry_' || to_char(day, 'YYYYMM');
    following date := date_trunc('month', day) + interval '1 month';
BEGIN
    IF to_regclass(named) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format(
        'CREATE TABLE %I PARTITION OF audit_entry FOR VALUES FROM (%s) TO (%s)', named,
        to_char(day, 'YYYYMM') || '0000000000', to_char(following, 'YYYYMM') || '0000000000');
    EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON %I '
        'FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()', named);
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM PUBLIC', named);
END $$
"""
_REMOVE_MONTH = """
CREATE FUNCTION audit_remove_month(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    first date := date_trunc('month', day);
    following date := first + interval '1 month';
BEGIN
    IF following > current_date - interval '12 months' THEN
        RAISE EXCEPTION 'the record of % is not a year old', first
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (SELECT FROM audit_day
               WHERE audit_day.day >= first AND audit_day.day < following AND seal IS NULL) THEN
        RAISE EXCEPTION 'the record of % is not sealed', first
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS %I', 'audit_entry_' || to_char(first, 'YYYYMM'));
    UPDATE audit_day SET removed_at = now()
    WHERE audit_day.day >= first AND audit_day.day < following AND removed_at IS NULL;
END $$
"""
_GUARDS = """
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER refuse_delete BEFORE DELETE ON audit_day
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit_day
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER guard_day BEFORE UPDATE ON audit_day
    FOR EACH ROW EXECUTE FUNCTION audit_guard_day();
REVOKE UPDATE, DELETE, TRUNCATE ON audit_entry FROM PUBLIC;
REVOKE DELETE, TRUNCATE ON audit_day FROM PUBLIC;
"""
_MONTHS = """
SELECT audit_make_month((date_trunc('month', now()) + make_interval(months => ahead))::date)
FROM generate_series(0, 3) AS ahead
"""


def upgrade() -> None:
    _make_tables()
    _make_indexes()
    for statement in (_REFUSE, _GUARD_DAY, _MAKE_MONTH, _REMOVE_MONTH, _GUARDS, _MONTHS):
        op.execute(statement)


def _make_tables() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("room", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("object_kind", sa.Text),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("customer_id", sa.BigInteger),
        sa.Column("listed", postgresql.ARRAY(sa.BigInteger), nullable=False),
        sa.Column("user_id", sa.BigInteger),
        *(_text(name) for name in ("username", "full_name", "role_name", "purpose")),
        sa.Column("fields", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("changes", postgresql.JSONB, nullable=False),
        *(_text(name) for name in ("source", "trace_id", "hash")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_table(
        "audit_day",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("seal", sa.Text),
        sa.Column("sealed_at", moment),
        sa.Column("removed_at", moment),
    )


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False)


def _make_indexes() -> None:
    op.create_index("ix_audit_entry_at", "audit_entry", ["at", "id"])
    op.create_index("ix_audit_entry_username", "audit_entry", ["username", "at", "id"])
    op.create_index(
        "ix_audit_entry_customer_id",
        "audit_entry",
        ["customer_id", "at", "id"],
        postgresql_where=sa.text("customer_id IS NOT NULL"),
    )
    op.create_index("ix_audit_entry_action", "audit_entry", ["action", "at", "id"])
    op.create_index("ix_audit_entry_listed", "audit_entry", ["listed"], postgresql_using="gin")
