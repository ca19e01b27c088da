"""Every procedure by the scope it declares: whose objects each role gets, as the table beside says.

Those that reach into somebody's work, or are the asker's own, are asked of a small world as every
role: for what is ana's, who asks as an advisor, for berta's, of the same team, and for carlos's,
of another. A procedure that is new or reaches further changes `scopes.txt`, for a person to look
at: `pytest tests/rooms/test_scopes.py --write-table` writes it anew.
"""

from collections.abc import Iterator, Mapping
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

READS = ("get_", "list_", "find_", "check_")


class Worlds:
    """The rooms with what belongs to each of the three; built anew after what changed one."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request, self._made = request, dict[str, World]()

    def of(self, procedure: Procedure[..., Any]) -> World:
        if procedure.service not in self._made:
            self._made[procedure.service] = WORLDS[procedure.service](self._request)
        return self._made[procedure.service]

    def ask(self, procedure: Procedure[..., Any], actor: Actor, owner: str) -> tuple[str, str]:
        """How it went, and the answer as it leaves the room."""
        world = self.of(procedure)
        letter, said = ask(world, procedure, actor, world.arguments(procedure, owner))
        if letter == SEEN and not procedure.name.startswith(READS):
            del self._made[procedure.service]
        return letter, said


@pytest.fixture
def worlds(request: pytest.FixtureRequest) -> Worlds:
    return Worlds(request)


def outcome(worlds: Worlds, procedure: Procedure[..., Any], actor: Actor) -> str:
    """A letter for each owner: whether this actor gets what is theirs."""
    if worlds.of(procedure).names_object(procedure):
        return "".join(worlds.ask(procedure, actor, owner)[0] for owner in OWNERS)
    return listed(worlds, procedure, actor)


def listed(worlds: Worlds, procedure: Procedure[..., Any], actor: Actor) -> str:
    """Of an answer that is not about one object: whose marks stand in it."""
    world = worlds.of(procedure)
    letter, said = worlds.ask(procedure, actor, OWNERS[0])
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


def table(worlds: Worlds) -> Iterator[str]:
    for room in ROOMS:
        for procedure in procedures(room):
            name, scope = f"{room}.{procedure.name}", procedure.scope.name
            by_role = (
                f"{role} {outcome(worlds, procedure, actor)}"
                for role, actor in ASKERS.items()
                if scope in ASKED
            )
            yield f"{name:38} {scope:6} {'  '.join(by_role)}".rstrip()


@pytest.mark.timeout(300)
def test_every_procedure_reaches_as_far_as_the_table_says_and_no_further(
    worlds: Worlds, request: pytest.FixtureRequest
) -> None:
    found = "\n".join(table(worlds)) + "\n"
    if request.config.getoption("--write-table", default=False):
        TABLE.write_text(found)
    assert found == TABLE.read_text()
