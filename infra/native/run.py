"""The run directory (`.run`): where everything that the stack makes and remembers lies."""

import fcntl
import json
import secrets
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra.native.errors import StackError

ROOT = Path(__file__).resolve().parents[2]
NEEDED_BYTES = 500_000_000
_PORTS = range(20_000, 32_000)


class Generated:
    """Secrets and ports made once and kept in a file that only its owner reads."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._values: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}

    def secret(self, name: str) -> str:
        """The secret of this name, 43 URL-safe characters."""
        return self._values.get(f"{name}_secret") or self._keep(
            f"{name}_secret", secrets.token_urlsafe(32)
        )

    def number(self, name: str) -> int:
        """How often what has this name was made; 1 at first."""
        return int(self._values.get(f"{name}_number") or 1)

    def count_up(self, name: str) -> None:
        """It is made once more."""
        self._keep(f"{name}_number", str(self.number(name) + 1))

    def port(self, name: str) -> int:
        """The port of this name; a free one on the first call."""
        return int(self._values.get(f"{name}_port") or self._keep(f"{name}_port", free_port()))

    def forget_taken_ports(self) -> None:
        """Let go of ports that somebody else took meanwhile; call it while nothing runs."""
        for name, value in list(self._values.items()):
            if name.endswith("_port") and not is_free("127.0.0.1", int(value)):
                del self._values[name]

    def _keep(self, name: str, value: str) -> str:
        self._values[name] = value
        write_private(self._file, json.dumps(self._values, indent=1))
        return value


@dataclass(frozen=True)
class Run:
    """One run directory; stacks in different ones do not meet."""

    path: Path
    durable: bool = True  # False: PostgreSQL may lose data in a crash, for tests

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Run":
        """The one that `PREGON_RUN_DIR` names, by default `.run` in the project."""
        return cls((ROOT / (environ.get("PREGON_RUN_DIR") or ".run")).resolve())

    @cached_property
    def generated(self) -> Generated:
        """This directory's secrets and ports."""
        return Generated(self.path / "generated.json")

    @property
    def log(self) -> Path:
        """Where each process has its `<name>.log`."""
        return self.path / "log"

    @property
    def environment(self) -> Path:
        """The settings that the running stack was started with; can be sourced by a shell."""
        return self.path / "env"

    def make(self) -> None:
        """Create the directories. Raises StackError when the disk is full or not ours."""
        try:
            self.log.mkdir(parents=True, exist_ok=True)
            self.path.chmod(0o700)
        except OSError as error:
            raise StackError(
                f"Cannot write {self.path}: {error.strerror}. Remove it as the user who made it, "
                "or set PREGON_RUN_DIR to another directory."
            ) from error
        if (free := shutil.disk_usage(self.path).free) < NEEDED_BYTES:
            raise StackError(
                f"Only {free // 1_000_000} MB free at {self.path}; the servers need "
                f"{NEEDED_BYTES // 1_000_000} MB. Free some, or set PREGON_RUN_DIR elsewhere."
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second `up` or `down` of this directory out. Raises StackError."""
        with (self.path / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(
                    f"Another `make up` or `make down` is at work in {self.path}: let it end."
                ) from None
            yield


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    partial = path.with_name(f"{path.name}.part")
    partial.touch(mode=0o600)
    partial.write_text(text)
    partial.replace(path)


def free_port() -> str:
    """A port of the loopback interface that nobody listens on now.

    Below those that systems give to outgoing connections: one of these may take a port between its
    being found and its being used, and did. No other process of ours is given it while this one
    runs, whoever of them listens first.
    """
    candidates = (secrets.choice(_PORTS) for _ in range(1000))
    return str(next(port for port in candidates if is_free("127.0.0.1", port) and _hold(port)))


_held: list[socket.socket] = []


def _hold(port: int) -> bool:
    """Keep the port from other processes by a name of Linux that ends with this one, as no file."""
    if sys.platform != "linux":
        return True
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0pregon-port-{port}")
    except OSError:
        name.close()
        return False
    _held.append(name)
    return True


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
