"""What rooms drop by themselves, and that people who ask for it are forgotten everywhere."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from kombu import Connection
from sqlalchemy import event, insert, select, update
from sqlalchemy.orm import Session, sessionmaker

from shared import (
    clock,
    forgetting,
    idempotency,
    inbox,
    jobs,
    migrate,
    parked,
    trace,
    transfer,
    worker,
)
from shared.contracts import ROOMS, customer_query, identity
from shared.errors import Conflict
from shared.job import dead_queue
from shared.settings import settings
from shared.tables import Command, Inbox, Transfer, TransferChunk
from tests.make.actors import make_actor

Sessions = sessionmaker[Session]
NEW = identity.NewUser(
    username="eva", full_name="Eva Mora", role=identity.Role.ADVISOR, password="muy-secreta-1"
)


@pytest.fixture
def sessions(database: Callable[[str], Sessions]) -> Sessions:
    return database("identity")


@pytest.fixture(autouse=True)
def somebody() -> Iterator[None]:
    actor = make_actor()
    with trace.use(actor=actor, idempotency_key="k"):
        yield


def ago(days: float) -> Any:
    return clock.now() - timedelta(days=days)


def command(key: str, at: Any) -> dict[str, Any]:
    return {
        "username": "a",
        "procedure": "p",
        "key": key,
        "arguments_hash": "h",
        "reply": {"reply": {"customer_id": 7}},
        "at": at,
    }


def test_each_kind_is_dropped_at_its_age_and_not_before(sessions: Sessions) -> None:
    young, old = uuid4(), uuid4()
    ended = {"attempt": 0, "failed_at": None}
    with sessions.begin() as session:
        session.execute(insert(Command), [command("young", ago(0.9)), command("old", ago(1))])
        for key, days in ((young, 29), (old, 31)):
            row = {"event_id": key, "handler": "h", "handled_at": ago(days)}
            session.execute(insert(Inbox).values(row))
            moved = {"id": key, "completed_at": ago(days)} | ended
            session.execute(insert(Transfer).values(moved))
            piece = {"transfer_id": key, "number": 0, "rows": 1, "checksum": 1}
            session.execute(insert(TransferChunk).values(piece))
        running = {"id": uuid4(), "completed_at": None} | ended
        session.execute(insert(Transfer).values(running))
    forgetting.forget_kept("identity")
    with sessions() as session:
        assert session.execute(select(Command.key)).scalars().all() == ["young"]
        assert session.execute(select(Inbox.event_id)).scalars().all() == [young]
        assert set(session.execute(select(Transfer.id)).scalars()) == {young, running["id"]}
        assert session.execute(select(TransferChunk.transfer_id)).scalars().all() == [young]


def test_a_reply_with_the_hour_between_two_forgettings_is_kept_less_than_a_day() -> None:
    assert idempotency.KEPT + timedelta(hours=1) <= timedelta(days=1)
    assert transfer.KEPT.days <= inbox.KEEP_DAYS


def test_every_room_forgets_every_hour_in_its_own_queue() -> None:
    worker.load(list(ROOMS))
    for room in ROOMS:
        entry = jobs.app.conf.beat_schedule[f"{room}.forget_kept"]
        assert entry["options"]["queue"] == settings().amqp_name(f"jobs.{room}")
        assert entry["schedule"].hour == set(range(24))
        assert len(entry["schedule"].minute) == 1
        assert f"{room}.forget_kept" in jobs.app.tasks


# --- kept replies ---


def once(session: Session, reply: Any, new: identity.NewUser = NEW) -> Any:
    return idempotency.once(session, identity.create_user, {"new": new}, lambda: reply)


USER = identity.User(
    id=3,
    username="eva",
    full_name="Eva",
    role=identity.Role.ADVISOR,
    role_name="Asesor",
    active=True,
    last_login_at=None,
    version=1,
)


def test_no_hash_leads_to_a_password(sessions: Sessions) -> None:
    other = NEW.model_copy(update={"password": "muy-secreta-2"})
    with sessions.begin() as session:
        assert once(session, USER) == USER
        assert once(session, None, other) == USER  # the same command: the password tells nothing
        changed = NEW.model_copy(update={"full_name": "Otra"})
        with pytest.raises(Conflict):
            once(session, None, changed)


@pytest.mark.parametrize(
    "reply",
    [
        {"customer_id": 7, "note": "x"},
        {"items": [{"customer_id": 8}, {"deep": {"customer_id": 7}}]},
        {"id": 7, "cedula": "1710034065"},
    ],
)
def test_a_reply_that_tells_of_a_person_is_blanked_and_acts_no_second_time(
    sessions: Sessions, reply: Any
) -> None:
    with sessions.begin() as session:
        once(session, USER)
        session.execute(update(Command).values(reply={"reply": reply}))
        idempotency.forget_people(session, [7])
        assert session.execute(select(Command.reply)).scalar_one() is None
        with pytest.raises(Conflict, match="ya se hizo"):
            once(session, None)


@pytest.mark.parametrize("reply", [{"customer_id": 77}, {"id": 7, "name": "campaign 7"}, 7, None])
def test_other_replies_stay(sessions: Sessions, reply: Any) -> None:
    with sessions.begin() as session:
        once(session, USER)
        session.execute(update(Command).values(reply={"reply": reply}))
        idempotency.forget_people(session, [7, 8])
        assert session.execute(select(Command.reply)).scalar_one() == {"reply": reply}


def test_many_people_are_forgotten_by_one_statement(sessions: Sessions) -> None:
    told: list[str] = []
    with sessions.begin() as session:
        once(session, USER)
        session.execute(update(Command).values(reply={"reply": {"customer_id": 500}}))

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            told.append(statement)

        event.listen(session.connection(), "before_cursor_execute", note)
        idempotency.forget_people(session, range(1, 501))
        assert len(told) == 1
        assert session.execute(select(Command.reply)).scalar_one() is None


# --- parked messages ---


@pytest.fixture
def dead() -> Iterator[str]:
    """An event's dead queue, empty."""
    name = next(name for name in parked.dead_queues() if "contact_states_changed" in name)
    with Connection(settings().amqp_url) as connection:
        migrate.declare()
        for queue in parked.dead_queues():
            connection.default_channel.queue_purge(queue)
        yield name
        for queue in (name, dead_queue().name):
            connection.default_channel.queue_purge(queue)


