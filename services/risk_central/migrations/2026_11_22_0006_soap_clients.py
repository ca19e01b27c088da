"""Who asks the bureau over SOAP, and what was asked: a record that is only added to.

Partitions are made and removed by functions with the rights of the owner, so that the room needs
none but to add and read.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

_REFUSE = """
CREATE FUNCTION soap_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the record is only added to: % on %', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$
"""
_FIRST_ID = """
CREATE FUNCTION soap_first_id(month date) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT extract(epoch FROM month::timestamp AT TIME ZONE 'America/Guayaquil')::bigint * 1000000
$$
"""
_MAKE_MONTH = """
CREATE FUNCTION soap_make_month(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    first date := date_trunc('month', day);
    named text := 'soap_question_' || to_char(day, 'YYYYMM');
    other text;
BEGIN
    IF to_regclass(named) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF soap_question FOR VALUES FROM (%s) TO (%s)', named,
        soap_first_id(first), soap_first_id((first + interval '1 month')::date));
    EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON %I '
        'FOR EACH STATEMENT EXECUTE FUNCTION soap_refuse()', named);
    FOR other IN  -- whom the schema's default privileges gave more
        SELECT DISTINCT granted.grantee::regrole::text
        FROM pg_class, aclexplode(relacl) AS granted
        WHERE pg_class.oid = to_regclass(named) AND granted.grantee NOT IN (0, relowner)
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM %s', named, other);
    END LOOP;
END $$
"""
_REMOVE_MONTH = """
CREATE FUNCTION soap_remove_month(day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    first date := date_trunc('month', day);
BEGIN
    IF first + interval '1 month' > current_date - interval '12 months' THEN
        RAISE EXCEPTION 'the record of % is not a year old', first
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS %I', 'soap_question_' || to_char(first, 'YYYYMM'));
END $$
"""
_GUARDS = """
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON soap_question
    FOR EACH ROW EXECUTE FUNCTION soap_refuse();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON soap_question
    FOR EACH STATEMENT EXECUTE FUNCTION soap_refuse();
REVOKE UPDATE, DELETE, TRUNCATE ON soap_question FROM PUBLIC;
"""
_MONTHS = """
SELECT soap_make_month((date_trunc('month', now()) + make_interval(months => ahead))::date)
FROM generate_series(0, 3) AS ahead
"""


def upgrade() -> None:
    _make_clients()
    _make_questions()
    for statement in (_REFUSE, _FIRST_ID, _MAKE_MONTH, _REMOVE_MONTH, _GUARDS, _MONTHS):
        op.execute(statement)


def _make_clients() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "soap_client",
        sa.Column("name", sa.Text, primary_key=True),
        _text("title"),
        _text("secret_hash"),
        sa.Column("secret_at", moment, nullable=False),
        sa.Column("former_hash", sa.Text),
        sa.Column("former_until", moment),
        *(_number(name) for name in ("per_minute", "per_day", "at_once")),
        sa.Column("networks", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("active", sa.Boolean, server_default="true", nullable=False),
        sa.Column("created_at", moment, server_default=sa.text("now()"), nullable=False),
        _text("created_by"),
        sa.Column("version", sa.Integer, server_default="1", nullable=False),
        sa.Column("changed_by", sa.Text),
        sa.Column("changed_at", moment),
    )


def _make_questions() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "soap_question",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", moment, nullable=False),
        *(_text(name) for name in ("client", "operation")),
        *(_number(name) for name in ("persons", "known")),
        *(_text(name) for name in ("outcome", "address")),
        _number("milliseconds"),
        sa.Column("people", postgresql.ARRAY(sa.Text), nullable=False),
        postgresql_partition_by="RANGE (id)",
    )
    for name in ("client", "outcome"):
        op.create_index(f"ix_soap_question_{name}", "soap_question", [name, "id"])
    op.create_index("ix_soap_question_people", "soap_question", ["people"], postgresql_using="gin")
    op.create_table(
        "soap_taken",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("place", sa.Text, server_default="0-0", nullable=False),
        *(_count(name) for name in ("number", "lost")),
        sa.Column("at", moment),
    )


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer, nullable=False)


def _count(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, server_default="0", nullable=False)
