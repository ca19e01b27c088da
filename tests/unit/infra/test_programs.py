"""The table of processes and the supervisor's configuration made of it."""

import configparser
from pathlib import Path

from infra.native import programs
from infra.native.run import Run
from infra.native.supervisor import Supervisor


def test_rooms_joined_by_plus_share_a_process() -> None:
    table = {item.name: item for item in programs.product({"PREGON_ROOM_GROUPS": "a b+c"})}
    assert table["room-a"].command[-1:] == ("a",)
    assert table["room-b-c"].command[-2:] == ("b", "c")
    assert not [name for name in table if name.startswith("room-") and "mailer" in name]


def test_worker_serves_the_rooms_of_its_group() -> None:
    table = {item.name: item for item in programs.product({"PREGON_WORKER_GROUPS": "a+b:3"})}
    worker = table["worker-a-b"]
    assert "-c 3 " in worker.command[-1]
    assert worker.environment == {"PREGON_WORKER_ROOMS": "a b"}
    assert (worker.stop_seconds, worker.kill_group) == (60, True)


def test_configuration_keeps_percent_signs_quotes_and_order(tmp_path: Path) -> None:
    run = Run(tmp_path)
    server = programs.Program("redis", ("redis-server",))
    worker = programs.Program("worker", ("sh", "-c", "echo 'a b' x@%h"), {"A": "50%"})
    Supervisor(run).write([server], [worker])
    file = tmp_path / "supervisord.conf"
    parsed = configparser.ConfigParser(interpolation=configparser.BasicInterpolation())
    parsed.read(file)
    assert file.stat().st_mode & 0o077 == 0
    assert parsed["program:worker"]["command"] == """sh -c 'echo '"'"'a b'"'"' x@%h'"""
    assert parsed["program:worker"]["environment"] == 'A="50%"'
    assert parsed.getint("group:servers", "priority") < parsed.getint("group:product", "priority")