def park(queue: str, body: Any, **properties: Any) -> None:
    properties = {"content_type": "application/json", "content_encoding": "utf-8"} | properties
    with Connection(settings().amqp_url) as connection:
        connection.Producer().publish(
            body if isinstance(body, bytes) else json.dumps(body),
            exchange="",
            routing_key=queue,
            headers={"attempt": 4, "error": "why"},
            delivery_mode=2,
            **properties,
        )


def left(queue: str) -> list[Any]:
    """Bodies in a queue, taken out."""
    found = []
    with Connection(settings().amqp_url) as connection:
        while message := connection.default_channel.basic_get(queue, no_ack=True):
            assert {"attempt": 4, "error": "why"}.items() <= message.headers.items()
            assert message.headers.get("x-delivery-count", 0) == 0  # it may be parked for long
            found.append(json.loads(message.body))
    return found


def state(customer_id: int) -> dict[str, Any]:
    found = customer_query.ContactState(
        customer_id=customer_id,
        version=1,
        email="ana@correo.ec",
        phone=None,
        mail_block=None,
        phone_block=None,
    )
    return found.model_dump(mode="json")


def test_a_parked_event_keeps_its_other_people(dead: str) -> None:
    park(dead, {"customers": [state(7), state(8)]}, message_id=str(uuid4()))
    park(dead, {"customers": [state(9)]})
    assert parked.forget_people({7}) == 1
    assert sorted(left(dead), key=str) == [{"customers": [state(8)]}, {"customers": [state(9)]}]


def test_what_is_only_about_the_person_goes_and_so_do_parked_rows(dead: str) -> None:
    park(dead, {"customer_id": 7, "email": "ana@correo.ec"})
    park(dead, {"customer": {"id": 7, "cedula": "1710034065"}})
    park(
        dead_queue().name,
        b"\x81\xa4rows",
        content_type="application/x-msgpack",
        content_encoding="binary",
    )
    assert parked.forget_people({7}) == 3
    assert (left(dead), left(dead_queue().name)) == ([], [])
    assert parked.forget_people({7}) == 0
