"""Settings of a stack: what was given wins, the rest is made up once and kept."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from infra.native import credentials, environment, servers
from infra.native import run as ports
from infra.native.errors import StackError
from infra.native.run import ROOT, Run
from shared.settings import Settings


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run(tmp_path / "run")
    made.make()
    return made


def compute(run: Run, given: dict[str, str]) -> dict[str, str]:
    return environment.compute(run, given, servers.urls(run, given))


def test_nothing_given_leads_to_private_servers(run: Run) -> None:
    found = compute(run, {})
    assert found["PREGON_AMQP_URL"].startswith("pyamqp://pregon:")
    assert found["PREGON_DATABASE_URL"].startswith("postgresql://pregon:")
    assert found["PREGON_MAIL_CATCHER_DIR"] == f"{run.path}/mail"
    assert found["PREGON_PUBLIC_URL"] == "http://127.0.0.1:8000"


def test_the_product_accepts_what_is_computed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in compute(run, {"PREGON_WEB_PORT": "0"}).items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.public_url == f"http://127.0.0.1:{settings.web_port}"


def test_given_settings_win(run: Run) -> None:
    found = compute(run, {"PREGON_SMTP_URL": "smtp://mx:25", "PREGON_WEB_PORT": "9000"})
    assert found["PREGON_SMTP_URL"] == "smtp://mx:25"
    assert "PREGON_MAIL_CATCHER_DIR" not in found
    assert found["PREGON_PUBLIC_URL"] == "http://127.0.0.1:9000"


def test_secrets_and_ports_stay_the_same(run: Run) -> None:
    first = compute(run, {"PREGON_WEB_PORT": "free"})
    assert compute(Run(run.path), {"PREGON_WEB_PORT": "free"}) == first


def test_two_run_directories_share_nothing(run: Run, tmp_path: Path) -> None:
    other = Run(tmp_path / "other")
    other.make()
    one, two = compute(run, {}), compute(other, {})
    private = [*(server.setting for server in servers.ALL), "PREGON_SECRET_KEY"]
    assert all(one[name] != two[name] for name in private)


def test_written_settings_read_back_and_are_private(run: Run) -> None:
    environ = {"PREGON_MAIL_FROM": "Pregón <a@b.example> 'x'", "PREGON_DEMO": "0"}
    environment.write(run, environ)
    assert environment.read(run) == environ
    assert run.environment.stat().st_mode & 0o077 == 0


def test_settings_are_the_environments_then_those_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(
        "PREGON_WEB_PORT=1\nPREGON_SOAP_PORT=2\nAWS_DEFAULT_REGION=r\nAWS_PROFILE=p\nOTHER=o\n"
    )
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setenv("PREGON_WEB_PORT", "3")
    monkeypatch.delenv("PREGON_SOAP_PORT", raising=False)
    monkeypatch.setenv("AWS_PROFILE", "mine")
    found = environment.given()
    assert (found["PREGON_WEB_PORT"], found["PREGON_SOAP_PORT"]) == ("3", "2")
    assert (found["AWS_DEFAULT_REGION"], found["AWS_PROFILE"]) == ("r", "mine")
    assert "OTHER" not in found


def test_wrong_port_names_its_setting(run: Run) -> None:
    with pytest.raises(StackError, match="PREGON_SOAP_PORT=abc"):
        compute(run, {"PREGON_SOAP_PORT": "abc"})


def test_taken_port_names_who_has_it_and_the_way_out(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environ = compute(run, {"PREGON_WEB_PORT": str(taken.getsockname()[1])})
        with pytest.raises(StackError, match=rf"process {os.getpid()}\).*PREGON_WEB_PORT=0"):
            environment.check_doors(environ)


def test_taken_private_port_is_replaced(run: Run) -> None:
    with socket.create_server(("127.0.0.1", run.generated.port("redis"))) as taken:
        run.generated.forget_taken_ports()
        assert run.generated.port("redis") != taken.getsockname()[1]


def test_credentials_stay_and_name_the_soap_password_in_use(run: Run) -> None:
    credentials.write(run, {"PREGON_SOAP_PASSWORD": "one"})
    first = credentials.read(run)
    credentials.write(run, {"PREGON_SOAP_PASSWORD": "two"})
    second = credentials.read(run)
    assert second.pop("soap") == {"password": "two", "role": "soap"}
    assert second == {name: first[name] for name in second}
    assert second["jefe"]["role"] == "marketing_head"


def test_example_lists_every_setting() -> None:
    example = (ROOT / ".env.example").read_text()
    listed = set(re.findall(r"^# (PREGON_[A-Z_]+)=", example, re.MULTILINE))
    code = "".join(path.read_text() for path in (ROOT / "infra").glob("**/*.py"))
    own = set(re.findall(r"\"(PREGON_[A-Z_]*[A-Z])\"", code)) - {"PREGON_SUPERVISED_IN"}
    fields = {f"PREGON_{name.upper()}" for name in Settings.model_fields}
    assert fields | own <= listed | {"PREGON_WORKER_ROOMS"}


def test_example_shows_the_defaults() -> None:
    example = (ROOT / ".env.example").read_text()
    shown = dict(re.findall(r'^# PREGON_([A-Z_]+)="?([^"\n]*)"?$', example, re.MULTILINE))
    for name, field in Settings.model_fields.items():
        if not field.is_required():
            assert shown[name.upper()] == str(field.default), name


@pytest.mark.skipif(sys.platform != "linux", reason="names without a file are Linux's")
def test_a_port_that_was_found_is_nobody_elses_until_its_process_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, other = (int(ports.free_port()) for _ in range(2))
    monkeypatch.setattr(ports, "_PORTS", [first, other])
    with pytest.raises(StopIteration):  # nobody listens there, and yet they are taken
        ports.free_port()
    found = "from infra.native.run import free_port; print(free_port())"
    theirs = subprocess.check_output([sys.executable, "-c", found], text=True).strip()
    monkeypatch.setattr(ports, "_PORTS", [int(theirs)])
    assert ports.free_port() == theirs  # its process has ended
