"""Finding and ending the processes of a stack through /proc, when no supervisor can do it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

# In the environment of every supervised process, and of nothing else: the run directory.
MARK = "PREGON_SUPERVISED_IN"
# These overwrite their environment with a title, but stay in their data directory.
_TITLED = {"postgres", "redis-server"}
_POLL_SECONDS = 0.05


def survivors(run_dir: Path) -> list[int]:
    """Ids of the processes that a stack of this directory started and that still live."""
    return [pid for pid in _all_processes() if _belongs(pid, run_dir)]


def end(pids: list[int], grace_seconds: float) -> None:
    """Ask these processes to end, and kill those that did not within the grace time."""
    _signal(pids, signal.SIGTERM)
    if not wait_until(lambda: not any(map(is_alive, pids)), grace_seconds):
        _signal(pids, signal.SIGKILL)
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
    try:
        if f"{MARK}={run_dir}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            return is_alive(pid)
        return _name(pid) in _TITLED and Path(f"/proc/{pid}/cwd").readlink().is_relative_to(run_dir)
    except OSError:  # gone, or another user's
        return False


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in filter(is_alive, pids):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


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
