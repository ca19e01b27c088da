"""Bringing the whole product up and down."""

import os
import sys
import time
from collections.abc import Mapping

from infra.accounts import make
from infra.accounts.rotate import Rotation
from infra.native import credentials, environment, health, programs, screen, servers, signing_keys
from infra.native.errors import StackError
from infra.native.processes import end, survivors
from infra.native.run import ROOT, Run
from infra.native.supervisor import PRODUCT, Supervisor

_PRODUCT_SECONDS = 180
_STUCK_SECONDS = 30
_POLL_SECONDS = 0.5
DEMO_CALLING_HOURS = "00:00-24:00"  # a demo is shown at any hour, and calls nobody


def up(run: Run) -> None:
    """Start what does not run yet and wait until all is healthy. Raises StackError."""
    run.make()
    with run.locked():
        supervisor = Supervisor(run)
        if supervisor.pid is not None:
            _complete(run, supervisor)
        else:
            _start(run)
    print(screen.where(environment.read(run), credentials.read(run)))


def down(run: Run) -> None:
    """Stop everything that `up` started, whatever became of it, and nothing else."""
    if not run.path.exists():
        print("Nothing to stop.")
        return
    with run.locked():
        supervisor = Supervisor(run)
        orphaned = supervisor.pid is None
        ended = servers.stop(run, supervisor)
    if orphaned and ended:
        print(f"Ended {len(ended)} processes that a killed supervisor left.")
    print("Stopped.")


def rotate(run: Run) -> None:
    """Give every process a new user at the servers, one after the other. Raises StackError."""
    with run.locked():
        supervisor, environ = Supervisor(run), environment.read(run)
        if supervisor.pid is None:
            raise StackError("Not running: `make up` starts it, and then this can be done.")
        rotation = Rotation(run, environ, programs.accounts(environ))
        with screen.step("next accounts"):
            environ = rotation.begin()
        for program in programs.product(environ):
            with screen.step(program.name):
                supervisor.restart(f"{PRODUCT}:{program.name}")
                _wait_healthy(run, supervisor, environ)
        with screen.step("former accounts"):
            rotation.end()


def status(run: Run) -> bool:
    """Print a line per part; whether all are healthy."""
    supervisor = Supervisor(run)
    if not run.path.exists() or supervisor.pid is None:
        print("Not running. `make up` starts it.")
        return False
    found = health.parts(supervisor, environment.read(run))
    for name, state in found.items():
        print(f"{name:36} {state}")
    for server, why in make.shared(run).items():
        print(f"{'accounts of ' + server:36} one for all processes: {why}")
    return set(found.values()) == {"ok"}


def _start(run: Run) -> None:
    """Start from nothing; what was started is stopped again when that fails."""
    _end_survivors(run)
    run.generated.forget_taken_ports()
    given = environment.given()
    environ = environment.compute(run, given, servers.urls(run, given))
    if environ.get("PREGON_DEMO") != "0":
        environ.setdefault("PREGON_CALLING_HOURS", DEMO_CALLING_HOURS)
    environment.check_doors(environ)
    supervisor = Supervisor(run)
    supervisor.write(
        [server.prepare(run) for server in servers.private(given)], programs.product(environ)
    )
    environment.write(run, environ)
    credentials.write(run, environ)
    supervisor.start(signing_keys.without(environ))
    try:
        _complete(run, supervisor)
    except BaseException:
        servers.stop(run, supervisor)
        raise


def _complete(run: Run, supervisor: Supervisor) -> None:
    """Start the missing parts of a stack whose supervisor lives."""
    environ = environment.read(run)
    _say_what_waits(environ)
    with screen.step("servers"):
        servers.start(run, supervisor, environ)
    missing = [name for name, state in _product(supervisor).items() if state != "RUNNING"]
    if missing:
        with screen.step("accounts"):
            make.make(run, environ, programs.accounts(environ))
        _run_module("databases", environ, "shared.migrate")
        supervisor.run(missing)
    with screen.step("processes healthy"):
        _wait_healthy(run, supervisor, environ)
    _seed(run, environ)


def _end_survivors(run: Run) -> None:
    if left := survivors(run.path):
        with screen.step(f"ending {len(left)} processes of a killed supervisor"):
            end(left)


def _say_what_waits(environ: Mapping[str, str]) -> None:
    """Settings cannot change under a running stack: name those that differ."""
    changed = [
        name
        for name, value in environment.given().items()
        if environ.get(name) != value and value not in environment.FREE and name != "PREGON_RUN_DIR"
    ]
    if changed:
        print(f"Takes effect after `make down`: {', '.join(sorted(changed))}")


def _product(supervisor: Supervisor) -> dict[str, str]:
    return {
        name: state for name, state in supervisor.states().items() if name.startswith(f"{PRODUCT}:")
    }


def _run_module(step: str, environ: Mapping[str, str], module: str, *arguments: str) -> None:
    quiet = {"PREGON_LOG_LEVEL": "WARNING", "PYTHONWARNINGS": "ignore"}  # it is the user's screen
    command = [sys.executable, "-m", module, *arguments]
    screen.run(step, command, {**os.environ, **environ, **quiet}, ROOT)


def _wait_healthy(run: Run, supervisor: Supervisor, environ: Mapping[str, str]) -> None:
    """Wait for all parts. Raises StackError when a process keeps dying or the time is over."""
    started = time.monotonic()
    while bad := _unhealthy(supervisor, environ):
        waited = time.monotonic() - started
        _check_dying(run, bad, patience_over=waited > _STUCK_SECONDS)
        if waited > _PRODUCT_SECONDS:
            reasons = "\n".join(f"  {name}: {state}" for name, state in bad.items())
            raise StackError(f"Not healthy after {waited:.0f} s:\n{reasons}\nLogs: {run.log}")
        time.sleep(_POLL_SECONDS)


def _check_dying(run: Run, bad: Mapping[str, str], *, patience_over: bool) -> None:
    """Raise StackError with the log of a process that dies as often as it is started."""
    hopeless = {"fatal", "backoff"} if patience_over else {"fatal"}
    for name, state in bad.items():
        if state in hopeless:
            raise StackError(f"{name} does not start.\n{_last_lines(run, name)}")


def _unhealthy(supervisor: Supervisor, environ: Mapping[str, str]) -> dict[str, str]:
    """What is not ready; the cheap questions first, the dear ones when those are answered."""
    found = _bad(health.processes(supervisor)) or _bad(health.doors(environ))
    return found or _bad(health.rooms(environ))


def _bad(states: Mapping[str, str]) -> dict[str, str]:
    return {name: state for name, state in states.items() if state != "ok"}


def _seed(run: Run, environ: Mapping[str, str]) -> None:
    """Fill the empty product, once in the life of a run directory."""
    seeded = run.path / "seeded"
    if seeded.exists():
        return
    empty = ("--empty",) if environ.get("PREGON_DEMO") == "0" else ()
    _run_module(
        "first data", {**environ, **signing_keys.of_gateway(environ)}, "infra.demo.seed", *empty
    )
    seeded.touch()


def _last_lines(run: Run, name: str) -> str:
    log = run.log / f"{name}.log"
    lines = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
    return "\n".join([f"The end of {log}:", *lines])
