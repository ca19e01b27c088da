"""The one supervisord of a stack: its configuration, its start and what it is told."""

import os
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from infra.accounts import make, table
from infra.native.errors import StackError
from infra.native.processes import MARK, is_alive, wait_until
from infra.native.programs import Program
from infra.native.run import ROOT, Run, write_private

SERVERS, PRODUCT = "servers", "product"
_MAIN = """\
[supervisord]
nodaemon = true
silent = true
directory = {root}
logfile = {run}/log/supervisord.log
logfile_maxbytes = 5MB
logfile_backups = 1
loglevel = info
pidfile = {run}/supervisord.pid
minfds = 1024

[inet_http_server]
port = 127.0.0.1:{port}
username = pregon
password = {password}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
_PROGRAM = """
[program:{name}]
command = {command}
environment = {environment}
autostart = false
autorestart = true
startsecs = 1
startretries = 30
stopsignal = {stop_signal}
stopwaitsecs = {stop_seconds}
killasgroup = {kill_group}
redirect_stderr = true
stdout_logfile = {run}/log/{name}.log
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 2
"""
_GROUP = """
[group:{name}]
programs = {programs}
priority = {priority}
"""


class Supervisor:
    """Speaks to the supervisord of a run directory, whether it lives or not."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._password = run.generated.secret("supervisor")
        port = run.generated.port("supervisor")
        self._url = f"http://pregon:{self._password}@127.0.0.1:{port}/RPC2"

    @property
    def pid(self) -> int | None:
        """Process id of the living supervisord, or None."""
        try:
            return int(self._call("getPID"))
        except (OSError, HTTPException, Fault):
            return None

    def write(self, servers: list[Program], product: list[Program]) -> None:
        """Write the configuration: the product is stopped first, the servers last."""
        parts = [_main(self._run, self._password)]
        parts += [_program(self._run, program) for program in (*servers, *product)]
        parts += [_group(SERVERS, servers, 100), _group(PRODUCT, product, 200)]
        write_private(self._run.path / "supervisord.conf", "".join(parts))

    def start(self, environ: Mapping[str, str], *, tied: bool = False) -> None:
        """Start supervisord, with nothing under it yet; `tied` ends it with this process."""
        tie = ("setpriv", "--pdeathsig", "TERM") if tied else ()
        config = str(self._run.path / "supervisord.conf")
        command = (*tie, sys.executable, "-m", "supervisor.supervisord", "-c", config)
        pid = _spawn(command, _environment(self._run, environ), self._run.log / "supervisord.out")
        wait_until(lambda: self.pid is not None or not is_alive(pid), 20)
        if self.pid is None:
            raise StackError(
                f"The supervisor did not start; {self._run.log}/supervisord.out says why."
            )

    def states(self) -> dict[str, str]:
        """State of each process by its name `group:name`: RUNNING, STOPPED, BACKOFF, FATAL…"""
        found = self._call("getAllProcessInfo")
        return {f"{item['group']}:{item['name']}": item["statename"] for item in found}

    def pid_of(self, name: str) -> int:
        """Process id of a part by its name `group:name`; 0 while it does not run."""
        return int(self._call("getProcessInfo", name)["pid"])

    def run(self, names: Iterable[str]) -> None:
        """Start these processes, unless they run or are about to."""
        states = self.states()
        for name in names:
            if states[name] in {"STOPPED", "EXITED", "FATAL", "UNKNOWN"}:
                self._call("startProcess", name, False)  # noqa: FBT003  # an RPC has no names

    def restart(self, name: str) -> None:
        """End a process in its own time, and start it again."""
        self._call("stopProcess", name)
        self._call("startProcess", name)

    def stop(self, seconds: float) -> None:
        """Stop everything in order and end supervisord; returns when its process is gone."""
        pid = self.pid
        if pid is not None:
            self._call("shutdown")
            wait_until(lambda: not is_alive(pid), seconds)
            with suppress(ChildProcessError):  # it may have been started by another process
                os.waitpid(pid, os.WNOHANG)

    def _call(self, method: str, *arguments: object) -> Any:
        with ServerProxy(self._url, allow_none=True) as rpc:
            return getattr(rpc.supervisor, method)(*arguments)


def _spawn(command: tuple[str, ...], environ: dict[str, str], output: Path) -> int:
    """Start a process in a session of its own that outlives this one; its id."""
    with Path(os.devnull).open("rb") as nothing, output.open("ab") as log:
        streams = ((nothing.fileno(), 0), (log.fileno(), 1), (log.fileno(), 2))
        actions = [(os.POSIX_SPAWN_DUP2, source, target) for source, target in streams]
        return os.posix_spawnp(command[0], command, environ, file_actions=actions, setsid=True)


def _environment(run: Run, environ: Mapping[str, str]) -> dict[str, str]:
    scripts = str(Path(sys.executable).parent)
    python_path = filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))
    mighty = {*table.SERVERS.values(), make.ADMIN}  # the product's processes have accounts
    inherited = {name: value for name, value in os.environ.items() if name not in mighty}
    told = {name: value for name, value in environ.items() if name not in mighty}
    return {
        **inherited,
        **told,
        MARK: str(run.path),
        "PATH": f"{scripts}:{os.environ.get('PATH', os.defpath)}",
        "PYTHONPATH": ":".join(python_path),
        "PYTHONUNBUFFERED": "1",
    }


def _main(run: Run, password: str) -> str:
    return _MAIN.format(
        root=_escape(str(ROOT)),
        run=_escape(str(run.path)),
        port=run.generated.port("supervisor"),
        password=password,
    )


def _program(run: Run, program: Program) -> str:
    environ = dict(program.environment)
    if program.account is not None:
        environ["PREGON_ACCOUNT_FILE"] = make.file_of(run, program.account.name)
    variables = (f'{name}="{_escape(value)}"' for name, value in environ.items())
    return _PROGRAM.format(
        name=program.name,
        command=_escape(shlex.join(program.command)),
        environment=",".join(variables),
        stop_signal=program.stop_signal,
        stop_seconds=program.stop_seconds,
        kill_group=str(program.kill_group).lower(),
        run=_escape(str(run.path)),
    )


def _group(name: str, programs: list[Program], priority: int) -> str:
    names = ",".join(program.name for program in programs)
    return _GROUP.format(name=name, programs=names, priority=priority) if programs else ""


def _escape(value: str) -> str:
    return re.sub("%", "%%", value)
