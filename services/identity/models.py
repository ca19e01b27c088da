"""identity's tables."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    bindparam,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, column_property, mapped_column

from services.identity.base import Base as Base
from services.identity.list_models import ListChoice as ListChoice
from services.identity.list_models import ListView as ListView
from shared import clock
from shared.contracts.audit import AuditAction, AuditKind, describe
from shared.contracts.identity import LinkPurpose, UserState, Weekday, state_of
from shared.edits import Edited
from shared.permissions import Role as BuiltinRole

TODAY = bindparam("today", callable_=lambda: clock.today(), type_=Date)  # tests hold it still


class Permission(Base):
    """A permission that this database has heard of: the five roles got it then, and only then."""

    __tablename__ = "permission"

    code: Mapped[str] = mapped_column(primary_key=True)


class Role(Base, Edited):
    """What users of a kind may do."""

    __tablename__ = "role"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    requires_second_factor: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    @property
    def builtin(self) -> bool:
        """Whether it comes with the product."""
        return self.code in set(BuiltinRole)


class RolePermission(Base):
    """What a role may do, who said so and when."""

    __tablename__ = "role_permission"

    role: Mapped[str] = mapped_column(ForeignKey("role.code"), primary_key=True)
    permission: Mapped[str] = mapped_column(ForeignKey("permission.code"), primary_key=True)
    granted_by: Mapped[str]  # as people call them
    granted_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Team(Base, Edited):
    """People who are led by one supervisor."""

    __tablename__ = "team"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    supervisor_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("user_account.id"), index=True
    )
    active: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Member(Base):
    """Somebody's time in a team, both days included; nobody is in two at once.

    `ends_on` on the day before `starts_on` is no time at all: somebody was put there by mistake.
    """

    __tablename__ = "team_member"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on - 1", "ck_team_member_span"),
        ExcludeConstraint(
            (text("int8range(user_id, user_id, '[]')"), "&&"),
            (text("daterange(starts_on, ends_on + 1)"), "&&"),
            name="ex_team_member_one_at_a_time",
        ),
        Index("ix_team_member_team", "team_id", "starts_on"),
        Index("ix_team_member_user", "user_id", "starts_on"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    team_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("team.id"))
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user_account.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    added_by: Mapped[str]  # as people call them
    ended_by: Mapped[str | None]


class SecondFactor(Base):
    """What a user's telephone knows, sealed, and the last of its codes that was taken."""

    __tablename__ = "second_factor"

    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("user_account.id"), primary_key=True
    )
    sealed: Mapped[str]  # see services/identity/seals.py
    last_step: Mapped[int] = mapped_column(BigInteger)  # of 30 seconds, since 1970
    since: Mapped[datetime] = mapped_column(server_default=func.now())


class RecoveryCode(Base):
    """One of a user's ten, by its hash alone."""

    __tablename__ = "recovery_code"

    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("second_factor.user_id", ondelete="CASCADE"), primary_key=True
    )
    hash: Mapped[str] = mapped_column(primary_key=True)
    used_at: Mapped[datetime | None]


class ProviderAccount(Base):
    """Whom the company's provider vouches for: by its own number, which it gives to nobody else."""

    __tablename__ = "provider_account"
    __table_args__ = (UniqueConstraint("issuer", "user_id", name="uq_provider_account_user"),)

    issuer: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user_account.id"), index=True)
    first_used_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime] = mapped_column(server_default=func.now())


IS_MEMBER = (Member.starts_on <= TODAY) & or_(Member.ends_on.is_(None), Member.ends_on >= TODAY)


