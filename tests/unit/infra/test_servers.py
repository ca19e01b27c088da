"""The private servers for real: they come back when killed, and leave nothing when stopped."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.native import environment, mail, servers, stack
from infra.native.errors import StackError
from infra.native.processes import SERVER_SECONDS, survivors, wait_until
from infra.native.run import Run
from infra.native.supervisor import Supervisor


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    made = Run(tmp_path_factory.mktemp("run"), durable=False)
    made.make()
    yield made
    servers.stop(made, Supervisor(made))


@pytest.fixture
def settings(run: Run) -> dict[str, str]:
    """Settings of servers that are up, whatever the test before did to them."""
    supervisor = Supervisor(run)
    environ = environment.compute(run, {}, servers.urls(run, {}))
    if supervisor.pid is None:
        supervisor.write([server.prepare(run) for server in servers.private({})], [])
        supervisor.start(environ)
    servers.start(run, supervisor, environ)
    return environ


def process(run: Run, name: str) -> int | None:
    return min((pid for pid in survivors(run.path) if name_of(pid) == name), default=None)


def name_of(pid: int) -> str:
    """The process's name; empty for one that ended since it was listed."""
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.mark.parametrize("name", ["redis-server\n", "postgres\n", "beam.smp\n"])
def test_killed_server_comes_back(run: Run, settings: dict[str, str], name: str) -> None:
    killed = process(run, name)
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert wait_until(lambda: process(run, name) not in {None, killed}, 20)
    servers.wait(run, settings)


def test_down_ends_what_a_killed_supervisor_left(run: Run, settings: dict[str, str]) -> None:
    os.kill(Supervisor(run).pid or 0, signal.SIGKILL)
    assert wait_until(lambda: Supervisor(run).pid is None, 10)
    assert len(survivors(run.path)) > 4
    assert servers.state(servers.ALL[0], settings) == "ok"
    started = time.monotonic()
    stack.down(run)
    assert survivors(run.path) == []
    assert time.monotonic() - started < SERVER_SECONDS


def test_a_wrong_url_is_named_at_once(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.make()
    supervisor = Supervisor(run)
    supervisor.write([mail.prepare(run)], [])
    nowhere = {server.setting: "redis://127.0.0.1:1/0" for server in servers.ALL}
    supervisor.start({})
    try:
        with pytest.raises(StackError, match="PREGON_AMQP_URL leads to no server"):
            servers.start(run, supervisor, nowhere)
    finally:
        servers.stop(run, supervisor)


def test_second_up_at_the_same_time_is_refused(run: Run) -> None:
    with run.locked(), pytest.raises(StackError, match="at work"), run.locked():
        pass
