"""The risk check: a real SOAP call to the real server, and what happens without it."""

import os
import socket
import subprocess
import sys
import time as real_time
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from services.telemarketing import bureau as bureau_module
from services.telemarketing.bureau import Bureau
from shared.contracts.risk_central import RiskCategory
from shared.contracts.telemarketing import Offer, RiskState
from shared.errors import NotFound
from shared.settings import settings
from tests.databases import outbox_of
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
    redis_url = f"{settings().redis_url.rpartition('/')[0]}/8"
    environment = {**os.environ, "PREGON_REDIS_URL": redis_url}
    Redis.from_url(redis_url).flushdb()
    file = tmp_path_factory.mktemp("risk") / "file.csv"
    file.write_text(FILE)
    loader = [sys.executable, "-m", "services.risk_central.load", str(file)]
    subprocess.run(loader, env=environment, check=True, capture_output=True)
    port = free_port()
    server = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port)]
    process = subprocess.Popen(
        [*server, "services.risk_central.soap:app"],
        env=environment,
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
    add_people(sessions, 1, cedula=ROSA)
    add_people(sessions, 1, campaign_id=8, customer_id=2, cedula=NOBODY)


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
    assert (event["advisor"], event["purpose"], event["category"]) == ("ana", "call", "C1")


@pytest.mark.usefixtures("people")
def test_an_unknown_person_is_no_failure(room: Any, soap: str, at: Any) -> None:
    at(soap)
    with acting("ana"):
        check = room.check_risk(2)
        assert (check.state, check.report) == (RiskState.UNKNOWN, None)
        assert room.check_risk(1).state is RiskState.KNOWN


@pytest.mark.usefixtures("people")
def test_a_bureau_that_is_down_is_a_state_and_is_asked_again_after_a_pause(
    room: Any, soap: str, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(f"http://127.0.0.1:{free_port()}/risk-central")
    with acting("ana"):
        check = room.check_risk(1)
        assert check.state is RiskState.UNAVAILABLE
        assert check.offer is Offer.PREPAID_ONLY
        assert room.find_last_risk(1) is None
        at(soap)
        assert room.check_risk(1).state is RiskState.UNAVAILABLE  # the pause
        moment = real_time.monotonic() + bureau_module.PAUSE_SECONDS
        monkeypatch.setattr(real_time, "monotonic", lambda: moment)
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


@pytest.mark.usefixtures("people")
def test_wrong_credentials_are_a_bureau_that_does_not_answer(
    room: Any, soap: str, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREGON_SOAP_PASSWORD", "otra")
    at(soap)
    with acting("ana"):
        assert room.check_risk(1).state is RiskState.UNAVAILABLE


def test_only_people_on_a_call_list_are_asked_about(room: Any) -> None:
    with acting("ana"), pytest.raises(NotFound):
        room.check_risk(1)


def test_many_are_asked_about_at_once(soap: str, at: Any) -> None:
    at(soap)
    assert [report.cedula for report in Bureau().list_risks([NOBODY, ROSA])] == [ROSA]


@pytest.mark.usefixtures("campaign")
def test_a_refresh_is_handed_to_a_job(room: Any, sessions: Any) -> None:
    assert room.refresh_risks(CAMPAIGN, "ana") == 0
    assert outbox_of(sessions) == []
    assign(room, 3)
    assert room.refresh_risks(CAMPAIGN, "ana") == 3
    job = ("telemarketing.refresh_risks", {"arguments": [CAMPAIGN, "ana", 1, 0]})
    assert outbox_of(sessions) == [job]
