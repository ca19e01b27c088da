"""identity's roles: permissions that are given together."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from shared.change import Change
from shared.contract import Line, Model, procedure
from shared.contracts.staff import RoleCode
from shared.scope import HOUSE

PermissionCode = Annotated[str, Field(max_length=80)]


class Grant(Model):
    """A permission that a role has, and since when."""

    permission: str
    granted_by: str  # as people call them
    granted_at: datetime


class UserRole(Model):
    """What users of a kind may do."""

    code: str
    name: str
    builtin: bool  # one of the five that come with the product; it can be changed, not deleted
    users: int  # who have it, also those who cannot log in
    grants: list[Grant]
    version: int

    @property
    def permissions(self) -> list[str]:
        """The codes of what it may do."""
        return [grant.permission for grant in self.grants]


class NewRole(Model):
    """A role of one's own."""

    code: RoleCode
    name: Annotated[Line, Field(min_length=3, max_length=60)]
    permissions: Annotated[list[PermissionCode], Field(max_length=200)]


class RoleChange(Change, of=NewRole, but={"code"}):
    """What to change of a role; `permissions` are all that it has afterwards."""


@procedure("identity", scope=HOUSE)
def list_roles() -> list[UserRole]:
    """List all roles.

    The five that come with the product first, each with what it may do.
    """


@procedure("identity", scope=HOUSE)
def get_role(code: RoleCode) -> UserRole:
    """Get a role.

    With what it may do, who granted it and when.

    NotFound: there is no such role.
    """


@procedure(
    "identity",
    scope=HOUSE,
    in_person=True,
    example={"code": "auditor", "name": "Auditor", "permissions": ["customer.read", "mail.read"]},
)
def create_role(new: NewRole) -> UserRole:
    """Create a role.

    It may do what `permissions` name; users are given it by its code.

    Invalid: a field is wrong, the code or the name is taken, or a permission does not exist.
    """


@procedure(
    "identity",
    scope=HOUSE,
    in_person=True,
    example={"permissions": ["customer.read"], "version": 1},
)
def update_role(code: RoleCode, change: RoleChange) -> UserRole:
    """Change what is sent of a role.

    Whoever has it may do more or less from the next request on. Permissions that stay keep who
    granted them and when. With `version`, as the role was read, nobody's later change is
    overwritten.

    NotFound: there is no such role.
    Conflict: nobody would be left who may administer users, or somebody changed the role after
    that `version`.
    Invalid: a field is wrong, the name is taken, or a permission does not exist.
    """


@procedure("identity", scope=HOUSE, in_person=True)
def delete_role(code: RoleCode) -> None:
    """Delete a role.

    One of the company's own that nobody has.

    NotFound: there is no such role.
    Conflict: somebody has it, or it comes with the product.
    """