class User(Base, Edited):
    """A person who can log in, between the first and the last day of work."""

    __tablename__ = "user_account"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", "ck_user_account_span"),
        CheckConstraint(
            "(work_from IS NULL) = (work_until IS NULL) AND work_from < work_until",
            "ck_user_account_hours",
        ),
        Index(
            "ix_user_account_email",
            text("lower(email)"),
            unique=True,
            postgresql_where=text("active"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    full_name: Mapped[str]
    role: Mapped[str] = mapped_column(ForeignKey("role.code"), index=True)
    email: Mapped[str | None]
    password_hash: Mapped[str | None]  # Argon2id; None: there is none
    active: Mapped[bool] = mapped_column(server_default="true")
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    work_days: Mapped[list[Weekday]] = mapped_column(server_default="{}")
    work_from: Mapped[str | None]  # HH:MM in Ecuador
    work_until: Mapped[str | None]
    last_login_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    role_name: Mapped[str] = column_property(
        select(Role.name).where(Role.code == role).scalar_subquery(),
        deferred=True,
        group="shown",
    )
    team: Mapped[str | None] = column_property(
        select(Team.name)
        .join(Member, Member.team_id == Team.id)
        .where(Member.user_id == id, IS_MEMBER)  # noqa: A003  # the column above
        .scalar_subquery(),
        deferred=True,
        group="shown",
    )

    second_factor: Mapped[bool] = column_property(
        select(SecondFactor.user_id).where(SecondFactor.user_id == id).exists(),  # noqa: A003
        deferred=True,
        group="shown",
    )

    provider_account: Mapped[bool] = column_property(
        select(ProviderAccount.user_id)
        .where(ProviderAccount.user_id == id)  # noqa: A003
        .exists(),
        deferred=True,
        group="shown",
    )

    @property
    def state(self) -> UserState:
        """Whether the user may log in today."""
        return state_of(
            active=self.active,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            invited=self.invited,
        )

    @property
    def invited(self) -> bool:
        """Whether there is no way in yet; to who has a password that takes no statement."""
        return not self.has_password and not self.provider_account

    @property
    def has_password(self) -> bool:
        """Whether one was chosen; who comes by the company's provider needs none."""
        return self.password_hash is not None


class PasswordLink(Base):
    """A link by which a user chooses a password: known by its hash, good once and for a time."""

    __tablename__ = "password_link"
    __table_args__ = (Index("ix_password_link_user", "user_id", "asked_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user_account.id"))
    purpose: Mapped[LinkPurpose]
    seed: Mapped[str] = mapped_column(unique=True)  # opens nothing, see shared/mail_links.py
    hash: Mapped[str] = mapped_column(unique=True)  # SHA-256
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    asked_by: Mapped[str]  # as people call them; empty: nobody who is logged in
    sent_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(server_default="")
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]


class ApiToken(Base):
    """How another system asks in a user's name."""

    __tablename__ = "api_token"
    __table_args__ = (
        Index(
            "ix_api_token_name", "name", unique=True, postgresql_where=text("revoked_at IS NULL")
        ),
        Index("ix_api_token_created_at", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    secret_hash: Mapped[str]  # SHA-256
    name: Mapped[str]
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user_account.id"), index=True)
    scopes: Mapped[list[str]]
    networks: Mapped[list[str]]
    requests_a_minute: Mapped[int]
    expires_on: Mapped[date]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[str]  # as people call them
    last_used_at: Mapped[datetime | None]  # written once a minute at most
    last_source: Mapped[str] = mapped_column(server_default="")
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]


class Notice(Base):
    """Something a user was told, once for each reference."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("user_id", "reference"),
        Index("ix_notice_unread", "user_id", postgresql_where=text("read_at IS NULL")),
        Index("ix_notice_user", "user_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInteger)
    reference: Mapped[str]
    title: Mapped[str]
    detail: Mapped[str]
    link: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    read_at: Mapped[datetime | None]

    @property
    def read(self) -> bool:
        """Whether the user has seen it."""
        return self.read_at is not None


class AuditEntry(Base):
    """A line of the record. The database takes new ones and gives them to read, nothing else.

    Partitions of a month each, by `id`: the day (YYYYMMDD) and, in eight digits, the number of the
    line on that day, without gaps. The day is that of its recording: a day that is over gets no
    more lines.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_at", "at", "id"),
        Index("ix_audit_entry_username", "username", "at", "id"),
        Index(
            "ix_audit_entry_customer_id",
            "customer_id",
            "at",
            "id",
            postgresql_where=text("customer_id IS NOT NULL"),
        ),
        Index("ix_audit_entry_action", "action", "at", "id"),
        Index(
            "ix_audit_entry_system",
            text("lower(system)"),
            "at",
            "id",
            postgresql_where=text("system <> ''"),
        ),
        Index("ix_audit_entry_by_system", "at", "id", postgresql_where=text("system <> ''")),
        Index("ix_audit_entry_listed", "listed", postgresql_using="gin"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    room: Mapped[str]
    action: Mapped[AuditAction]
    object_kind: Mapped[AuditKind | None]
    object_id: Mapped[str]
    customer_id: Mapped[int | None] = mapped_column(BigInteger)
    listed: Mapped[list[int]]
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    username: Mapped[str]
    full_name: Mapped[str]
    role_name: Mapped[str]
    purpose: Mapped[str]
    fields: Mapped[list[str]]
    changes: Mapped[dict[str, Any]]
    source: Mapped[str]
    trace_id: Mapped[str]
    hash: Mapped[str]  # covers this line and the hash of the one before
    system: Mapped[str] = mapped_column(server_default="")  # that asked in the user's name

    @property
    def sentence(self) -> str:
        """As people read it."""
        return describe(self)


class AuditDay(Base):
    """A day of the record: how many lines, and the hash of the last; sealed when it is over."""

    __tablename__ = "audit_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    rows: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str]
    seal: Mapped[str | None]  # covers the day and the seal of the day before
    sealed_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]  # its lines, after the months that they are kept
