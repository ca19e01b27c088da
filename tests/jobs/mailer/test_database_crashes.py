"""PostgreSQL itself is killed under senders at work: what is lost, what is doubtful, what is not.

The promise: a sender that lives knows all it did; with it killed too, at most `REACH` people per
open connection are doubtful; nobody is mailed twice, ever.
"""

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import sessionmaker

from services.mailer import builtin
from services.mailer.sending import REACH
from shared import db, migrate
from shared.contracts.mailer import MailingState
from shared.settings import settings
from tests.jobs.mailer import own_postgres
from tests.jobs.mailer.conftest import Mailer, Post, people
from tests.jobs.mailer.own_postgres import OwnPostgres
from tests.jobs.mailer.test_crashes import start_sender

PEOPLE = 500
SENDERS = 2
Until = Callable[[Callable[[], Any]], Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgres]:
    with own_postgres.running(tmp_path_factory.mktemp("own")) as started:
        yield started


@pytest.fixture
def own(server: OwnPostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailer]:
    """The room on that server, emptied."""
    monkeypatch.setattr(settings(), "database_url", server.url)
    before = dict(db._of_jobs)
    db._of_jobs.clear()
    migrate.make_database("mailer")
    migrate.migrate("mailer")
    engine = db.make_engine("mailer")
    mailer = Mailer(sessionmaker(engine))
    mailer.execute("TRUNCATE design, mailing, recipient, mailing_count, sender, witness")
    mailer.execute("TRUNCATE outbox, open_job, contact, transfer, transfer_chunk")
    with mailer.sessions.begin() as session:
        builtin.seed(session)
    yield mailer
    engine.dispose()
    for maker in db._of_jobs.values():
        maker.kw["bind"].dispose()
    db._of_jobs.clear()
    db._of_jobs.update(before)


def begin(own: Mailer, post: Post, until: Until, mails: int) -> tuple[int, list[Any]]:
    """A run with senders at work that have sent so many mails."""
    run = own.create(people(PEOPLE))
    own.drain(but=("mailer.send_batch",))
    senders = [start_sender(run) for _ in range(SENDERS)]
    until(lambda: len(post.got) >= mails)
    return run, senders


def finish(own: Mailer, run: int) -> None:
    """The sweeper finds the dead, and the rest is sent."""
    own.execute("UPDATE sender SET alive_until = now() - interval '1 second'")
    own.wait()


def check(own: Mailer, post: Post, run: int, *, doubtful: int) -> None:
    shown = own.shown(run)
    arrived = Counter(post.addresses)
    rows = own.rows(run).values()
    assert max(arrived.values()) == 1
    assert shown.state is MailingState.FINISHED
    assert shown.doubtful <= doubtful
    assert shown.sent + shown.doubtful == PEOPLE
    assert {row.email for row in rows if row.state == "sent"} <= set(arrived)


@pytest.mark.parametrize("mails", [37, 210])
def test_senders_and_server_killed_together_leave_few_in_doubt(
    own: Mailer, server: OwnPostgres, post: Post, until: Until, mails: int
) -> None:
    run, senders = begin(own, post, until, mails)
    kill_all(senders)
    server.kill()
    server.start()
    finish(own, run)
    check(own, post, run, doubtful=SENDERS * REACH)


def test_a_server_that_lost_a_backend_is_no_surer(
    own: Mailer, server: OwnPostgres, post: Post, until: Until
) -> None:
    run, senders = begin(own, post, until, 150)
    with own.sessions() as session:
        pids = [
            row.pid
            for row in session.connection().exec_driver_sql(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"
            )
        ]
    kill_all(senders)
    server.kill_backends(pids)
    until(lambda: has_crashed(own))
    finish(own, run)
    check(own, post, run, doubtful=SENDERS * REACH)


def test_senders_that_live_know_what_a_killed_server_forgot(
    own: Mailer, server: OwnPostgres, post: Post, until: Until
) -> None:
    run, senders = begin(own, post, until, 150)
    server.kill()
    server.start()
    for sender in senders:
        sender.wait(60)
    own.wait()
    check(own, post, run, doubtful=0)


def test_senders_killed_alone_leave_one_in_doubt_for_each_line(
    own: Mailer, post: Post, until: Until
) -> None:
    run, senders = begin(own, post, until, 150)
    kill_all(senders)
    finish(own, run)
    check(own, post, run, doubtful=SENDERS)


def kill_all(senders: list[subprocess.Popen[bytes]]) -> None:
    for sender in senders:
        os.kill(sender.pid, signal.SIGKILL)
    for sender in senders:
        sender.wait()


def has_crashed(own: Mailer) -> bool:
    """The server is there again, and what it keeps in memory alone is gone."""
    try:
        with own.sessions() as session:
            return bool(session.execute(text("SELECT count(*) FROM witness")).scalar_one() == 0)
    except OperationalError:
        return False
