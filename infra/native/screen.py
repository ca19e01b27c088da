"""What the user of `make up` reads: a line per step with its time, and at the end where to go."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.native.errors import StackError

SUBSTEP = "  · "  # a command's line that starts like this is a step of its own
_WHO = {
    "jefe": "marketing head: customers, segments, campaigns, mailings, figures",
    "supervisor": "supervisor: gives customers to advisors, follows their calls",
    "asesor1": "advisor: next customer, risk check, call, calendar",
    "asesor2": "advisor",
    "asesor3": "advisor",
    "backoffice": "back office: looks up and corrects customers",
    "admin": "administrator: users, risk file, test mail, personal data",
}
Users = Mapping[str, Mapping[str, str]]


@contextmanager
def step(name: str) -> Iterator[None]:
    """A line that says what is done now, and how long it took when it is done."""
    started = _begin(name)
    try:
        yield
    except BaseException:
        print("failed", flush=True)
        raise
    _end(started)


def run(name: str, command: list[str], environ: Mapping[str, str], folder: Path) -> None:
    """Run a command as a step. Raises StackError, after all that it said, when it fails."""
    started, said = _begin(name), []
    with subprocess.Popen(
        command,
        env=dict(environ),
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        for line in process.stdout or ():
            said.append(line)
            if line.startswith(SUBSTEP):
                _end(started)
                started = _begin(line.removeprefix(SUBSTEP).strip())
    if process.returncode:
        print("failed", flush=True)
        sys.stderr.write("".join(said))
        raise StackError(f"{' '.join(command[1:])} failed: see the lines above.")
    _end(started)


def where(environ: Mapping[str, str], users: Users) -> str:
    """The last screen: what to open first and as whom, then everybody else."""
    empty = environ.get("PREGON_DEMO") == "0"
    first = "admin" if empty else "jefe"
    others = () if empty else [name for name in _WHO if name != first]
    soap = f"user {environ.get('PREGON_SOAP_USER', 'soap')}, password {users['soap']['password']}"
    return "\n".join(
        [
            "",
            f"Pregón is up. Open {environ['PREGON_PUBLIC_URL']}",
            f"and log in as {first}, password {users[first]['password']}",
            f"({_WHO[first]}).",
            "",
            *(f"  {name:11} {users[name]['password']:15} {_WHO[name]}" for name in others),
            "",
            f"Risk bureau, SOAP: {environ['PREGON_SOAP_URL']}?wsdl ({soap})",
            "`make demo` plays the main job on it. `make status`, `make logs`, `make down`.",
            "",
        ]
    )


def _begin(name: str) -> float:
    print(f"… {name:<42}", end="", flush=True)
    return time.monotonic()


def _end(started: float) -> None:
    print(f"{time.monotonic() - started:4.0f} s", flush=True)
