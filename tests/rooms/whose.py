"""Small worlds of rooms: what belongs to an advisor, to one of the same team, and to a stranger."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, update

from services.campaign import audience
from services.campaign.models import Member
from services.identity import sessions
from services.identity.models import ApiToken, Notice
from services.identity.models import User as UserRow
from services.mailer import builtin
from services.mailer.models import Recipient
from services.telemarketing.bureau import Bureau
from services.telemarketing.models import Campaign
from shared import clock, trace
from shared.contract import Page, Procedure
from shared.contracts.identity import Role, User, list_users
from shared.contracts.telemarketing import CallResult, NewCall, PeopleMoved
from shared.redis import connect
from tests.databases import emptied, forget_keys
from tests.make.actors import make_actor
from tests.make.arguments import needed
from tests.make.people import insert_person
from tests.rooms.campaign.conftest import OtherRooms, new_campaign, person
from tests.rooms.mailer.conftest import add_run
from tests.rooms.telemarketing.conftest import CAMPAIGN, NOON, Clock, add_people, announce, assign

OWNERS = ("ana", "berta", "carlos")
USERS = (
    ("ana", Role.ADVISOR),
    ("sara", Role.SUPERVISOR),
    ("jefe", Role.MARKETING_HEAD),
    ("bruno", Role.BACKOFFICE),
    ("alma", Role.ADMIN),
    ("berta", Role.ADVISOR),
    ("carlos", Role.ADVISOR),
)


@dataclass(frozen=True)
class World:
    """A room, and what in it is whose: by owner, the values that name it as arguments."""

    room: Any
    objects: Mapping[str, Mapping[str, Any]]
    words: Mapping[str, Iterable[str]]  # that stand in an answer only where the owner's rows do
    others: Mapping[str, Any] = field(default_factory=dict)  # what a list needs to show all

    def names_object(self, procedure: Procedure[..., Any]) -> bool:
        """Whether it must be told which object it is about."""
        return any(name in self.objects[OWNERS[0]] for name in self._names(procedure))

    def arguments(self, procedure: Procedure[..., Any], owner: str) -> dict[str, Any]:
        """Those arguments of it that say whose object is meant."""
        names = self._names(procedure)
        given = {**self.others, **self.objects[owner]}
        return {name.rpartition(".")[2]: value for name, value in given.items() if name in names}

    def marks(self, owner: str, said: str) -> bool:
        """Whether an answer tells of something of theirs."""
        return any(word in said for word in self.words[owner])

    @staticmethod
    def _names(procedure: Procedure[..., Any]) -> set[str]:
        """As `customer_id`; a whole that has the object inside by its procedure, `call.new`."""
        arguments = needed(procedure)
        return {*arguments, *(f"{procedure.name}.{name}" for name in arguments)}


def customer_query(request: pytest.FixtureRequest) -> World:
    """A person on each one's list."""
    database = emptied("customer_query")
    room = request.getfixturevalue("door")("customer_query", database)
    with database.begin() as session:
        people = {
            name: insert_person(session, last_names=f"De {name.title()}").id for name in OWNERS
        }
    for name, number in people.items():
        move = PeopleMoved(
            campaign_id=CAMPAIGN, advisor=name, customer_ids=[number], given=True, at=clock.now()
        )
        room.on_people_moved(uuid4(), move)
    return World(
        room,
        {name: {"customer_id": number} for name, number in people.items()},
        {name: (f"De {name.title()}",) for name in OWNERS},
    )


def telemarketing(request: pytest.FixtureRequest) -> World:
    """Each has two people: one to call back, one at the telephone."""
    request.getfixturevalue("monkeypatch").setattr(clock, "now", Clock())
    database = emptied("telemarketing")
    room = request.getfixturevalue("door")("telemarketing", database, bureau=Bureau())
    room.ask.side_effect = _advisors
    announce(room)
    with database.begin() as session:
        session.get_one(Campaign, CAMPAIGN).listed_at = NOON
    add_people(database, 3 * len(OWNERS))
    objects = {}
    with trace.use(actor=make_actor()):
        assign(room, 2, *OWNERS)
    for name in OWNERS:
        called = _call(room, name)
        with trace.use(actor=make_actor(name, Role.ADVISOR)):
            lease = str(room.next_call().lease_id)
        objects[name] = {
            "customer_id": called,
            "advisor": name,
            "campaign_id": CAMPAIGN,
            "lease_id": lease,
            "record_call.new": {"lease_id": lease, "result": "busy"},
            "assign_customers.new": {"advisors": [name], "per_advisor": 1},
            "hand_over.new": {"advisors": ["berta" if name == "ana" else "ana"]},
        }
    words = {name: (f"'{name}'", str(objects[name]["lease_id"])) for name in OWNERS}
    return World(room, objects, words, {"from_at": NOON, "to_at": NOON + timedelta(days=1)})


