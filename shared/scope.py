"""Whose objects a procedure is about; each says it beside its contract, by `scope=`.

    PEOPLE = work(all=CustomerPermission.READ_ALL, team=CustomerPermission.READ_TEAM)

    @procedure("customer_query", scope=PEOPLE)
    def get_customer(customer_id: Id) -> Customer: ...

The room applies it, in reads and lists, counts and exports alike: `whose(actor)` are the users of
whose work the actor sees the people, None for everybody's. What lies outside of it does not exist
for the actor: NotFound, as for an id that never was.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import Denied

if TYPE_CHECKING:
    from shared.contract import Actor
    from shared.permissions import Permission


@dataclass(frozen=True)
class Scope:
    """How far a procedure reaches for its asker; a permission widens it."""

    name: str
    all: "Permission | None" = None
    team: "Permission | None" = None

    def whose(self, actor: "Actor") -> frozenset[str] | None:
        """Usernames of whose work the actor may see the objects; None: of everybody's."""
        if self.all in actor.permissions:
            return None
        own = frozenset({actor.username})
        return own | actor.team if self.team in actor.permissions else own

    def require_all(self, actor: "Actor") -> None:
        """Of what cannot be cut to somebody's part. Raises Denied."""
        if self.whose(actor) is not None:
            raise Denied("Esta lista es de quien puede ver a todos los clientes.")


OPEN = Scope("open")  # asked for nobody: a log-in, the link in a mail
# the asker's own and never another's: sessions, notices, the next call
SELF = Scope("self")  # noqa: V107  # of the contracts
HOUSE = Scope("house")  # the company's: who may use it at all sees it whole


def work(*, all: "Permission", team: "Permission | None" = None) -> Scope:  # noqa: A002  # as it reads
    """What belongs to somebody's work: the own, the team's, or everybody's by permission."""
    return Scope("work", all, team)
