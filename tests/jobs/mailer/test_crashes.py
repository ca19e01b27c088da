"""Senders that die, databases that go away: the counts add up and nobody is mailed twice."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from services.mailer import jobs
from shared import outbox
from shared.contracts.mailer import MailingState
from shared.settings import settings
from tests.jobs.mailer.conftest import Mailer, Once, Post, people

_SEND = "from services.mailer import jobs; jobs.send_batch.run({})"
_EXPIRE = "UPDATE sender SET alive_until = now() - interval '1 second'"


def start_sender(run: int) -> subprocess.Popen[bytes]:
    environ = os.environ | {
        "PREGON_SMTP_URL": settings().smtp_url,
        "PREGON_DATABASE_URL": settings().database_url,
    }
    return subprocess.Popen([sys.executable, "-W", "ignore", "-c", _SEND.format(run)], env=environ)


def test_a_killed_sender_leaves_one_doubtful_at_most_and_the_rest_is_sent(
    mailer: Mailer, post: Post, until: Callable[[Callable[[], Any]], Any]
) -> None:
    post.seconds = 0.02
    run = mailer.create(people(120))
    mailer.drain(but=("mailer.send_batch",))
    sender = start_sender(run)
    until(lambda: len(post.got) >= 20)
    sender.send_signal(signal.SIGKILL)
    sender.wait()
    assert mailer.shown(run).target == 120
    mailer.execute(_EXPIRE)
    jobs.sweep.run()
    mailer.drain()
    shown = mailer.shown(run)
    assert shown.state is MailingState.FINISHED
    assert shown.doubtful <= 1
    assert shown.sent + shown.doubtful == 120
    assert max(Counter(post.addresses).values()) == 1
    outcomes = [item for event in mailer.events("mailing_progressed") for item in event["outcomes"]]
    assert sorted(item["customer_id"] for item in outcomes) == list(range(1, 121))


def test_two_senders_at_once_mail_nobody_twice(mailer: Mailer, post: Post) -> None:
    run = mailer.create(people(600))
    mailer.drain(but=("mailer.send_batch",))
    senders = [start_sender(run), start_sender(run)]
    for sender in senders:
        assert sender.wait(60) == 0
    mailer.drain()
    assert Counter(post.addresses) == Counter(f"c{n}@correo.example" for n in range(1, 601))
    assert mailer.shown(run).state is MailingState.FINISHED


def test_a_living_sender_is_left_alone(mailer: Mailer, post: Post) -> None:
    run = _stage_dead_sender(mailer, alive=True)
    jobs.sweep.run()
    assert mailer.rows(run)[1].state == "sending"


def test_a_dead_senders_mail_in_flight_is_doubtful_and_its_claim_goes_back(
    mailer: Mailer, post: Post
) -> None:
    run = _stage_dead_sender(mailer)
    jobs.sweep.run()
    rows = mailer.rows(run)
    assert (rows[1].state, rows[2].state, rows[2].claimed_by) == ("doubtful", "pending", None)
    mailer.drain()
    assert sorted(post.addresses) == ["c2@correo.example", "c3@correo.example"]


def test_after_a_restart_of_the_database_nothing_of_a_dead_claim_is_sure(
    mailer: Mailer, post: Post
) -> None:
    run = _stage_dead_sender(mailer)
    mailer.execute("TRUNCATE witness")
    jobs.sweep.run()
    mailer.drain()
    shown = mailer.shown(run)
    assert (shown.doubtful, shown.sent, shown.state) == (2, 1, MailingState.FINISHED)
    assert post.addresses == ["c3@correo.example"]


def test_lost_database_connections_lose_no_outcome(mailer: Mailer, post: Post) -> None:
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    post.on_mail = Once(10, lambda: mailer.execute(cut))
    run = mailer.create(people(30))
    mailer.drain(but=("mailer.send_batch",))
    with pytest.raises(OperationalError):
        jobs.send_batch.run(run)
    shown = mailer.shown(run)
    assert (shown.sent, shown.doubtful, shown.pending) == (10, 0, 20)
    jobs.sweep.run()
    mailer.drain()
    assert Counter(post.addresses) == Counter(f"c{n}@correo.example" for n in range(1, 31))


def test_a_sender_given_up_for_dead_changes_nothing_any_more(mailer: Mailer, post: Post) -> None:
    def bury() -> None:
        mailer.execute(_EXPIRE)
        jobs.sweep.run()

    post.on_mail = Once(4, bury)
    run = mailer.create(people(8))
    mailer.drain(but=("mailer.send_batch",))
    jobs.send_batch.run(run)
    assert mailer.rows(run)[4].state == "doubtful"
    mailer.drain()
    shown = mailer.shown(run)
    assert (shown.sent, shown.doubtful) == (7, 1)
    assert max(Counter(post.addresses).values()) == 1


def _stage_dead_sender(mailer: Mailer, *, alive: bool = False) -> int:
    """Three people: one in flight, one claimed, one free; the sender is silent since."""
    run = mailer.create(people(3))
    mailer.drain(but=("mailer.send_batch",))
    mailer.execute("DELETE FROM outbox WHERE task IS NOT NULL")
    mailer.execute(
        "INSERT INTO sender (id, transfer_id, alive_until, begun)"
        " SELECT gen_random_uuid(), transfer_id, now() + :seconds * interval '1 second', '{1, 2}'"
        " FROM mailing",
        seconds=30 if alive else -1,
    )
    mailer.execute("INSERT INTO witness SELECT id FROM sender")
    mailer.execute(
        "UPDATE recipient SET claimed_by = (SELECT id FROM sender),"
        " state = CASE customer_id WHEN 1 THEN 'sending' ELSE 'pending' END WHERE customer_id < 3"
    )
    return run


def test_senders_that_wait_for_a_worker_are_not_asked_for_again(mailer: Mailer, post: Post) -> None:
    run = mailer.create(people(3))
    mailer.drain(but=("mailer.send_batch",))

    def waiting() -> int:
        with mailer.sessions() as session:
            return outbox.count_jobs(session, "mailer.send_batch")

    assert waiting() == jobs.SENDERS
    for _ in range(3):
        jobs.sweep.run()
    assert waiting() == jobs.SENDERS
    mailer.execute("DELETE FROM outbox WHERE task = 'mailer.send_batch'")  # a lost one is
    jobs.sweep.run()
    assert waiting() == jobs.SENDERS
    mailer.drain()
    assert mailer.shown(run).sent == 3