def _advisors(procedure: Procedure[..., Any], **_: Any) -> Page[User]:
    assert procedure is list_users
    about = {"role": Role.ADVISOR, "role_name": "Asesor", "active": True, "last_login_at": None}
    named = enumerate(OWNERS, start=1)
    return Page(
        items=[
            User(id=number, username=name, full_name=name.title(), version=1, **about)
            for number, name in named
        ]
    )


def _call(room: Any, advisor: str) -> int:
    """One who is to be called again in an hour; returns whom."""
    with trace.use(actor=make_actor(advisor, Role.ADVISOR)):
        lease = room.next_call()
        later = clock.now() + timedelta(hours=1)
        callback = CallResult.CALLBACK
        room.record_call(NewCall(lease_id=lease.lease_id, result=callback, callback_at=later))
    number: int = lease.customer.customer_id
    return number


def identity(request: pytest.FixtureRequest) -> World:
    """A notice, a session and a system's token of each."""
    database, redis = emptied("identity"), connect()
    request.addfinalizer(redis.close)
    forget_keys(redis)
    room = request.getfixturevalue("door")("identity", database, redis=redis)
    with database.begin() as session:
        users = [
            {"username": name, "full_name": name.title(), "role": role, "password_hash": "-"}
            for name, role in USERS
        ]
        session.execute(insert(UserRow), users)
        ids = {row.username: row.id for row in session.scalars(select(UserRow))}
        session.execute(insert(ApiToken), [_token(ids[name], name) for name in OWNERS])
        notices = {name: _insert_notice(session, ids[name], name) for name in OWNERS}
    tokens = {name: sessions.start(redis, ids[name], agent=f"de {name}") for name in OWNERS}
    objects = {
        name: {"notice_id": notices[name], "end_session.name": sessions.name_of(tokens[name])}
        for name in OWNERS
    }
    return World(room, objects, {name: (f"de {name}",) for name in OWNERS})


def _token(user_id: int, name: str) -> dict[str, Any]:
    return {
        "id": name,
        "secret_hash": "-",
        "name": f"Sistema de {name}",
        "user_id": user_id,
        "scopes": [],
        "networks": [],
        "requests_a_minute": 1,
        "expires_on": clock.today() + timedelta(days=9),
        "created_by": "Alma",
    }


def _insert_notice(session: Any, user_id: int, name: str) -> int:
    row = Notice(user_id=user_id, reference="r", title=f"Lista de {name}", detail="", link="/")
    session.add(row)
    session.flush()
    return row.id


def campaign(request: pytest.FixtureRequest) -> World:
    """A person of each in the audience of a campaign."""
    database = emptied("campaign")
    ask = Mock(wraps=OtherRooms())
    room = request.getfixturevalue("door")("campaign", database, ask=ask)
    created = room.create_campaign(new_campaign())
    with database.begin() as session:
        edition = audience.find_latest(session, created.id)
        assert edition is not None
        people = [
            {"audience_id": edition.id, **person(number, last_names=f"De {name.title()}")}
            for number, name in enumerate(OWNERS, start=1)
        ]
        session.execute(insert(Member), people)
        audience.set_ready(session, edition.id, len(people))
    return _listed(room, {"campaign_id": created.id}, [f"De {name.title()}" for name in OWNERS])


def mailer(request: pytest.FixtureRequest) -> World:
    """A mail to a person of each."""
    database = emptied("mailer")
    with database.begin() as session:
        builtin.seed(session)
    room = request.getfixturevalue("door")("mailer", database)
    run = add_run(database, {"sent": len(OWNERS)})
    with database.begin() as session:
        for number, name in enumerate(OWNERS, start=1):
            named = {"last_names": f"De {name.title()}"}
            session.execute(update(Recipient).filter_by(customer_id=number).values(named))
    whole = {"mailing_id": run, "state": "sent"}
    return _listed(room, whole, [f"De {name.title()}" for name in OWNERS])


def _listed(room: Any, whole: Mapping[str, Any], words: Iterable[str]) -> World:
    """Everybody's rows in one whole, which is nobody's."""
    return World(
        room,
        {name: {} for name in OWNERS},
        {name: (word,) for name, word in zip(OWNERS, words, strict=True)},
        whole,
    )


WORLDS: dict[str, Callable[[pytest.FixtureRequest], World]] = {
    "customer_query": customer_query,
    "telemarketing": telemarketing,
    "identity": identity,
    "campaign": campaign,
    "mailer": mailer,
}
