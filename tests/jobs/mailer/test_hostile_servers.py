"""Mail servers that misbehave: nothing hangs or breaks, and only what was in flight is in doubt."""

import threading
import time
from datetime import timedelta

import pytest

from services.mailer import jobs
from services.mailer.smtp import BarredError, Fate, Line
from shared.contracts.mailer import MailingState
from shared.settings import settings
from tests.hostile import smtp_servers
from tests.hostile.smtp_servers import Way
from tests.jobs.mailer.conftest import Mailer, people

WAYS = list(smtp_servers.ways())
STEP = 0.6  # seconds for each step here
STEPS = 8  # at most of one mail, saying goodbye included
BIG = b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n"
SOME = {
    "no greeting",
    "drops after EHLO",
    "drops in DATA",
    "421 at rcpt",
    "4xx at content",
    "5xx at rcpt",
    "endless answer at content",
    "1 MB line at mail",
    "stalls at content",
    "garbage at content",
    "wrong code at data",
    "greylists",
    "takes and closes",
    "STARTTLS goes on in the open",
}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No step takes longer than a test has time for."""
    for step in ("connect", "command", "data", "block", "end"):
        monkeypatch.setattr(settings(), f"smtp_{step}_seconds", STEP)
    monkeypatch.setattr("services.mailer.wire.GOODBYE_SECONDS", STEP)


def lead_to(monkeypatch: pytest.MonkeyPatch, way: Way, port: int) -> None:
    scheme = "smtp+starttls" if way.starttls else "smtp"
    monkeypatch.setattr(settings(), "smtp_url", f"{scheme}://127.0.0.1:{port}")


def hand_over() -> Fate | None:
    """What becomes of one mail; None when there was not even a line."""
    try:
        line = Line()
    except (OSError, BarredError):
        return None
    answer = line.send("a@pregon.example", "b@correo.example", BIG * 60_000)
    line.close()
    assert "\x00" not in answer.text
    assert answer.text.isprintable()
    return answer.fate


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_line_to_any_server_ends_in_time_and_doubts_only_what_was_in_flight(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = time.monotonic()
    with smtp_servers.running(way) as (server, port):
        lead_to(monkeypatch, way, port)
        fate = hand_over()
    assert time.monotonic() - started < STEPS * STEP + 3
    assert (fate is Fate.ACCEPTED) is (server.taken == 1 and not way.doubtful)
    if not way.doubtful:
        assert fate is not Fate.UNKNOWN


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("way", [way for way in WAYS if way.name in SOME], ids=lambda way: way.name)
def test_a_run_to_any_server_waits_or_ends_and_nobody_is_mailed_twice(
    way: Way, mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with smtp_servers.running(way) as (server, port):
        lead_to(monkeypatch, way, port)
        run = mailer.create(people(3))
        mailer.drain()
        for _ in range(3):
            mailer.wait()
        shown = mailer.shown(run)
    assert shown.state in (MailingState.SENDING, MailingState.PAUSED, MailingState.FINISHED)
    assert shown.sending == 0
    assert server.taken in (shown.sent, shown.doubtful)
    assert bool(shown.doubtful) is way.doubtful or not shown.doubtful
    assert shown.error or shown.state is MailingState.FINISHED
    if shown.error:
        assert "Errno" not in shown.error


@pytest.mark.usefixtures("quick")
def test_a_sender_that_waits_for_its_server_is_not_given_up_for_dead(
    mailer: Mailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server takes longer than the lease; the sweeper looks all the time."""
    monkeypatch.setattr(settings(), "smtp_end_seconds", 30.0)
    monkeypatch.setattr("services.mailer.senders.BEAT_SECONDS", 0.2)
    for module in ("senders", "sending"):
        monkeypatch.setattr(f"services.mailer.{module}.LEASE", timedelta(seconds=1))
    over = threading.Event()

    def slow(line: object, server: smtp_servers.Server) -> bool:
        over.wait(3)
        return smtp_servers.say(smtp_servers.USUAL[smtp_servers.CONTENT])(line, server)  # type: ignore[arg-type]

    with smtp_servers.running(Way("slow", {smtp_servers.CONTENT: slow})) as (_, port):
        lead_to(monkeypatch, Way("slow", {}), port)
        run = mailer.create(people(1))
        mailer.drain(but=("mailer.send_batch",))
        sender = threading.Thread(target=jobs.send_batch.run, args=(run,))
        sender.start()
        while sender.is_alive():
            jobs.sweep.run()
            sender.join(0.1)
    shown = mailer.shown(run)
    assert (shown.sent, shown.doubtful) == (1, 0)
