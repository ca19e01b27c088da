"""Jobs through a real worker: each comes to an end, and says so when it is a bad one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from kombu import Connection
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from shared import jobs, outbox, relay, replay
from shared.job import DELIVERY_LIMIT, MAX_LOSSES, dead_queue
from shared.outbox import job_queue_name
from shared.settings import settings
from shared.tables import OpenJob

PATIENCE = 60.0
T = TypeVar("T")


class Worker:
    """A worker with the odd jobs; `said` is what they wrote."""

    def __init__(self, folder: Path, sessions: sessionmaker[Session]) -> None:
        self._file = folder / "said"
        self._sessions = sessions
        own = {
            "ODD_JOBS": str(self._file),
            "PREGON_WORKER_ROOMS": "identity",
            "PREGON_JOB_MEMORY_MB": "1024",
        }
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "celery",
                "-A",
                "tests.jobs.kit.odd_jobs",
                "worker",
                "-n",
                f"odd-{uuid4().hex}@%h",
                "-c",
                "1",
                "--without-gossip",
                "--without-mingle",
            ],
            env=os.environ | own,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def ask(self, name: str) -> None:
        """Hand a job over as a room does, by its outbox and the relay."""
        with self._sessions.begin() as session:
            outbox.add_job(session, f"identity.{name}", 7)
        with Connection(settings().amqp_url) as broker:
            outlet = relay.Outlet("identity")
            outlet.drain(relay.Publisher(broker, jobs.app))
            outlet.close()

    @property
    def said(self) -> list[str]:
        return self._file.read_text().splitlines() if self._file.exists() else []

    def wait_for(self, word: str) -> str:
        """The first line that begins with the word."""
        return wait(lambda: next((line for line in self.said if line.split()[0] == word), None))

    def count_open(self) -> int:
        with self._sessions() as session:
            return session.execute(select(func.count()).select_from(OpenJob)).scalar_one()

    def kill(self) -> None:
        """kill -9 of the worker and its children."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()

    def stop(self) -> None:
        """In order, so that what it has done is acknowledged; how long it takes is not tested."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        self._log.close()


def wait(find: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + PATIENCE
    while (found := find()) is None:
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
    return found


@pytest.fixture
def worker(tmp_path: Path, database: Callable[[str], sessionmaker[Session]]) -> Iterator[Worker]:
    sessions = database("identity")
    with Connection(settings().amqp_url) as connection:
        for queue in jobs.app.conf.task_queues:
            queue(connection.default_channel).declare()
        for name in (job_queue_name("identity"), dead_queue().name):
            connection.default_channel.queue_purge(name)
    running = Worker(tmp_path, sessions)
    yield running
    running.stop()


def parked() -> list[dict[str, object]]:
    """Headers of what is in the dead queue."""
    with Connection(settings().amqp_url) as connection:
        found = []
        while message := connection.default_channel.basic_get(dead_queue().name, no_ack=True):
            found.append(message.headers)
        return found


def test_a_job_that_failed_once_comes_back_to_its_own_queue_and_ends(worker: Worker) -> None:
    worker.ask("fail_once")
    assert worker.wait_for("done") == "done 7"
    assert worker.said == ["tried 7", "tried 7", "done 7"]
    wait(lambda: "none open" if worker.count_open() == 0 else None)
    assert parked() == []


@pytest.mark.parametrize(
    ("name", "attempts", "reason"),
    [
        ("fail_always", 3, "Un servidor no respondió"),
        ("break_rules", 1, "Ocurrió un error interno"),
        ("kill_itself", MAX_LOSSES, "hizo caer a su proceso"),
        ("eat_memory", 1, "más memoria de la permitida"),
        ("take_for_ever", 1, "del tiempo permitido"),
    ],
    ids=["fail_always", "break_rules", "kill_itself", "eat_memory", "take_for_ever"],
)
def test_a_job_that_cannot_be_done_is_parked_and_ends_what_it_was_for(
    worker: Worker, name: str, attempts: int, reason: str
) -> None:
    worker.ask(name)
    line = worker.wait_for("failed")
    assert reason in line
    assert "secret" not in line
    assert worker.said.count("tried 7") == attempts
    assert "got" not in worker.said
    wait(lambda: "none open" if worker.count_open() == 0 else None)
    (dead,) = parked()
    assert dead["task"] == f"identity.{name}"
    assert dead["of"] == job_queue_name("identity")
    assert dead["error"]


@pytest.mark.parametrize("name", ["spill_file", "spill_row", "break_rules"])
def test_no_row_stands_in_a_workers_log_or_beside_a_parked_job(
    worker: Worker, tmp_path: Path, name: str
) -> None:
    worker.ask(name)
    assert "error interno" in worker.wait_for("failed")
    wait(lambda: "none open" if worker.count_open() == 0 else None)
    (dead,) = parked()
    log = (tmp_path / "log").read_text()
    assert "job failed" in log
    assert f"in {name}\\n" in log  # where it happened is told
    for text in (log, str(dead["error"])):
        for word in ("1710034065", "Mora", "ana@", "Muñ", "secret of"):
            assert word not in text.replace('raise KeyError(\\"secret of a person\\")', "").replace(
                'raise KeyError("secret of a person")', ""
            )


@pytest.mark.parametrize("actor", ["eso-no-es", None])
@pytest.mark.parametrize("failing", [None, "Porque sí"])
def test_a_job_for_which_nobody_vouches_is_parked_and_neither_done_nor_ended(
    worker: Worker, failing: str | None, actor: str | None
) -> None:
    headers = {"trace": {"trace_id": "x"} | ({"actor": actor} if actor else {})} | (
        {"failing": failing} if failing else {}
    )
    queue = job_queue_name("identity")
    jobs.app.send_task("identity.break_rules", args=[9], queue=queue, headers=headers)
    (dead,) = wait(lambda: parked() or None)
    assert "no viene de una parte conocida" in str(dead["error"])
    worker.ask("fail_once")
    worker.wait_for("done")
    assert worker.said == ["tried 7", "tried 7", "done 7"]
    assert parked() == []  # nothing of it came back


def test_a_parked_job_is_sent_again_and_done(worker: Worker) -> None:
    worker.ask("break_rules_once")
    worker.wait_for("failed")
    with Connection(settings().amqp_url) as connection:
        wait(lambda: "parked" if replay.replay(connection, dead_queue().name) else None)
    assert worker.wait_for("done") == "done 7"
    assert parked() == []


def test_a_job_deaf_to_its_limit_is_killed_and_ends(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.ask("hide_and_seek")
    assert "del tiempo permitido" in worker.wait_for("failed")
    assert worker.said.count("tried 7") == 1


def test_the_end_of_a_failed_job_is_tried_until_it_is_written(worker: Worker) -> None:
    worker.ask("end_badly_once")
    assert worker.wait_for("failed") == "failed"
    assert worker.said == ["ending", "ending", "failed"]


def test_a_worker_killed_with_all_its_children_leaves_its_job_to_the_next(
    worker: Worker, tmp_path: Path, database: Callable[[str], sessionmaker[Session]]
) -> None:
    worker.ask("wait_for_file")
    worker.wait_for("tried")
    worker.kill()
    (tmp_path / "go").touch()
    another = Worker(tmp_path, database("identity"))
    try:
        assert another.wait_for("done") == "done 7"
    finally:
        another.stop()


def test_a_job_that_is_delivered_again_and_again_is_parked_by_the_broker() -> None:
    name = job_queue_name("identity")
    with Connection(settings().amqp_url) as connection:
        channel = connection.default_channel
        for queue in (jobs.job_queue(name), dead_queue()):
            queue(channel).declare()
            channel.queue_purge(queue.name)
        connection.Producer().publish({"a": 1}, routing_key=name, serializer="json")
        deliveries = 0
        while message := wait_for_message(channel, name):
            deliveries += 1
            channel.basic_reject(message.delivery_tag, requeue=True)
    assert deliveries == DELIVERY_LIMIT + 1
    assert len(parked()) == 1


def wait_for_message(channel: Any, name: str) -> Any:
    """The next message, None when none comes within a moment."""
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        if message := channel.basic_get(name):
            return message
    return None
