"""The risk check: a real SOAP call to the real server, and what happens without it."""

import hashlib
import socket
import subprocess
import sys
import time as real_time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import eventlet
import pytest
import requests
from redis import Redis
from sqlalchemy import func, select

from services.telemarketing import bureau
from services.telemarketing.bureau import Bureau
from services.telemarketing.flights import Flights
from services.telemarketing.models import RiskCheck
from shared import trace
from shared.contract import Actor
from shared.contracts.risk_central import RiskCategory
from shared.contracts.telemarketing import (
    BureauTrouble,
    KnownRisk,
    Offer,
    RiskPurpose,
    RiskState,
    check_risk,
)
from shared.errors import Conflict, Invalid, NotFound
from shared.personal import mask_cedula
from shared.redis import connect, key
from shared.settings import settings
from tests.databases import audited_of, forget_keys, outbox_of
from tests.make import actors
from tests.rooms.telemarketing.conftest import CAMPAIGN, acting, add_people, announce, assign
from tests.soap.people import free_port, wait_for

ROSA, NOBODY = "1710034065", "0926687856"
FILE = (
    "cedula,full_name,category,score,total_debt,days_overdue,reported_on,source\n"
    f"{ROSA},Rosa Mora,C1,520,1234.50,50,2026-10-31,Banco\n"
)


