"""Notices: each user is told once, sees the own ones, and they are forgotten in time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from services.identity import known, notices
from services.identity.models import Notice, User
from shared import clock, trace
from shared import notices as kit
from shared.contracts.identity import NewUser, NoticeRequested, Role
from shared.errors import NotFound
from tests.databases import outbox_of
from tests.make.actors import make_actor

Sessions = sessionmaker[Session]


@pytest.fixture
def users(database: Callable[[str], Sessions]) -> Sessions:
    return database("identity")


@pytest.fixture
def identity(users: Sessions, door: Callable[..., Any]) -> Any:
    """The doors, knowing two heads, an advisor and one who left."""
    service = door("identity", users)
    for name, role in (("eva", Role.ADVISOR), ("jefe", Role.MARKETING_HEAD)):
        service.create_user(make(name, role))
    service.create_user(make("otra", Role.MARKETING_HEAD))
    left = service.create_user(make("fue", Role.MARKETING_HEAD))
    with users.begin() as session:
        session.execute(update(User).filter_by(id=left.id).values(active=False))
    return service


def make(username: str, role: Role) -> NewUser:
    return NewUser(
        username=username, full_name="Una Persona", role=role, password="correo-lluvia-mesa"
    )


def tell(identity: Any, reference: str = "r", **to: Any) -> None:
    asked = {"usernames": [], "title": "Terminó", "detail": "", "link": "/envios/1"} | to
    identity.on_notice_requested(uuid4(), NoticeRequested(reference=reference, **asked))


def as_user(user_id: int, username: str) -> Any:
    actor = make_actor(username, "advisor", user_id=user_id, full_name="Una Persona")
    return trace.use(actor=actor)


def titles(identity: Any, user_id: int, username: str) -> list[str]:
    with as_user(user_id, username):
        return [item.title for item in identity.list_notices().items]


def test_a_user_is_told_once_for_each_reference(identity: Any, users: Sessions) -> None:
    tell(identity, usernames=["eva", "nadie"])
    tell(identity, usernames=["eva"], title="otra vez")
    tell(identity, "s", usernames=["eva"], title="Segundo")
    assert titles(identity, 1, "eva") == ["Segundo", "Terminó"]
    assert titles(identity, 2, "jefe") == []
    assert outbox_of(users) == [("notices_changed", {"usernames": ["eva"]})] * 2


def test_a_role_is_told_as_a_whole_but_for_those_who_left(identity: Any, users: Sessions) -> None:
    tell(identity, role=Role.MARKETING_HEAD)
    [(_, changed)] = outbox_of(users)
    assert sorted(changed["usernames"]) == ["jefe", "otra"]


def test_opening_reads_and_another_ones_notice_is_not_there(identity: Any, users: Sessions) -> None:
    tell(identity, usernames=["eva", "jefe"])
    with as_user(1, "eva"):
        [mine] = identity.list_notices().items
        assert not mine.read
        assert identity.open_notice(mine.id).link == "/envios/1"
        identity.open_notice(mine.id)
        assert identity.list_notices().items[0].read
    with as_user(2, "jefe"), pytest.raises(NotFound):
        identity.open_notice(mine.id)
    assert outbox_of(users)[1:] == [("notices_changed", {"usernames": ["eva"]})]


def unread(session: Session) -> int:
    found = known.find_known(session, 1)
    assert found
    return found.unread


def test_unread_ones_are_counted_until_all_are_read(identity: Any, users: Sessions) -> None:
    for reference in "abc":
        tell(identity, reference, usernames=["eva"])
    with users() as session:
        assert unread(session) == 3
    with as_user(1, "eva"):
        identity.read_notices()
        identity.read_notices()
    with users() as session:
        assert unread(session) == 0
    assert len(outbox_of(users)) == 4


def test_old_ones_are_forgotten(identity: Any, users: Sessions) -> None:
    for reference, days in (("young", 89), ("old", 91)):
        tell(identity, reference, usernames=["eva"], title=reference)
        with users.begin() as session:
            at = clock.now() - timedelta(days=days)
            session.execute(update(Notice).filter_by(reference=reference).values(created_at=at))
    with users.begin() as session:
        notices.forget_old(session)
    assert titles(identity, 1, "eva") == ["young"]


@pytest.mark.parametrize("to", ["eva", Role.ADVISOR])
def test_the_kit_asks_for_a_user_or_a_role(users: Sessions, to: Any) -> None:
    with users.begin() as session:
        kit.send(session, to, "import:3", "Terminó", link="/clientes")
    [(kind, asked)] = outbox_of(users)
    assert kind == "notice_requested"
    wanted = ([], "advisor") if to is Role.ADVISOR else (["eva"], None)
    assert (asked["usernames"], asked["role"]) == wanted
