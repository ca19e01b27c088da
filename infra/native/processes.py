"""Finding and ending the processes of a stack through /proc, when no supervisor can do it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

# In the environment of every supervised process, and of nothing else: the run directory.
MARK = "PREGON_SUPERVISED_IN"
# These overwrite their environment with a title, but stay in their data directory.
_TITLED = {"postgres", "redis-server"}
# supervisord tells its children their group
SERVER_GROUP = b"SUPERVISOR_GROUP_NAME=servers"
PRODUCT_SECONDS = 3.0
SERVER_SECONDS = 15.0
_POLL_SECONDS = 0.05


def survivors(run_dir: Path) -> list[int]:
    """Ids of the processes that a stack of this directory started and that still live."""
    return [pid for pid in _all_processes() if _belongs(pid, run_dir)]


def end(pids: list[int]) -> None:
    """End what a killed supervisor left: the product while its servers still answer, then those.

    What has not ended in its time is killed: jobs and handlers may run twice.
    """
    servers = [pid for pid in pids if _is_server(pid)]
    _end([pid for pid in pids if pid not in servers], PRODUCT_SECONDS)
    _end(servers, SERVER_SECONDS)


def _end(pids: list[int], seconds: float) -> None:
    """Ask those whose parent is not among them, as the supervisor does: they end the others."""
    for pid in pids:
        if _parent(pid) not in pids:
            _signal(pid, signal.SIGINT if _name(pid) == "postgres" else signal.SIGTERM)
    if not wait_until(lambda: not any(map(is_alive, pids)), seconds):
        for pid in filter(is_alive, pids):
            _signal(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(is_alive, pids)), 5)


def is_alive(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def listener(port: int) -> str:
    """Who listens on a TCP port, as `name (process 123)`; empty when that is not to be seen."""
    inodes = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for pid in _all_processes():
        if inodes & set(_open_files(pid)):
            return f"{_name(pid)} (process {pid})"
    return ""


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition; False when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _all_processes() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _belongs(pid: int, run_dir: Path) -> bool:
    if f"{MARK}={run_dir}".encode() in _environment(pid):
        return is_alive(pid)
    try:
        return _name(pid) in _TITLED and Path(f"/proc/{pid}/cwd").readlink().is_relative_to(run_dir)
    except OSError:  # gone, or another user's
        return False


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _is_server(pid: int) -> bool:
    return _name(pid) in _TITLED or SERVER_GROUP in _environment(pid)


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # gone, or another user's
        return []


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not Path(table).exists():
            continue
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _open_files(pid: int) -> Iterator[str]:
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            yield str(entry.readlink())
    except OSError:
        return
