"""What `make` says on machines that lack something, tried with stand-ins for their commands."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.native.run import ROOT

TOOLS = (
    "sh",
    "cat",
    "chmod",
    "env",
    "grep",
    "head",
    "mktemp",
    "date",
    "printenv",
    "readlink",
    "rm",
    "tee",
)
PYTHON = "python3.11"
REAL_PYTHON = f"{sys.base_prefix}/bin/{PYTHON}"
SERVERS = {
    "PREGON_AMQP_URL": "pyamqp://broker",
    "PREGON_REDIS_URL": "redis://redis",
    "PREGON_DATABASE_URL": "postgresql://database",
}


class Machine:
    """A machine made of stand-ins: only these commands are on its PATH."""

    def __init__(self, folder: Path) -> None:
        self.root, self.programs = folder / "root", folder / "bin"
        for made in (self.programs, self.root / "etc", self.root / "usr/sbin", folder / "home"):
            made.mkdir(parents=True)
        for tool in TOOLS:
            (self.programs / tool).symlink_to(str(shutil.which(tool)))
        self.home = folder / "home"
        self.command("uname", "echo Linux")
        self.command("id", "echo 1000")

    def is_called(self, name: str) -> None:
        """The distribution's name."""
        (self.root / "etc/os-release").write_text(f'PRETTY_NAME="{name}"\n')

    def command(self, name: str, script: str) -> None:
        """Put a program on the PATH."""
        file = self.programs / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def has_apt(self, *packages: str) -> None:
        """Give it an apt-get that knows these packages, and notes what it is asked to install."""
        self.command(
            "apt-cache", f'case " {" ".join(packages)} " in *" $2 "*) echo "$2 | 1" ;; esac'
        )
        self.command(
            "apt-get",
            'for word; do last=$word; done; [ "$last" = update ] && exit 0\n'
            f'echo "$@" >> {self.root}/installed\n'
            f"[ ! -e {self.root}/usr/sbin/policy-rc.d ] || echo held >> {self.root}/installed\n",
        )

    def run(self, script: str = "packages.sh", *arguments: str, **given: str) -> tuple[int, str]:
        """Exit code and everything said by a script of infra/native."""
        done = subprocess.run(
            [self.programs / "sh", f"infra/native/{script}", *arguments],
            env={
                "PATH": str(self.programs),
                "HOME": str(self.home),
                "SYSTEM_ROOT": str(self.root),
                **given,
            },
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    @property
    def installed(self) -> str:
        """What its apt-get was asked for."""
        file = self.root / "installed"
        return file.read_text() if file.exists() else ""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def as_root(machine: Machine) -> None:
    machine.command("id", "echo 0")


def test_on_debian_root_gets_what_is_missing_and_nothing_is_started(machine: Machine) -> None:
    as_root(machine)
    machine.has_apt("python3.11", "python3.11-venv", "rabbitmq-server", "postgresql")
    machine.command("redis-server", "exit 0")
    code, said = machine.run()
    assert code == 0, said
    packages = "python3.11 python3.11-venv rabbitmq-server postgresql"
    assert f"install -y --no-install-recommends {packages}" in machine.installed
    assert "held" in machine.installed
    assert not (machine.root / "usr/sbin/policy-rc.d").exists()
    assert len(said.splitlines()) == 2


def test_without_rights_the_line_for_whoever_has_them_is_named(machine: Machine) -> None:
    machine.has_apt("python3.11", "python3.11-venv")
    machine.command("sudo", "exit 1")
    code, said = machine.run(**SERVERS)
    assert code == 1
    assert "sudo apt-get install -y --no-install-recommends python3.11 python3.11-venv" in said
    assert "docker compose up" in said
    assert "uv python install 3.11" in said
    assert machine.installed == ""


def test_ubuntu_without_python_3_11_names_both_ways_and_installs_nothing(
    machine: Machine,
) -> None:
    as_root(machine)
    machine.is_called("Ubuntu 24.04.1 LTS")
    machine.has_apt("rabbitmq-server", "redis-server", "postgresql")
    machine.command("python3", "echo 3.12")
    code, said = machine.run()
    assert code == 1
    assert "Ubuntu 24.04.1 LTS" in said
    assert "apt-get has here no python3.11 python3.11-venv" in said
    assert "docker compose up" in said
    for way in ("uv python install 3.11", *SERVERS):
        assert way in said
    assert machine.installed == ""


def test_fedora_is_told_what_to_give(machine: Machine) -> None:
    as_root(machine)
    machine.is_called("Fedora Linux 42")
    code, said = machine.run(PREGON_REDIS_URL="redis://here")
    assert code == 1
    assert "Fedora Linux 42" in said
    assert "no apt-get" in said
    assert "PREGON_DATABASE_URL=" in said
    assert "PREGON_REDIS_URL=" not in said


def test_macos_is_told_that_it_runs_on_linux(machine: Machine) -> None:
    machine.command("uname", "echo Darwin")
    code, said = machine.run(**SERVERS)
    assert code == 1
    assert "docker compose up" in said
    assert "Darwin" in said


def test_python_that_uv_keeps_is_found(machine: Machine) -> None:
    kept = machine.home / "kept"
    kept.symlink_to(REAL_PYTHON)
    machine.command("uv", f'[ "$*" = "python find 3.11" ] && echo {kept}')
    code, said = machine.run("python.sh")
    assert (code, said.strip()) == (0, str(kept))
    assert machine.run(**SERVERS) == (0, "")


def test_python_without_venv_does_not_count(machine: Machine) -> None:
    machine.command(PYTHON, "exit 1")
    assert machine.run("python.sh")[0] == 1


@pytest.mark.parametrize("stub", ["exec /snap/bin/chromium", "echo 'snap install chromium'"])
def test_browser_that_only_leads_to_a_snap_does_not_count(machine: Machine, stub: str) -> None:
    machine.command("chromium-browser", stub)
    assert machine.run("chromium.sh") == (1, "")
    (machine.programs / "chromium-browser").unlink()
    machine.command("chromium", 'exec /usr/lib/chromium/chromium "$@"')
    assert machine.run("chromium.sh")[0] == 0


def test_link_to_snap_is_no_browser_and_another_can_be_named(machine: Machine) -> None:
    machine.command("snap", "exit 0")
    (machine.programs / "chromium").symlink_to(machine.programs / "snap")
    machine.command(PYTHON, f'exec {REAL_PYTHON} "$@"')
    code, said = machine.run("packages.sh", "chromium", **SERVERS)
    assert code == 1
    assert "PREGON_CHROMIUM=" in said
    machine.command("chrome", "exit 0")
    own = {"PREGON_CHROMIUM": str(machine.programs / "chrome")}
    assert machine.run("packages.sh", "chromium", **SERVERS, **own) == (0, "")


def test_failed_step_says_everything_and_how_it_ended(tmp_path: Path) -> None:
    script = "echo first; echo second >&2; exit 7"
    done = subprocess.run(
        ["infra/native/step.sh", "work", "sh", "-c", script],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 7
    assert done.stdout.startswith("… work")
    assert done.stderr == "first\nsecond\n"
    assert not list(tmp_path.iterdir())