@pytest.fixture(scope="module")
def soap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The product's SOAP server, which knows Rosa."""
    with Redis.from_url(settings().redis_url) as redis:
        forget_keys(redis)
    file = tmp_path_factory.mktemp("risk") / "file.csv"
    file.write_text(FILE)
    loader = [sys.executable, "-m", "services.risk_central.load", str(file)]
    subprocess.run(loader, check=True, capture_output=True)
    port = free_port()
    server = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port)]
    process = subprocess.Popen(
        [*server, "services.risk_central.soap:app"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: _listens(port), "SOAP server", seconds=40)
    yield f"http://127.0.0.1:{port}/risk-central"
    process.terminate()
    process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Where the bureau is, and how long it may take."""

    def point(address: str, seconds: float = 2) -> None:
        monkeypatch.setenv("PREGON_SOAP_URL", address)
        monkeypatch.setenv("PREGON_RISK_TIMEOUT_SECONDS", str(seconds))
        settings.cache_clear()

    yield point
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def people(room: Any, sessions: Any) -> None:
    """Customer 1 is Rosa; customer 2 is unknown to the bureau."""
    announce(room)
    add_people(sessions, 1, cedula=ROSA, advisor="ana")
    add_people(sessions, 1, campaign_id=8, customer_id=2, cedula=NOBODY, advisor="ana")


@pytest.mark.usefixtures("people")
def test_a_known_person_comes_with_the_policy_and_is_logged(
    room: Any, sessions: Any, soap: str, at: Any
) -> None:
    at(soap)
    with acting("ana"):
        check = room.check_risk(1)
    assert check.state is RiskState.KNOWN
    assert check.report.category is RiskCategory.C1
    assert str(check.report.total_debt) == "1234.50"
    assert check.offer is Offer.PREPAID_ONLY
    assert room.find_last_risk(1) == check
    kind, event = outbox_of(sessions)[-1]
    assert kind == "risk_checked"
    assert (event["advisor"], event["purpose"], event["category"]) == ("ana", "sale", "C1")
    checked, seen = audited_of(sessions)
    assert (checked["action"], checked["customer_id"]) == ("risk_checked", 1)
    assert (checked["username"], checked["purpose"]) == ("ana", "Venta")
    assert checked["changes"]["category"] == [None, "C1"]
    assert (seen["action"], seen["customer_id"]) == ("risk_seen", 1)


@pytest.mark.usefixtures("people")
def test_an_unknown_person_is_no_failure(room: Any, soap: str, at: Any) -> None:
    at(soap)
    with acting("ana"):
        check = room.check_risk(2)
        assert (check.state, check.report) == (RiskState.UNKNOWN, None)
        assert room.check_risk(1).state is RiskState.KNOWN


@pytest.mark.usefixtures("people")
def test_a_bureau_that_is_down_is_a_state_and_is_asked_again_after_a_pause(
    room: Any, soap: str, at: Any
) -> None:
    moment = real_time.monotonic()
    room.bureau = Bureau(lambda: moment)
    at(f"http://127.0.0.1:{free_port()}/risk-central")
    with acting("ana"):
        check = room.check_risk(1)
        assert check.state is RiskState.UNAVAILABLE
        assert check.offer is Offer.PREPAID_ONLY
        assert room.find_last_risk(1) is None
        at(soap)
        assert room.check_risk(1).state is RiskState.UNAVAILABLE  # the pause
        moment += 4.9
        assert room.check_risk(1).state is RiskState.UNAVAILABLE
        moment += 0.1
        assert room.check_risk(1).state is RiskState.KNOWN


@pytest.mark.usefixtures("people")
def test_a_bureau_that_only_listens_costs_no_more_than_the_deadline(room: Any, at: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        at(f"http://127.0.0.1:{silent.getsockname()[1]}/risk-central", seconds=0.3)
        begun = real_time.monotonic()
        with acting("ana"):
            assert room.check_risk(1).state is RiskState.UNAVAILABLE
            assert room.check_risk(1).state is RiskState.UNAVAILABLE
        assert real_time.monotonic() - begun < 1


def drip(connection: Any, wsdl: bytes) -> None:
    """Answer for the WSDL as it should be, or for ever with a byte at a time."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n"
    with connection, suppress(OSError):
        if connection.recv(65536).startswith(b"GET") and wsdl:
            connection.sendall(head % len(wsdl) + wsdl)
            connection.recv(65536)
        connection.sendall(head % 100_000)
        while True:
            connection.sendall(b" ")
            eventlet.sleep(0.05)


@pytest.fixture
def dripping() -> Iterator[Callable[[bytes], str]]:
    """A bureau that gives its answers by drops; the WSDL at once where there is one."""
    listener = eventlet.listen(("127.0.0.1", 0))
    running = []

    def accept(wsdl: bytes) -> None:
        while True:
            running.append(eventlet.spawn(drip, listener.accept()[0], wsdl))

    def serve(wsdl: bytes) -> str:
        running.append(eventlet.spawn(accept, wsdl))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/risk-central"

    yield serve
    for greenlet in running:
        greenlet.kill()
    listener.close()


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("with_wsdl", [True, False])
def test_a_bureau_that_drips_costs_no_more_than_the_deadline_in_all(
    room: Any, soap: str, at: Any, dripping: Any, *, with_wsdl: bool
) -> None:
    """Each read has something within its own time: only the deadline over all ends it."""
    at(dripping(requests.get(f"{soap}?wsdl", timeout=5).content if with_wsdl else b""), 0.4)
    begun = real_time.monotonic()
    with acting("ana"), eventlet.Timeout(5):
        assert room.check_risk(1).state is RiskState.UNAVAILABLE
        assert 0.4 <= real_time.monotonic() - begun < 1
        assert room.check_risk(1).state is RiskState.UNAVAILABLE  # at once: the pause
    assert real_time.monotonic() - begun < 1.2


@pytest.mark.usefixtures("people")
def test_a_slow_bureau_keeps_no_more_than_a_share_of_the_workers(
    room: Any, at: Any, dripping: Any, until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of ten workers four wait for the bureau and two for a place; four are free at once."""
    assert (bureau.SHARE, bureau.WAITING_SHARE, bureau.WAIT_SECONDS) == (0.4, 0.2, 0.2)
    monkeypatch.setattr(bureau, "WAIT_SECONDS", 0.5)
    room.bureau = Bureau()
    at(dripping(b""), 30)
    ended: list[RiskState] = []

    def check() -> None:
        with acting("ana"):
            ended.append(room.check_risk(1).state)

    workers = [eventlet.spawn(check) for _ in range(10)]
    until(lambda: len(ended) == 4)
    until(lambda: len(ended) == 6)
    eventlet.sleep(0.2)
    assert ended == [RiskState.UNAVAILABLE] * 6
    for worker in workers:
        worker.kill()


@pytest.mark.usefixtures("people")
def test_each_check_is_on_record_with_its_purpose(
    room: Any, sessions: Any, soap: str, at: Any
) -> None:
    at(soap)
    with acting("ana"):
        for purpose in RiskPurpose:
            room.check_risk(1, purpose)
    with sessions() as session:
        rows = session.execute(select(RiskCheck.purpose).order_by(RiskCheck.id)).scalars()
        assert list(rows) == list(RiskPurpose)
    told = [body["purpose"] for kind, body in outbox_of(sessions) if kind == "risk_checked"]
    assert told == [purpose.value for purpose in RiskPurpose]


@pytest.mark.parametrize("words", ["call", "curiosidad", "", "Venta"])
def test_a_purpose_that_the_law_does_not_name_is_refused(words: str) -> None:
    with pytest.raises(Invalid) as error:
        check_risk.decode_arguments({"customer_id": 1, "purpose": words})
    assert error.value.names("purpose")


class Unasked:
    """A bureau that nobody should ask."""

    def find_risk(self, cedula: str) -> None:
        raise AssertionError(cedula)


@pytest.mark.usefixtures("people")
def test_the_same_key_asks_and_logs_once(room: Any, sessions: Any, soap: str, at: Any) -> None:
    at(soap)
    with trace.use(actor=make_actor("ana"), idempotency_key="k1"):
        first = room.check_risk(1)
        room.bureau = Unasked()
        assert room.check_risk(1) == first
        with pytest.raises(Conflict):
            room.check_risk(1, RiskPurpose.HOLDER)
    assert [kind for kind, _ in outbox_of(sessions)] == ["risk_checked"]
    assert count_checks(sessions) == 1


@pytest.mark.usefixtures("people")
def test_two_with_one_key_at_once_are_logged_once(
    room: Any, sessions: Any, soap: str, at: Any
) -> None:
    at(soap)

    def check() -> Any:
        with trace.use(actor=make_actor("ana"), idempotency_key="k1"):
            return room.check_risk(1)

    both = [eventlet.spawn(check) for _ in range(2)]
    assert both[0].wait() == both[1].wait()
    assert count_checks(sessions) == 1


@pytest.mark.usefixtures("people")
def test_without_a_key_each_look_is_logged(room: Any, sessions: Any, soap: str, at: Any) -> None:
    at(soap)
    with acting("ana"):
        room.check_risk(1)
        room.check_risk(1)
    assert count_checks(sessions) == 2


def count_checks(sessions: Any) -> int:
    with sessions() as session:
        found: int = session.scalar(select(func.count()).select_from(RiskCheck))
        return found


def make_actor(username: str) -> Actor:
    return actors.make_actor(username, "advisor", full_name=username.title())


@pytest.mark.usefixtures("people")
def test_wrong_credentials_are_told_apart_and_to_who_can_mend_them(
    room: Any, sessions: Any, soap: str, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = real_time.monotonic()
    room.bureau = Bureau(lambda: moment)
    with monkeypatch.context() as patch:
        patch.setenv("PREGON_SOAP_PASSWORD", "otra")
        at(soap)
        with acting("ana"):
            for _ in range(2):  # the second one is in the pause
                check = room.check_risk(1)
                assert check.state is RiskState.UNAVAILABLE
                assert check.trouble is BureauTrouble.CREDENTIALS
                assert "credenciales" in check.message
    assert list(room._troubles()) == [
        "the risk central refuses PREGON_SOAP_USER and PREGON_SOAP_PASSWORD"
    ]
    told = [event for kind, event in outbox_of(sessions) if kind == "notice_requested"]
    assert {(event["role"], event["title"]) for event in told} == {
        ("admin", "La central de riesgos rechaza las credenciales")
    }
    assert len({event["reference"] for event in told}) == 1
    at(soap)
    room.bureau._service = None
    moment += 5
    with acting("ana"):
        assert room.check_risk(1).trouble is None
    assert list(room._troubles()) == []


@pytest.mark.usefixtures("people")
def test_without_an_answer_the_last_one_comes_with_its_age(
    room: Any, soap: str, at: Any, time: Any
) -> None:
    at(soap)
    with acting("ana"):
        known = room.check_risk(1)
        assert (known.trouble, known.last) == (None, None)
        room.check_risk(2)
        time.now += timedelta(days=3, hours=2)
        at(f"http://127.0.0.1:{free_port()}/risk-central")
        room.bureau = Bureau()
        check = room.check_risk(1)
        assert (check.state, check.report) == (RiskState.UNAVAILABLE, None)
        assert check.trouble is BureauTrouble.DOWN
        assert check.offer is Offer.PREPAID_ONLY
        assert check.last == KnownRisk(report=known.report, checked_at=known.checked_at, age_days=3)
        nobody = room.check_risk(2).last
        assert (nobody.report, nobody.age_days) == (None, 3)
        assert room.find_last_risk(1) == known


@pytest.fixture
def counting(soap: str) -> Iterator[tuple[str, list[bytes]]]:
    """A front of the bureau that takes its time, and what was asked through it."""
    host, _, port = soap.removeprefix("http://").partition("/")[0].partition(":")
    listener = eventlet.listen(("127.0.0.1", 0))
    asked: list[bytes] = []

    def pass_on(source: Any, target: Any, *, slowly: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if slowly and data.startswith(b"POST"):
                    asked.append(data)
                    eventlet.sleep(0.4)
                target.sendall(data)
        target.close()

    def accept() -> None:
        while True:
            client = listener.accept()[0]
            server = eventlet.connect((host, int(port)))
            ends.extend((client, server))
            running.append(eventlet.spawn(pass_on, client, server, slowly=True))
            running.append(eventlet.spawn(pass_on, server, client, slowly=False))

    ends: list[Any] = []
    running = [eventlet.spawn(accept)]
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/risk-central", asked
    for greenlet in running:
        greenlet.kill()
    for end in (*ends, listener):
        end.close()


@pytest.mark.usefixtures("people")
def test_two_who_ask_about_the_same_person_at_once_ask_once(
    room: Any, sessions: Any, at: Any, counting: Any
) -> None:
    """By clients of their own, as in two processes; both looks are logged."""
    address, asked = counting
    at(address, 5)
    clients = [Bureau(), Bureau(), Bureau()]
    for client in clients:
        client._client()  # the WSDL

    def check(number: int) -> Any:
        room.bureau = clients[number]
        with acting("ana"):
            return room.check_risk(1)

    looks = [eventlet.spawn(check, number) for number in range(3)]
    reports = [look.wait().report for look in looks]
    assert len(asked) == 1
    assert reports == [reports[0]] * 3
    assert reports[0].cedula == mask_cedula(ROSA)
    assert count_checks(sessions) == 3
    with acting("ana"):
        room.check_risk(1)
    assert len(asked) == 2  # later is another question


@pytest.mark.usefixtures("people")
def test_who_waits_for_a_leader_that_fails_is_told_at_once(room: Any, at: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        at(f"http://127.0.0.1:{silent.getsockname()[1]}/risk-central", 0.5)
        clients = [Bureau(), Bureau()]

        def check(number: int) -> Any:
            room.bureau = clients[number]
            with acting("ana"):
                return room.check_risk(1)

        begun = real_time.monotonic()
        looks = [eventlet.spawn(check, number) for number in range(2)]
        assert {look.wait().state for look in looks} == {RiskState.UNAVAILABLE}
        assert real_time.monotonic() - begun < 1.5


def test_without_redis_each_asks_for_itself() -> None:
    flights = Flights(connect(f"redis://127.0.0.1:{free_port()}/0", 0.1, 0))
    assert flights.ask("x", 1, lambda: b"answer") == b"answer"


def test_a_leader_that_comes_late_does_not_end_the_next_ones_flight() -> None:
    redis = connect()
    name = key(f"flight:{hashlib.sha256(b'late').hexdigest()}")

    def work() -> bytes:
        wait_for(lambda: redis.get(name) is None, "the end of a question's time")
        redis.set(name, b"next")
        return b"answer"

    assert Flights(redis).ask("late", 0.05, work) == b"answer"
    assert redis.get(name) == b"next"
    redis.delete(name)


def test_only_people_on_a_call_list_are_asked_about(room: Any) -> None:
    with acting("ana"), pytest.raises(NotFound):
        room.check_risk(1)


def test_many_are_asked_about_at_once(soap: str, at: Any) -> None:
    at(soap)
    assert [report.cedula for report in Bureau().list_risks([NOBODY, ROSA])] == [ROSA]


@pytest.mark.usefixtures("campaign")
def test_a_refresh_is_handed_to_a_job(room: Any, sessions: Any) -> None:
    assert room.refresh_risks(CAMPAIGN, "ana").customers == 0
    assert outbox_of(sessions) == []
    assign(room, 3)
    assert room.refresh_risks(CAMPAIGN, "ana").customers == 3
    with pytest.raises(Conflict, match="Ya se consulta"):
        room.refresh_risks(CAMPAIGN, "ana")
    job = ("telemarketing.refresh_risks", {"arguments": [CAMPAIGN, "ana", 1, 0]})
    assert outbox_of(sessions)[1:] == [job]  # after who came to the list
