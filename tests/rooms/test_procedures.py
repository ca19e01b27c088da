"""Every procedure asked as every role and as nobody, compared with the table beside this file.

A procedure that is new, gone or open to others changes `procedures.txt`, for a person to look at:
`pytest tests/rooms/test_procedures.py --write-table` writes it anew.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from shared import trace
from shared.contract import Procedure
from shared.contracts import ROOMS
from shared.contracts.identity import Role
from shared.errors import Denied, Unavailable
from shared.room import load
from tests.make.actors import make_actor
from tests.make.arguments import examples_of

TABLE = Path(__file__).with_name("procedures.txt")
NOBODY = "nobody"
EVERYBODY = "everybody"


def procedures(room: str) -> Iterator[Procedure[..., Any]]:
    contract = import_module(f"shared.contracts.{room}")
    for value in vars(contract).values():
        if isinstance(value, Procedure) and value.service == room:
            yield value


class Away:
    """Whatever it is asked: it does not answer."""

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise Unavailable("away")

    def __getattr__(self, _name: str) -> "Away":
        return self


def passes(room: Any, procedure: Procedure[..., Any], who: str) -> bool:
    """Whether the door does more than refuse this role; what it then says does not matter."""
    arguments = examples_of(procedure)
    actor = make_actor(who, who, full_name="Rosa") if who != NOBODY else None
    with trace.use(actor=actor):
        try:
            getattr(room, procedure.name)(**procedure.decode_arguments(arguments))
        except Denied:
            return False
        except Exception:  # it got past the guard
            return True
    return True


@pytest.fixture
def room(database: Callable[[str], Any], door: Callable[..., Any]) -> Callable[[str], Any]:
    """A room on its empty database; what else it asks is away."""

    def make(name: str) -> Any:
        service = door(name, database(name))
        for other in ("ask", "redis", "bureau"):
            if hasattr(service, other):
                setattr(service, other, Away())
        return service

    return make


def table(room: Callable[[str], Any]) -> str:
    lines = []
    for name in ROOMS:
        service = room(name)
        for procedure in procedures(name):
            passed = [who for who in (*Role, NOBODY) if passes(service, procedure, who)]
            full = len(passed) == len(Role) + 1
            allowed = EVERYBODY if full else " ".join(sorted(passed)) or "no role"
            lines.append(f"{name}.{procedure.name:30} {allowed}")
    return "\n".join(lines) + "\n"


def test_every_procedure_is_open_to_those_in_the_table_and_to_nobody_else(
    room: Callable[[str], Any], request: pytest.FixtureRequest
) -> None:
    found = table(room)
    if request.config.getoption("--write-table", default=False):
        TABLE.write_text(found)
    assert found == TABLE.read_text()


def _layers(door: Any) -> int:
    """How often it is wrapped: by its transaction, and by the mask of a reply about people."""
    return 1 + _layers(door.__wrapped__) if hasattr(door, "__wrapped__") else 0


def test_every_door_has_a_transaction_and_every_change_its_key_but_for_these() -> None:
    """A log-in is not repeated: its reply is a token, which is kept nowhere.

    Nor is what answers with secrets that are shown once, or takes a code that is good once.
    """
    bare = {
        f"{name}.{procedure.name}"
        for name in ROOMS
        for procedure in procedures(name)
        if _layers(getattr(load(name), procedure.name)) <= procedure.is_personal
    }
    assert bare == {
        "identity.log_in",
        "identity.check_api_token",  # asks twice, and writes once a minute
        "identity.finish_log_in",
        "identity.begin_provider_log_in",  # the provider is asked in none
        "identity.finish_provider_log_in",
        "identity.begin_provider_proof",
        "identity.finish_provider_proof",
        "identity.find_provider_log_out",
        "identity.prepare_second_factor",
        "identity.set_second_factor",
        "identity.renew_recovery_codes",
        "identity.remove_second_factor",
        "identity.use_password_link",  # good once, by its own statement
        "identity.log_out",  # ends what may have ended
        "identity.list_sessions",  # in Redis, as the next two
        "identity.end_session",
        "identity.end_other_sessions",
        "mailer.preview_design",  # reads, and asks for a person
        "risk_central.find_risks",  # reads Redis
        "telemarketing.list_open_work",  # reads, and asks who still calls
    }
