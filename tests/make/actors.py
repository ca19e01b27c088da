"""Who does something, as identity tells of users of the five default roles."""

from collections.abc import Collection

from shared.contract import Actor
from shared.permissions import Role, granted


def make_actor(
    username: str = "jefe",
    role: str = Role.MARKETING_HEAD,
    *,
    user_id: int = 1,
    full_name: str = "Jefa",
    team: Collection[str] = (),
    also: Collection[str] = (),
    but: Collection[str] = (),
) -> Actor:
    """A user who may do what the role may at first, `also` this `but` not that.

    `team` are those the user leads.
    """
    return Actor(
        user_id=user_id,
        username=username,
        full_name=full_name,
        role=role,
        permissions=(granted(Role(role)) | frozenset(also)) - frozenset(but),
        team=frozenset(team),
    )
