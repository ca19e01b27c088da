"""risk_central's doors for SOAP clients and what they asked."""

import hmac
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from redis import Redis
from sqlalchemy import insert, select

from services.risk_central import clients, meter, questions, roster, store
from services.risk_central.models import SoapClient, SoapQuestion
from shared import audit, clock, trace
from shared.contracts.risk_central import NewSoapClient, SoapClientChange, SoapOutcome
from shared.errors import Conflict, Denied, Invalid, NotFound
from shared.permissions import Role
from shared.settings import settings
from shared.tables import Command
from tests.databases import audited_of, outbox_of
from tests.make.actors import make_actor
from tests.make.soap_clients import new_client as new
from tests.soap.people import cedula, free_port

ONE, OTHER = cedula("171430710"), cedula("010000001")
TELL: tuple[str, dict[str, Any]] = ("risk_central.tell_clients", {"arguments": []})


@pytest.fixture
def sessions(database: Any) -> Any:
    return database("risk_central")


@pytest.fixture
def bureau(door: Any, sessions: Any, redis: Redis) -> Iterator[Any]:
    with trace.use(actor=make_actor("admin", Role.ADMIN)):
        yield door("risk_central", sessions, redis=redis)


def test_a_client_is_made_and_its_secret_told_once(bureau: Any, sessions: Any) -> None:
    with trace.use(actor=make_actor("admin", Role.ADMIN), idempotency_key="una"):
        made = bureau.create_soap_client(new(networks=["190.15.2.7/32"], per_day=50))
        again = bureau.create_soap_client(new(networks=["190.15.2.7/32"], per_day=50))
    assert len(made.secret) == 43
    assert again == made.model_copy(update={"secret": None})
    assert (made.per_minute, made.per_day, made.at_once) == (600, 50, 4)
    assert (made.networks, made.active, made.created_by) == (["190.15.2.7"], True, "Jefa")
    assert outbox_of(sessions) == [TELL]
    with sessions() as session:
        kept = repr(session.execute(select(Command.reply)).all())
        row = session.get_one(SoapClient, "cobranzas")
        kept += repr(vars(row))
    assert made.secret not in kept
    assert made.secret not in repr(audited_of(sessions))
    assert bureau.get_soap_client("cobranzas").title == "Cobranzas del Austro"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "No"},
        {"name": "con espacio"},
        {"name": "a:b"},
        {"networks": ["no es ninguna"]},
        {"per_minute": 0},
        {"per_day": 0},
        {"at_once": 9},
    ],
)
def test_a_client_has_its_bounds(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NewSoapClient(**{"name": "cobranzas", "title": "Cobranzas"} | wrong)


def test_a_name_is_given_once_and_the_houses_never(bureau: Any) -> None:
    bureau.create_soap_client(new())
    with pytest.raises(Invalid) as taken:
        bureau.create_soap_client(new())
    with pytest.raises(Invalid) as own:
        bureau.create_soap_client(new(settings().soap_user))
    assert [error.value.fields[0].field for error in (taken, own)] == ["name", "name"]


def test_limits_change_and_the_door_is_told(bureau: Any, sessions: Any) -> None:
    made = bureau.create_soap_client(new())
    change = SoapClientChange.to(per_day=99, version=made.version)
    changed = bureau.update_soap_client("cobranzas", change)
    assert (changed.per_day, changed.per_minute, changed.version) == (99, 600, 2)
    assert outbox_of(sessions) == [TELL, TELL]
    with pytest.raises(Conflict):
        bureau.update_soap_client("cobranzas", change)
    [_, line] = audited_of(sessions)
    assert (line["action"], line["object_kind"], line["object_id"]) == (
        "changed",
        "soap_client",
        "cobranzas",
    )
    assert line["changes"] == {"per_day": [10000, 99]}


def test_a_client_without_a_row_is_not_there(bureau: Any) -> None:
    for ask in (
        bureau.get_soap_client,
        bureau.renew_soap_secret,
        bureau.deactivate_soap_client,
        bureau.activate_soap_client,
    ):
        with pytest.raises(NotFound):
            ask("nadie")


def test_secrets_follow_each_other(bureau: Any, sessions: Any, redis: Redis) -> None:
    secrets = [bureau.create_soap_client(new()).secret]
    renewed = bureau.renew_soap_secret("cobranzas")
    secrets.append(renewed.secret)
    assert renewed.former_until is not None
    assert abs(renewed.former_until - clock.now() - timedelta(hours=24)) < timedelta(minutes=1)
    secrets.append(bureau.renew_soap_secret("cobranzas").secret)
    assert good(sessions, redis, secrets) == [False, True, True]
    shut = bureau.deactivate_soap_client("cobranzas")
    assert (shut.active, shut.former_until) == (False, None)
    assert good(sessions, redis, secrets) == [False] * 3
    with pytest.raises(Conflict):
        bureau.renew_soap_secret("cobranzas")
    secrets.append(bureau.activate_soap_client("cobranzas").secret)
    assert good(sessions, redis, secrets) == [False, False, False, True]
    with pytest.raises(Conflict):
        bureau.activate_soap_client("cobranzas")
    told = [line["changes"] for line in audited_of(sessions)][1:]
    assert told == [
        {"password_hash": [None, "#"]},
        {"password_hash": [None, "#"]},
        {"active": [True, False]},
        {"active": [False, True], "password_hash": [None, "#"]},
    ]


def good(sessions: Any, redis: Redis, secrets: list[str]) -> list[bool]:
    with sessions.begin() as session:
        clients.tell(session, redis)
    known = roster.Roster(redis)
    return [known.find("cobranzas", secret.encode()) is not None for secret in secrets]


def test_deactivating_again_changes_nothing(bureau: Any, sessions: Any) -> None:
    bureau.create_soap_client(new())
    first = bureau.deactivate_soap_client("cobranzas")
    assert bureau.deactivate_soap_client("cobranzas") == first
    assert len(audited_of(sessions)) == 2


def test_the_list_shows_what_was_used_today(bureau: Any, redis: Redis) -> None:
    for name in ("ventas", "cobranzas"):
        bureau.create_soap_client(new(name))
    asked = meter.Question(
        meter.Meter(redis), roster.Client("ventas", per_day=3, per_minute=9), "10.0.0.1"
    )
    asked.read(redis, [ONE, OTHER])
    page = bureau.list_soap_clients()
    assert [client.name for client in page.items] == ["cobranzas", "ventas"]
    assert [client.today.persons for client in page.items] == [0, 2]
    assert (page.items[1].today.asked, page.items[1].today.refused) == (1, 0)
    assert page.items[1].today.last_at is not None


def test_without_redis_the_rest_is_shown(door: Any, sessions: Any, bureau: Any) -> None:
    bureau.create_soap_client(new())
    away = store.connect(f"redis://127.0.0.1:{free_port()}/0")
    without = door("risk_central", sessions, redis=away)
    [client] = without.list_soap_clients().items
    assert (client.name, client.today) == ("cobranzas", None)


# --- what they asked ---


def note(sessions: Any, minutes: int, people: list[str], **changes: Any) -> None:
    """A question so long ago."""
    at = NOON - timedelta(minutes=minutes)
    usual = {"client": "cobranzas", "operation": "GetRisks", "outcome": SoapOutcome.ANSWERED}
    counts = {"persons": len(people), "known": 0, "address": "10.0.0.1", "milliseconds": 3}
    values = {"id": int(at.timestamp() * 1000) * 1000, "at": at, "people": people}
    with sessions.begin() as session:
        session.execute(insert(SoapQuestion).values(usual | counts | values | changes))


NOON = clock.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def test_questions_are_found_by_client_day_and_outcome(bureau: Any, sessions: Any) -> None:
    note(sessions, 1, [])
    note(sessions, 2, [], client="ventas")
    note(sessions, 3, [], outcome=SoapOutcome.DAY)
    note(sessions, 60 * 24 * 2, [])

    def minutes(**filters: Any) -> list[int]:
        found = bureau.list_soap_questions(**filters).items
        return [round((NOON - item.at) / timedelta(minutes=1)) for item in found]

    assert minutes() == [1, 2, 3, 2880]
    assert minutes(client="cobranzas") == [1, 3, 2880]
    assert minutes(outcome=SoapOutcome.DAY) == [3]
    day = (NOON - timedelta(minutes=2880)).astimezone(clock.GUAYAQUIL).date()
    assert minutes(day=day) == [2880]
    first = bureau.list_soap_questions(limit=2)
    second = bureau.list_soap_questions(after=first.next, limit=2)
    assert [item.id for item in (*first.items, *second.items)] == [
        item.id for item in bureau.list_soap_questions().items
    ]


def test_who_asked_about_a_person_is_found_and_looking_is_on_record(
    bureau: Any, sessions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = "f" * 32
    note(sessions, 1, audit.fingerprints([ONE, OTHER]))
    note(sessions, 2, audit.fingerprints([OTHER]))
    note(sessions, 3, audit.fingerprints([ONE], former))
    assert len(bureau.list_soap_askers(ONE).items) == 1
    monkeypatch.setenv("PREGON_FORMER_KEYS", former)
    settings.cache_clear()
    found = bureau.list_soap_askers(f"{ONE[:-1]}-{ONE[-1]}").items
    monkeypatch.undo()
    settings.cache_clear()
    assert [(NOON - item.at) // timedelta(minutes=1) for item in found] == [1, 3]
    lines = audited_of(sessions)
    assert [line["action"] for line in lines] == ["viewers_seen"] * 2
    assert lines[0]["changes"] == {"search": [None, audit.fingerprint(ONE)]}


def test_only_who_reads_the_record_learns_who_asked(bureau: Any, sessions: Any) -> None:
    with trace.use(actor=make_actor()), pytest.raises(Denied):
        bureau.list_soap_askers(ONE)
    with pytest.raises(Invalid) as wrong:
        bureau.list_soap_askers("123")
    assert wrong.value.fields[0].field == "cedula"
    assert audited_of(sessions) == []


def test_the_ledger_tells_how_whole_it_is(bureau: Any, sessions: Any) -> None:
    ledger = bureau.get_soap_ledger()
    assert (ledger.taken_at, ledger.lost) == (None, 0)
    with sessions.begin() as session:
        questions.lock(session).lost = 7
    assert bureau.get_soap_ledger().lost == 7


def test_fingerprints_are_those_of_the_record() -> None:
    key = hmac.digest(settings().secret_key.encode(), b"audit", "sha256")
    wanted = hmac.new(key, ONE.encode(), "sha256").hexdigest()[:24]
    assert audit.fingerprint(ONE) == f"#{wanted}" == audit.fingerprints([ONE])[0]
