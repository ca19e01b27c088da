"""Work on what strangers sent, in a process that may be killed: a time and a memory limit hold.

A door asks `Killable(module).run(name, …)`; the child imports the module once and runs its
functions by name. Arguments and results are JSON, errors are those of `shared.errors`. Parsers
written in C or Rust end a process by a deep or large input instead of raising; here that ends only
the child, and the next one starts at once.

Works in a room (eventlet's sockets wait for others) and anywhere else. A child that
nobody has asked for ten minutes goes by itself, and so does one whose parent is gone.
"""

import atexit
import importlib
import json
import os
import resource
import socket
import struct
import subprocess
import sys
import threading
import time
from typing import Any, NamedTuple

from shared.errors import BY_NAME, PregonError, Unavailable

SECONDS = 4.0  # within a door's deadline of 5
CPU_SECONDS = 4
MEMORY_MB = 400
CHILDREN = 2
_IDLE_SECONDS = 600.0
_START_SECONDS = 20.0  # to import, beside whatever else the machine does
_LENGTH = struct.Struct("!I")
_BUSY = "Hay muchos archivos por revisar en este momento. Intente de nuevo en un minuto."


class KilledError(Exception):
    """The work took more time or memory than it may, or brought its process down."""


class _GoneError(Exception):
    """The child went by itself before it read what was asked."""


class Killable:
    """A few child processes that run the functions of one module."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._idle: list[_Child] = []
        self._slots = threading.BoundedSemaphore(CHILDREN)
        atexit.register(self.close)

    def close(self) -> None:
        """End the children that wait."""
        while self._idle:
            self._idle.pop().kill()

    def warm_up(self) -> None:
        """Start a child now, since its imports take their time; waits for nothing."""
        if not self._idle:
            self._idle.append(_Child(self._module))

    def run(self, function: str, **arguments: Any) -> Any:
        """What the function returns. Raises KilledError, Unavailable, and what it raises itself."""
        if not self._slots.acquire(timeout=SECONDS):
            raise Unavailable(_BUSY)
        try:
            return self._run({"function": function, "arguments": arguments})
        finally:
            self._slots.release()

    def _run(self, task: dict[str, Any]) -> Any:
        while self._idle:
            try:
                return self._ask(self._idle.pop(), task)
            except _GoneError:
                continue
        return self._ask(_Child(self._module), task)

    def _ask(self, child: "_Child", task: dict[str, Any]) -> Any:
        try:
            answer = child.ask(task)
        except KilledError:
            child.kill()
            self.warm_up()
            raise
        except BaseException:
            child.kill()
            raise
        self._idle.append(child)
        return _read_answer(answer)


class _Child:
    """One process and the line to it."""

    def __init__(self, module: str) -> None:
        self._line, theirs = socket.socketpair()
        self._process = subprocess.Popen(  # noqa: S603  # our own module
            [sys.executable, "-m", "shared.killable", module, str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # it may quote what it read
        )
        theirs.close()
        self._parent = os.getpid()
        self._ready = False

    def ask(self, task: dict[str, Any]) -> dict[str, Any]:
        """Its answer. Raises KilledError, Unavailable, and _GoneError when it had ended before."""
        if self._parent != os.getpid():  # it belongs to the process that this one was forked from
            raise _GoneError
        self._wait_until_ready()
        end = time.monotonic() + SECONDS
        try:
            _send(self._line, task, end)
            return _receive(self._line, end)
        except TimeoutError:
            raise KilledError from None
        except (OSError, EOFError):
            if self._process.wait() == 0:
                raise _GoneError from None
            raise KilledError from None

    def _wait_until_ready(self) -> None:
        if self._ready:
            return
        try:
            _receive(self._line, time.monotonic() + _START_SECONDS)
        except (OSError, EOFError):
            raise Unavailable(_BUSY) from None
        self._ready = True

    def kill(self) -> None:
        """End it at once."""
        self._line.close()
        if self._parent == os.getpid():
            self._process.kill()
            self._process.wait()


class _Failure(NamedTuple):
    """An error on its way to the parent."""

    kind: str
    message: str
    fields: list[Any]


def _read_answer(answer: dict[str, Any]) -> Any:
    if "error" not in answer:
        return answer["result"]
    failure = _Failure(*answer["error"])
    if failure.kind in BY_NAME:
        raise BY_NAME[failure.kind](failure.message, failure.fields)
    if failure.kind in ("MemoryError", "RecursionError"):
        raise KilledError
    raise RuntimeError(f"{failure.kind} in a killable process at {failure.message}")


def _send(line: socket.socket, message: dict[str, Any], end: float) -> None:
    content = json.dumps(message).encode()
    line.settimeout(max(0.01, end - time.monotonic()))
    line.sendall(_LENGTH.pack(len(content)) + content)


def _receive(line: socket.socket, end: float) -> dict[str, Any]:
    (length,) = _LENGTH.unpack(_receive_bytes(line, _LENGTH.size, end))
    found: dict[str, Any] = json.loads(_receive_bytes(line, length, end))
    return found


def _receive_bytes(line: socket.socket, count: int, end: float) -> bytes:
    parts: list[bytes] = []
    while count:
        line.settimeout(max(0.01, end - time.monotonic()))
        part = line.recv(min(count, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


# --- in the child ---


def _serve(module: str, descriptor: int) -> None:
    functions = importlib.import_module(module)
    line = socket.socket(fileno=descriptor)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    memory = MEMORY_MB << 20
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    _send(line, {}, time.monotonic() + SECONDS)
    while True:
        try:
            task = _receive(line, time.monotonic() + _IDLE_SECONDS)
        except (TimeoutError, EOFError, OSError):
            return
        _allow_seconds()
        _send(line, _perform(functions, task), time.monotonic() + SECONDS)


def _allow_seconds() -> None:
    """The processor's time from now on; the wall clock is the parent's."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + CPU_SECONDS + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))


def _perform(functions: Any, task: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": getattr(functions, task["function"])(**task["arguments"])}
    except PregonError as error:
        fields = [{"field": item.field, "message": item.message} for item in error.fields]
        return {"error": _Failure(type(error).__name__, error.message, fields)}
    except Exception as error:  # the parent raises it
        return {"error": _Failure(type(error).__name__, _where(error), [])}


def _where(error: Exception) -> str:
    """File and line: the text of an error may quote what it was raised over."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
