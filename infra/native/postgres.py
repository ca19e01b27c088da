"""A private PostgreSQL server; as root it runs as the user `postgres`."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import psycopg2

from infra.native.errors import StackError
from infra.native.programs import Program
from infra.native.run import ROOT, Run, write_private
from shared import tls

USER = "postgres"  # Debian's package makes it; PostgreSQL refuses to run as root
_CAPABILITIES = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
_UNSAFE = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


def url(run: Run) -> str:
    """Where the private server will answer, without a database name."""
    password, port = run.generated.secret("postgres"), run.generated.port("postgres")
    return f"postgresql://pregon:{password}@127.0.0.1:{port}"


def check(url: str, ca_file: str = "") -> None:
    """Log in. Raises an error whose text says what is wrong."""
    psycopg2.connect(tls.database_url(url, "postgres", ca_file), connect_timeout=2).close()


def prepare(run: Run) -> Program:
    """Make the cluster on the first call, write its settings. Raises StackError."""
    data = run.path / "postgres"
    programs = _programs_dir()
    if not (data / "PG_VERSION").exists():
        _make_cluster(run, data, programs)
    _configure(run, data)
    command = (*_as_owner(data), str(programs / "postgres"), "-D", str(data))
    return Program("postgres", command, stop_signal="INT")


def _programs_dir() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        raise StackError(
            "PostgreSQL is not installed: apt-get install postgresql, "
            "or set PREGON_DATABASE_URL to a server."
        )
    return found[-1].parent if found else Path(str(on_path)).resolve().parent


def _version(initdb: Path) -> float:
    return float(initdb.parts[-3])


def _make_cluster(run: Run, data: Path, programs: Path) -> None:
    shutil.rmtree(data, ignore_errors=True)  # what an interrupted initdb left
    data.mkdir(mode=0o700)
    password = data.with_name("postgres.password")
    write_private(password, run.generated.secret("postgres"))
    give_to_owner(data)
    give_to_owner(password)
    arguments = ("-U", "pregon", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8")
    made = subprocess.run(
        [*_as_owner(data), programs / "initdb", "-D", data, f"--pwfile={password}", *arguments],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )
    password.unlink()
    if made.returncode:
        shutil.rmtree(data, ignore_errors=True)
        raise StackError(
            f"initdb failed:\n{made.stderr.strip()}\n"
            "Mend that, or set PREGON_DATABASE_URL to a server."
        )


def _configure(run: Run, data: Path) -> None:
    common = (ROOT / "infra/postgres/postgresql.conf").read_text()
    own = f"listen_addresses = '127.0.0.1'\nport = {run.generated.port('postgres')}\n"
    no_socket = "unix_socket_directories = ''\n"  # paths over 107 bytes refuse to start
    config = data / "postgresql.conf"
    config.write_text(common + own + no_socket + ("" if run.durable else _UNSAFE))
    give_to_owner(config)


def give_to_owner(path: Path) -> None:
    """Let the user as whom PostgreSQL runs have a file."""
    if os.geteuid() == 0:
        shutil.chown(path, USER, _owner().pw_gid)


def _owner() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        raise StackError(
            f"There is no user {USER} to run PostgreSQL as: apt-get install postgresql, "
            "or start as an ordinary user."
        ) from None


def _as_owner(data: Path) -> tuple[str, ...]:
    """The words before a command that make it run as somebody who may run PostgreSQL."""
    if os.geteuid() != 0:
        return ()
    owner = _owner()
    switch = ("setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--init-groups")
    reached = subprocess.run([*switch, "test", "-w", data], check=False, cwd="/")
    # Under directories closed to it, the server may still pass through them
    return switch if reached.returncode == 0 else (*switch, *_CAPABILITIES)
