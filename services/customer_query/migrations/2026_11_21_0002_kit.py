"""The kit's second version; versions of contact states; ends of imports and exports."""

import sqlalchemy as sa
from alembic import op

from shared.migrations import kit

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)
# Whoever changes where a person may be contacted, by whatever statement, moves the version.
VERSION = """
CREATE FUNCTION move_contact_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.contact_version := OLD.contact_version + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER customer_contact_version BEFORE UPDATE ON customer FOR EACH ROW
WHEN ((OLD.email, OLD.phone, OLD.consent_mail, OLD.consent_phone, OLD.do_not_mail,
        OLD.do_not_call, OLD.mail_bounced, OLD.erased_at)
    IS DISTINCT FROM (NEW.email, NEW.phone, NEW.consent_mail, NEW.consent_phone, NEW.do_not_mail,
        NEW.do_not_call, NEW.mail_bounced, NEW.erased_at))
EXECUTE FUNCTION move_contact_version();
"""


def upgrade() -> None:
    kit.upgrade_to_v2()
    op.add_column(
        "customer",
        sa.Column("contact_version", sa.BigInteger, server_default="1", nullable=False),
    )
    op.execute(VERSION)
    op.add_column("customer", sa.Column("risk_at", MOMENT))
    op.add_column("export", sa.Column("failed_at", MOMENT))
