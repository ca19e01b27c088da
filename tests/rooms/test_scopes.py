"""Every procedure by the scope it declares: whose objects each role gets, as the table beside says.

Those that reach into somebody's work, or are the asker's own, are asked of a small world as every
role: for what is ana's, who asks as an advisor, for berta's, of the same team, and for carlos's,
of another. A procedure that is new or reaches further changes `scopes.txt`, for a person to look
at: `pytest tests/rooms/test_scopes.py --write-table` writes it anew.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from shared import trace
from shared.contract import Actor, Procedure
from shared.contracts import ROOMS
from shared.contracts.identity import Role
from shared.errors import NotFound, PregonError
from tests.make.actors import make_actor
from tests.make.arguments import examples_of
from tests.rooms.test_procedures import procedures
from tests.rooms.whose import OWNERS, WORLDS, World

TABLE = Path(__file__).with_name("scopes.txt")
ASKED = ("work", "self")  # of the others everybody's answer is the same
ASKERS: dict[Role, Actor] = {
    role: make_actor(name, role, user_id=number, full_name=name.title(), team=team)
    for number, (role, name, team) in enumerate(
        (
            (Role.ADVISOR, "ana", ()),
            (Role.SUPERVISOR, "sara", ("ana", "berta")),
            (Role.MARKETING_HEAD, "jefe", ()),
            (Role.BACKOFFICE, "bruno", ()),
            (Role.ADMIN, "alma", ()),
        ),
        start=1,
    )
}
# Not found is said of what does not exist for the asker; refused, of what does not fit
SEEN, HIDDEN, REFUSED, NOTHING = "y", "-", "!", "."

Make = Callable[[str], World]


@pytest.fixture
def make(request: pytest.FixtureRequest) -> Make:
    """A room with what belongs to each of the three, built anew."""
    return lambda room: WORLDS[room](request)


def outcome(make: Make, procedure: Procedure[..., Any], actor: Actor) -> str:
    """A letter for each owner: whether this actor gets what is theirs."""
    world = make(procedure.service)
    if not world.names_object(procedure):
        return listed(world, procedure, actor)
    letters = []
    for owner in OWNERS:
        letters.append(ask(world, procedure, actor, world.arguments(procedure, owner))[0])
        world = make(procedure.service)
    return "".join(letters)


def listed(world: World, procedure: Procedure[..., Any], actor: Actor) -> str:
    """Of an answer that is not about one object: whose marks stand in it."""
    letter, said = ask(world, procedure, actor, world.arguments(procedure, OWNERS[0]))
    if letter != SEEN:
        return letter
    seen = "".join(SEEN if world.marks(owner, said) else HIDDEN for owner in OWNERS)
    return seen if SEEN in seen else NOTHING


def ask(
    world: World, procedure: Procedure[..., Any], actor: Actor, arguments: Mapping[str, Any]
) -> tuple[str, str]:
    """How it went, and the answer as it leaves the room."""
    with trace.use(actor=actor):
        try:
            door = getattr(world.room, procedure.name)
            answer = door(**procedure.decode_arguments({**examples_of(procedure), **arguments}))
        except NotFound:
            return HIDDEN, ""
        except PregonError:
            return REFUSED, ""
    return SEEN, str(procedure.encode_reply(answer))


def table(make: Make) -> Iterator[str]:
    for room in ROOMS:
        for procedure in procedures(room):
            name, scope = f"{room}.{procedure.name}", procedure.scope.name
            by_role = (
                f"{role} {outcome(make, procedure, actor)}"
                for role, actor in ASKERS.items()
                if scope in ASKED
            )
            yield f"{name:38} {scope:6} {'  '.join(by_role)}".rstrip()


def test_every_procedure_reaches_as_far_as_the_table_says_and_no_further(
    make: Make, request: pytest.FixtureRequest
) -> None:
    found = "\n".join(table(make)) + "\n"
    if request.config.getoption("--write-table", default=False):
        TABLE.write_text(found)
    assert found == TABLE.read_text()
