"""What the door knows of clients, and what the room knows of their questions, over kills."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from services.risk_central import clients, jobs, meter, questions
from services.risk_central.models import SoapQuestion
from services.risk_central.roster import Client, Roster
from shared import audit, clock, trace
from shared.contracts.soap_clients import SoapOutcome
from shared.redis import key
from tests.make.actors import make_actor
from tests.make.soap_clients import new_client
from tests.soap.people import cedula

PEOPLE = [cedula(f"17100{number:04}") for number in range(50)]


@pytest.fixture
def room(database: Callable[[str], sessionmaker[Session]]) -> sessionmaker[Session]:
    return database("risk_central")


def create(room: sessionmaker[Session], name: str = "cobranzas", **changes: Any) -> str:
    with trace.use(actor=make_actor()), room.begin() as session:
        return clients.insert_client(session, new_client(name, **changes), "Jefa")[1]


def known(redis: Redis, name: str, secret: str) -> Client | None:
    return Roster(redis).find(name, secret.encode())


def ask(redis: Redis, *cedulas: str, client: str = "cobranzas") -> None:
    """A question as the door counts and records it."""
    asked = meter.Question(meter.Meter(redis), Client(client), "10.0.0.1", operation="GetRisks")
    asked.read(redis, cedulas)


def stored(room: sessionmaker[Session]) -> list[SoapQuestion]:
    with room() as session:
        return list(session.execute(select(SoapQuestion).order_by(SoapQuestion.id)).scalars())


# --- who may ask ---


def test_the_door_is_told_of_each_client(room: Any, redis: Redis) -> None:
    secret = create(room, networks=["10.0.0.0/8"], per_minute=7, per_day=8, at_once=2)
    assert known(redis, "cobranzas", secret) is None
    jobs.tell_clients()
    client = known(redis, "cobranzas", secret)
    assert client is not None
    assert (client.per_minute, client.per_day, client.at_once) == (7, 8, 2)
    assert [str(network) for network in client.networks] == ["10.0.0.0/8"]
    told: Any = redis.get(key("risk_central:soap:clients"))
    assert secret not in told.decode()
    jobs.tell_clients()
    assert redis.get(key("risk_central:soap:clients")) == told


def test_what_redis_forgot_is_told_again(room: Any, redis: Redis) -> None:
    secret = create(room)
    jobs.tell_clients()
    redis.delete(key("risk_central:soap:clients"))
    assert "risk_central.tell_clients" in jobs.SCHEDULE
    jobs.tell_clients()
    assert known(redis, "cobranzas", secret) is not None


def test_a_new_secret_leaves_the_former_one_a_day(
    room: Any, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = create(room)
    with room.begin() as session:
        second = clients.renew_secret(session, clients.get_client(session, "cobranzas", lock=True))
    jobs.tell_clients()
    assert known(redis, "cobranzas", first)
    assert known(redis, "cobranzas", second)
    later = (clock.now() + timedelta(hours=24, seconds=1)).timestamp()
    monkeypatch.setattr("services.risk_central.roster.time.time", lambda: later)
    assert known(redis, "cobranzas", first) is None
    assert known(redis, "cobranzas", second)


def test_one_that_is_shut_out_has_no_secret_left(room: Any, redis: Redis) -> None:
    first = create(room)
    with room.begin() as session:
        client = clients.get_client(session, "cobranzas", lock=True)
        second = clients.renew_secret(session, client)
        clients.deactivate(session, client)
    jobs.tell_clients()
    assert known(redis, "cobranzas", first) is known(redis, "cobranzas", second) is None
    with room.begin() as session:
        third = clients.activate(session, clients.get_client(session, "cobranzas", lock=True))
    jobs.tell_clients()
    assert known(redis, "cobranzas", first) is known(redis, "cobranzas", second) is None
    assert known(redis, "cobranzas", third)


def test_a_job_that_dies_before_it_told_leaves_what_was(
    room: Any, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(room)
    jobs.tell_clients()
    create(room, "ventas")

    def die(*_: object) -> None:
        raise RedisError("gone")

    with monkeypatch.context() as patch:
        patch.setattr("services.risk_central.roster.write", die)
        with pytest.raises(RedisError):
            jobs.tell_clients()
    jobs.tell_clients()
    told: Any = redis.get(key("risk_central:soap:clients"))
    assert [item["name"] for item in json.loads(told)] == ["cobranzas", "ventas"]


# --- what they asked ---


def test_questions_are_taken_in_once(room: Any, redis: Redis) -> None:
    for number in range(5):
        ask(redis, PEOPLE[number], PEOPLE[number + 1])
    jobs.take_questions()
    jobs.take_questions()
    found = stored(room)
    assert [item.people for item in found] == [
        audit.fingerprints(PEOPLE[number : number + 2]) for number in range(5)
    ]
    first = found[0]
    assert (first.client, first.operation, first.address) == ("cobranzas", "GetRisks", "10.0.0.1")
    assert (first.persons, first.known, first.outcome) == (2, 0, SoapOutcome.ANSWERED)
    assert abs(first.at - clock.now()) < timedelta(minutes=1)
    assert redis.xlen(key("risk_central:soap:lines")) == 0
    with room() as session:
        taken = questions.get_taken(session)
        assert taken is not None
        assert (taken.lost, taken.number) == (0, 5)


@pytest.mark.parametrize("where", ["services.risk_central.questions.forget", "commit"])
def test_a_job_that_is_killed_loses_none_and_takes_none_twice(
    room: Any, redis: Redis, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Before its batch is committed, and after that, before the lines leave the stream."""
    monkeypatch.setattr(questions, "BATCH", 4)
    for number in range(10):
        ask(redis, PEOPLE[number])

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if where == "commit":
            patch.setattr(Session, "commit", die)
            patch.setattr("sqlalchemy.orm.session.SessionTransaction.commit", die)
        else:
            patch.setattr(where, die)
        with pytest.raises(Killed):
            jobs.take_questions()
    assert len(stored(room)) == (0 if where == "commit" else 4)
    ask(redis, PEOPLE[10])
    jobs.take_questions()
    people = [item.people for item in stored(room)]
    assert people == [audit.fingerprints([PEOPLE[number]]) for number in range(11)]
    with room() as session:
        taken = questions.get_taken(session)
        assert taken is not None
        assert taken.lost == 0


