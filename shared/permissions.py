"""Who may do what: roles, and permissions, each declared beside the contract that it guards.

    class CampaignPermission(Permission):
        READ = "campaign.read", "Ver campañas", Role.MARKETING_HEAD, Role.SUPERVISOR

A route names one. The roles that stand with a permission have it at first; what roles have now is
for identity to say, in each session, since people change it and make roles of their own.
"""

from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import Self

from shared.contracts import ROOMS
from shared.words import Term


class Role(Term):
    """The roles that come with the product."""

    MARKETING_HEAD = "marketing_head", "Jefe de marketing"
    ADVISOR = "advisor", "Asesor", "Asesores"
    SUPERVISOR = "supervisor", "Supervisor"
    BACKOFFICE = "backoffice", "Backoffice"
    ADMIN = "admin", "Administrador"


class Permission(Term):
    """An action that a route asks for; a contract declares its own below this."""

    roles: frozenset[Role]

    def __new__(cls, code: str, word: str, *roles: Role) -> Self:
        """Code and word, as of any term, and the roles that have it at first."""
        member = cls.make(code, word)
        member.roles = frozenset(roles)
        return member


def list_permissions() -> Iterator[Permission]:
    """Every permission of every contract."""
    for room in ROOMS:
        import_module(f"shared.contracts.{room}")
    for kind in Permission.__subclasses__():
        yield from kind


@lru_cache
def granted(role: Role) -> frozenset[str]:
    """The codes of what a role of the product may do at first."""
    return frozenset(item.value for item in list_permissions() if role in item.roles)
