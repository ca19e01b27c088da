"""Mail servers that fail: one wait, a few attempts, nobody starved, and a person told."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text

from services.mailer import jobs, mailings, rules, servers
from services.mailer.models import MailServer
from services.mailer.rules import ATTEMPTS, REFUSED_IN_A_ROW, UNKNOWN_IN_A_ROW
from shared import clock
from shared.contracts.mailer import Mailing, MailingState
from shared.settings import settings
from tests.jobs.mailer import odd_server
from tests.jobs.mailer.conftest import Mailer, people
from tests.jobs.mailer.odd_server import (
    AUTH,
    CONTENT,
    DATA,
    EHLO,
    GREETING,
    HANG_UP,
    MAIL,
    RCPT,
    STALL,
    OddServer,
)

FIRST = "c1@correo.example"
Say = Callable[[str, str], str | None]


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Iterator[OddServer]:
    """The mail server that the settings lead to, taking everything until told otherwise."""
    server = OddServer()
    for step in ("connect", "command", "data", "block", "end"):
        monkeypatch.setattr(settings(), f"smtp_{step}_seconds", 0.5)
    with odd_server.running(server) as port:
        monkeypatch.setattr(settings(), "smtp_url", f"smtp://127.0.0.1:{port}")
        yield server


def at(stage: str, said: str, recipient: str = "") -> Say:
    """The same answer at one stage, always or to one recipient."""
    return lambda here, who: said if here == stage and recipient in ("", who) else None


def send(mailer: Mailer, count: int = 5) -> int:
    run = mailer.create(people(count))
    mailer.drain()
    return run


def reason_of(mailer: Mailer, run: int, customer_id: int = 1) -> str:
    return mailer.rows(run)[customer_id].reason or ""


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (RCPT, "421 closing"),
        (DATA, "421 closing"),
        (CONTENT, "421 closing"),
        (RCPT, HANG_UP),
        (DATA, HANG_UP),
        (RCPT, STALL),
        (DATA, STALL),
    ],
)
def test_one_recipient_at_whom_the_line_breaks_costs_a_wait_and_three_attempts(
    mailer: Mailer, odd: OddServer, stage: str, said: str, pipelining: bool
) -> None:
    odd.pipelining = pipelining
    odd.answer = at(stage, said, FIRST)
    run = send(mailer)
    row = mailer.rows(run)[1]
    assert (row.state, row.attempt) == ("pending", 1)
    assert row.retry_at is not None
    assert row.retry_at > clock.now()
    assert odd.got == []
    lines = odd.lines
    jobs.sweep.run()
    mailer.drain()
    assert odd.lines == lines  # nobody goes near it while it is left alone
    mailer.execute("UPDATE mail_server SET retry_at = now()")
    jobs.sweep.run()
    mailer.drain()
    assert sorted(odd.got) == [f"c{n}@correo.example" for n in (2, 3, 4, 5)]
    for _ in range(ATTEMPTS + 1):
        mailer.wait()
    assert odd.tried[FIRST] == ATTEMPTS
    shown = mailer.shown(run)
    assert (shown.state, shown.sent, shown.failed) == (MailingState.FINISHED, 4, 1)
    assert ("421 closing" if said.startswith("421") else "Se cortó") in reason_of(mailer, run)


@pytest.mark.parametrize(
    ("stage", "said"),
    [(MAIL, "421 closing"), (MAIL, "452 disk full"), (MAIL, HANG_UP), (MAIL, STALL)],
)
def test_a_server_that_takes_no_mail_now_is_tried_with_one_person_at_a_time(
    mailer: Mailer, odd: OddServer, stage: str, said: str
) -> None:
    odd.answer = at(stage, said)
    run = send(mailer)
    for _ in range(3):
        mailer.wait()
    rows = mailer.rows(run)
    assert [rows[n].attempt for n in range(1, 6)] == [1, 1, 1, 1, 0]
    assert odd.lines == 4
    odd.answer = lambda *_: None
    mailer.wait()
    assert mailer.shown(run).sent == 5


@pytest.mark.parametrize(
    ("stage", "said"),
    [(GREETING, "421 busy"), (GREETING, HANG_UP), (GREETING, STALL), (EHLO, "421 later")],
)
def test_a_server_that_does_not_greet_costs_nobody_an_attempt(
    mailer: Mailer, odd: OddServer, stage: str, said: str
) -> None:
    odd.answer = at(stage, said)
    run = send(mailer)
    assert odd.lines == 1  # the second sender left it alone
    shown = mailer.shown(run)
    assert (shown.state, shown.pending) == (MailingState.SENDING, 5)
    assert shown.error is not None
    assert "continúa por sí mismo" in shown.error
    assert {row.attempt for row in mailer.rows(run).values()} == {0}
    odd.answer = lambda *_: None
    mailer.wait()
    shown = mailer.shown(run)
    assert (shown.sent, shown.error) == (5, None)


def test_the_wait_grows_with_each_failure_and_ends_with_the_first_mail_taken(
    mailer: Mailer, odd: OddServer
) -> None:
    odd.answer = at(GREETING, "421 busy")
    run = send(mailer)
    waits = [wait_of(mailer)]
    for _ in range(3):
        mailer.wait()
        waits.append(wait_of(mailer))
    seconds = rules.SERVER_WAIT.total_seconds()
    assert waits == [seconds, 2 * seconds, 4 * seconds, 8 * seconds]
    odd.answer = lambda *_: None
    mailer.wait()
    assert mailer.shown(run).sent == 5
    odd.answer = at(GREETING, "421 busy")
    send(mailer)
    assert wait_of(mailer) == seconds


def test_a_failure_long_ago_is_forgotten(mailer: Mailer, odd: OddServer) -> None:
    odd.answer = at(GREETING, "421 busy")
    send(mailer)
    mailer.execute("UPDATE mail_server SET failed_at = now() - interval '61 minutes'")
    mailer.wait()
    assert wait_of(mailer) == rules.SERVER_WAIT.total_seconds()


def test_all_runs_leave_a_server_alone_together(mailer: Mailer, odd: OddServer) -> None:
    odd.answer = at(GREETING, "421 busy")
    send(mailer)
    other = send(mailer)
    assert odd.lines == 1
    error = mailer.shown(other).error
    assert error is not None
    assert "421 busy" in error
    jobs.sweep()
    with mailer.sessions() as session:
        waiting = session.execute(text("SELECT task FROM outbox WHERE task IS NOT NULL"))
        assert waiting.scalars().all() == []


def wait_of(mailer: Mailer) -> float:
    with mailer.sessions() as session:
        (server,) = session.execute(select(MailServer)).scalars().all()
        return float((server.retry_at - server.failed_at) / timedelta(seconds=1))


# --- a server that will not have us ---


def check_paused(mailer: Mailer, run: int, words: str) -> Mailing:
    """A person is told, nobody is failed, and no attempt counts."""
    shown = mailer.shown(run)
    assert (shown.state, shown.failed, shown.doubtful) == (MailingState.PAUSED, 0, 0)
    assert shown.error is not None
    assert words in shown.error
    assert {row.attempt for row in mailer.rows(run).values() if row.state == "pending"} == {0}
    return shown


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (MAIL, "530 5.7.0 Authentication required"),
        (RCPT, "530 5.7.0 Must issue a STARTTLS command first"),
        (DATA, "530 5.7.0 Authentication required"),
        (RCPT, "535 5.7.8 Authentication credentials invalid"),
        (RCPT, "454 4.7.1 Relay access denied"),
        (RCPT, "538 5.7.11 Encryption required"),
        (RCPT, "534 5.7.9 Mechanism too weak"),
        (CONTENT, "530 5.7.0 Authentication required"),
        (MAIL, "550 5.7.1 Sender rejected"),
        (MAIL, "553 5.1.8 No such sender"),
        (GREETING, "554 no service for you"),
    ],
)
def test_a_server_that_will_not_have_us_pauses_the_run_and_says_why(
    mailer: Mailer, odd: OddServer, stage: str, said: str, pipelining: bool
) -> None:
    odd.pipelining = pipelining
    odd.answer = at(stage, said)
    run = send(mailer)
    check_paused(mailer, run, said)
    assert sum(odd.tried.values()) <= 1
    odd.answer = lambda *_: None
    resume(mailer, run)
    assert sorted(odd.got) == [f"c{n}@correo.example" for n in range(1, 6)]


@pytest.mark.parametrize("said", ["535 5.7.8 no", "454 4.7.0 no", "534 5.7.9 no", "530 5.7.0 no"])
def test_a_failing_log_in_pauses_the_run(
    mailer: Mailer, odd: OddServer, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    address = settings().smtp_url.replace("smtp://", "smtp://pregon:secreto@")
    monkeypatch.setattr(settings(), "smtp_url", address)
    odd.auth = True
    odd.answer = at(AUTH, said)
    run = send(mailer)
    shown = check_paused(mailer, run, said)
    assert "secreto" not in str(shown)
    odd.answer = lambda *_: None
    resume(mailer, run)
    assert mailer.shown(run).sent == 5


@pytest.mark.parametrize("scheme", ["smtp+starttls://", "smtp://pregon:secreto@"])
def test_a_server_without_what_the_settings_want_pauses_the_run(
    mailer: Mailer, odd: OddServer, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setattr(settings(), "smtp_url", settings().smtp_url.replace("smtp://", scheme))
    run = send(mailer)
    check_paused(mailer, run, "no ofrece el cifrado o el inicio de sesión")


@pytest.mark.parametrize("said", ["550 5.7.1 Relaying denied", "554 no"])
@pytest.mark.parametrize("stage", [RCPT, CONTENT])
def test_refusals_without_end_pause_the_run_before_everybody_is_failed(
    mailer: Mailer, odd: OddServer, stage: str, said: str
) -> None:
    odd.answer = at(stage, said)
    run = send(mailer, REFUSED_IN_A_ROW + 40)
    shown = mailer.shown(run)
    assert (shown.state, shown.failed) == (MailingState.PAUSED, REFUSED_IN_A_ROW)
    assert shown.error is not None
    assert said in shown.error
    odd.answer = lambda *_: None
    resume(mailer, run)
    assert mailer.shown(run).sent == 40


def test_a_slow_server_s_refusals_add_up_over_senders(
    mailer: Mailer, odd: OddServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.mailer.sending.SLICE_SECONDS", 0.0)  # a mail a turn
    odd.answer = at(RCPT, "550 no")
    run = send(mailer, REFUSED_IN_A_ROW + 5)
    assert mailer.shown(run).failed == REFUSED_IN_A_ROW


def test_refusals_with_a_mail_taken_between_go_on(mailer: Mailer, odd: OddServer) -> None:
    good = f"c{REFUSED_IN_A_ROW}@correo.example"
    odd.answer = lambda stage, who: "550 no" if stage == RCPT and who != good else None
    run = send(mailer, 2 * REFUSED_IN_A_ROW - 1)
    shown = mailer.shown(run)
    assert (shown.state, shown.sent) == (MailingState.FINISHED, 1)


def test_some_bad_addresses_in_a_row_are_no_reason_to_stop(mailer: Mailer, odd: OddServer) -> None:
    odd.answer = at(RCPT, "550 5.1.1 no such user")
    run = send(mailer, UNKNOWN_IN_A_ROW - 1)
    shown = mailer.shown(run)
    assert (shown.state, shown.failed) == (MailingState.FINISHED, UNKNOWN_IN_A_ROW - 1)


def test_a_server_that_knows_nobody_at_all_pauses_the_run(mailer: Mailer, odd: OddServer) -> None:
    odd.answer = at(RCPT, "550 5.1.1 no such user")
    run = send(mailer, UNKNOWN_IN_A_ROW + 20)
    shown = mailer.shown(run)
    assert (shown.state, shown.failed, shown.pending) == (
        MailingState.PAUSED,
        UNKNOWN_IN_A_ROW,
        20,
    )
    assert f"rechazó {UNKNOWN_IN_A_ROW} correos seguidos" in (shown.error or "")
    assert "El servidor respondió: «550 5.1.1 no such user»." in (shown.error or "")
    odd.answer = lambda *_: None
    resume(mailer, run)
    assert mailer.shown(run).sent == 20


def test_a_person_who_is_turned_away_as_we_are_does_not_hold_the_others_up(
    mailer: Mailer, odd: OddServer
) -> None:
    odd.answer = at(RCPT, "454 4.7.1 Relay access denied", FIRST)
    run = send(mailer)
    assert mailer.shown(run).state is MailingState.PAUSED
    resume(mailer, run, wait=False)
    assert sorted(odd.got) == [f"c{n}@correo.example" for n in (2, 3, 4, 5)]


# --- what a line that breaks late leaves ---


@pytest.mark.parametrize("said", [HANG_UP, STALL, "999 what", "354 again"])
def test_no_answer_to_the_content_is_doubtful_and_never_sent_again(
    mailer: Mailer, odd: OddServer, said: str
) -> None:
    odd.answer = at(CONTENT, said, FIRST)
    run = send(mailer)
    for _ in range(3):
        mailer.wait()
    shown = mailer.shown(run)
    assert (shown.state, shown.sent, shown.doubtful) == (MailingState.FINISHED, 4, 1)
    assert odd.tried[FIRST] == 1


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_refusal_stands_though_the_line_breaks_over_it(
    mailer: Mailer, odd: OddServer, pipelining: bool
) -> None:
    odd.pipelining = pipelining
    odd.answer = lambda stage, who: (
        {RCPT: "550 5.1.1 nobody", DATA: HANG_UP}.get(stage) if who == FIRST else None
    )
    run = send(mailer)
    mailer.wait()
    assert (mailer.rows(run)[1].state, reason_of(mailer, run)) == ("failed", "550 5.1.1 nobody")
    assert mailer.shown(run).sent == 4


@pytest.mark.parametrize("claim", [2, 200])
def test_those_tried_least_come_first(
    mailer: Mailer, odd: OddServer, monkeypatch: pytest.MonkeyPatch, claim: int
) -> None:
    run = mailer.create(people(5))
    mailer.drain(but=("mailer.send_batch",))
    mailer.execute(
        "UPDATE recipient SET attempt = 1, retry_at = now() - interval '1 second'"
        " WHERE customer_id IN (1, 2)"
    )
    monkeypatch.setattr("services.mailer.sending.CLAIM_ROWS", claim)
    jobs.send_batch.run(run)
    assert odd.got == [f"c{n}@correo.example" for n in (3, 4, 5, 1, 2)]


def resume(mailer: Mailer, run: int, *, wait: bool = True) -> None:
    """As the door does."""
    mailer.execute("UPDATE mailing SET state = 'sending', refused_in_a_row = 0")
    jobs.start_sending.run(run)
    mailer.drain()
    if wait:
        mailer.wait()


def test_failures_of_senders_at_the_same_time_count_as_one(mailer: Mailer) -> None:
    def fail() -> tuple[int, datetime]:
        with mailer.sessions.begin() as session:
            server = servers.note_failure(session, "mail.example:25", "421 busy")
            return server.failures, server.retry_at

    first = fail()
    assert fail() == first == (1, first[1])
    mailer.execute("UPDATE mail_server SET retry_at = now()")
    assert fail()[0] == 2


def test_a_mail_taken_before_a_failure_does_not_end_its_wait(mailer: Mailer) -> None:
    before = clock.now()
    with mailer.sessions.begin() as session:
        servers.note_failure(session, "mail.example:25", "421 busy")
        servers.note_success(session, "mail.example:25", before)
        assert servers.find_waiting(session, "mail.example:25") is not None
        servers.note_success(session, "mail.example:25", clock.now())
        session.expire_all()
        assert servers.find_waiting(session, "mail.example:25") is None


def test_a_sender_that_hears_late_of_the_end_promises_nothing(
    mailer: Mailer, odd: OddServer
) -> None:
    odd.answer = at(GREETING, "421 busy")
    run = send(mailer)
    mailer.execute("UPDATE mailing SET state = 'cancelled', error = NULL")
    with mailer.sessions() as session:
        transfer_id = mailings.get_mailing(session, run).transfer_id
    jobs._leave_server_alone(transfer_id, "421 busy")
    assert mailer.shown(run).error is None