def test_what_fell_out_of_the_full_stream_is_counted(room: Any, redis: Redis) -> None:
    for number in range(3):
        ask(redis, PEOPLE[number])
    jobs.take_questions()
    for number in range(6):
        ask(redis, PEOPLE[number])
    redis.xtrim(key("risk_central:soap:lines"), maxlen=2, approximate=False)
    jobs.take_questions()
    assert len(stored(room)) == 5
    with room() as session:
        taken = questions.get_taken(session)
        assert taken is not None
        assert taken.lost == 4


def test_a_question_that_lies_in_two_batches_is_stored_whole(
    room: Any, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "BATCH", 5)
    many = [cedula(f"17300{number:04}") for number in range(120)]  # three entries
    for number in range(7):
        ask(redis, *many[number:])
        ask(redis, PEOPLE[number])
    jobs.take_questions()
    long = [audit.fingerprints(many[number:]) for number in range(7)]
    short = [audit.fingerprints([PEOPLE[number]]) for number in range(7)]
    assert [item.people for item in stored(room)] == [
        people for pair in zip(long, short, strict=True) for people in pair
    ]
    assert lost_of(room) == 0


def lost_of(room: sessionmaker[Session]) -> int:
    with room() as session:
        taken = questions.get_taken(session)
        assert taken is not None
        return taken.lost


def test_what_lost_its_beginning_is_one_that_is_missing(room: Any, redis: Redis) -> None:
    many = [cedula(f"17300{number:04}") for number in range(120)]
    for number in range(2):
        ask(redis, *many, client=f"sistema{number}")
    redis.xtrim(key("risk_central:soap:lines"), maxlen=4, approximate=False)
    jobs.take_questions()
    assert [item.client for item in stored(room)] == ["sistema1"]
    assert lost_of(room) == 1
    ask(redis, *many)
    redis.xtrim(key("risk_central:soap:lines"), maxlen=2, approximate=False)
    jobs.take_questions()
    assert redis.xlen(key("risk_central:soap:lines")) == 0
    ask(redis, PEOPLE[0])
    jobs.take_questions()
    assert (len(stored(room)), lost_of(room)) == (2, 2)


def test_counting_begins_anew_where_redis_forgot_all(room: Any, redis: Redis) -> None:
    for number in range(5):
        ask(redis, PEOPLE[number])
    jobs.take_questions()
    redis.delete(*(key(f"risk_central:soap:{name}") for name in ("lines", "count")))
    ask(redis, PEOPLE[0])
    jobs.take_questions()
    assert len(stored(room)) == 6
    with room() as session:
        taken = questions.get_taken(session)
        assert taken is not None
        assert (taken.lost, taken.number) == (0, 1)


# --- months ---


def test_a_line_lies_in_its_month_in_ecuador(room: Any) -> None:
    """Also one of the first and the last moment of it."""
    first = datetime(2026, 12, 1, 5, tzinfo=UTC)  # midnight in Ecuador
    with room.begin() as session:
        questions.make_months(session, date(2026, 11, 22))
        for at, month in ((first - timedelta(milliseconds=1), "202611"), (first, "202612")):
            insert_at(session, at)
            row = session.execute(
                text("SELECT tableoid::regclass::text FROM soap_question WHERE id = :id"),
                {"id": id_at(at)},
            )
            assert row.scalar_one().strip('"') == f"soap_question_{month}"


def id_at(at: datetime) -> int:
    return round(at.timestamp() * 1000) * 1000


def insert_at(session: Session, at: datetime) -> None:
    session.execute(
        text("INSERT INTO soap_question VALUES (:id, :at, 'a', '', 0, 0, 'answered', '', 0, '{}')"),
        {"id": id_at(at), "at": at},
    )


def test_months_older_than_the_policy_go(room: Any) -> None:
    old = datetime(2024, 10, 15, 12, tzinfo=UTC)
    with room.begin() as session:
        session.execute(text("SELECT soap_make_month('2024-10-01')"))
        session.execute(text("SELECT soap_make_month('2024-11-01')"))
        insert_at(session, old)
        insert_at(session, old + timedelta(days=31))
        assert questions.remove_months(session, date(2026, 11, 22), 24) == [date(2024, 10, 1)]
    with room() as session:
        assert session.execute(select(func.count(SoapQuestion.id))).scalar() == 1
    with room.begin() as session:
        session.execute(text("SELECT soap_remove_month('2024-11-01')"))


def test_what_was_asked_is_only_added_to(room: Any) -> None:
    with room.begin() as session:
        insert_at(session, clock.now())
    for statement in (
        "UPDATE soap_question SET client = 'otro'",
        "DELETE FROM soap_question",
        "TRUNCATE soap_question",
        "SELECT soap_remove_month(current_date)",
    ):
        with pytest.raises(DBAPIError), room.begin() as session:
            session.execute(text(statement))
    assert [item.client for item in stored(room)] == ["a"]
