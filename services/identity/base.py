"""What identity's tables are made on."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase

from shared.columns import EnumText, enums
from shared.contracts.audit import AuditAction, AuditKind
from shared.contracts.identity import LinkPurpose, Weekday


class Base(DeclarativeBase):
    """All tables of the room's database besides the kit's."""

    type_annotation_map = {  # noqa: RUF012, V107  # as SQLAlchemy declares it
        datetime: DateTime(timezone=True),
        str: Text,
        list[int]: ARRAY(BigInteger),
        list[str]: ARRAY(Text),
        list[Weekday]: ARRAY(EnumText(Weekday)),
        dict[str, Any]: JSONB,
        **enums(AuditAction, AuditKind, LinkPurpose),
    }
