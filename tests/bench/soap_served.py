"""What knowing a client costs the bureau's server, over HTTP: the same questions, two servers.

One is the product's, asked by another system; the other answers whoever has the house's password
and counts and records nothing. One process each, in turns; processor time of the server and of
Redis a question is what bounds the throughput, and what else the machine does adds little to it.
"""

import base64
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.native import environment, servers
from infra.native.programs import product
from tests.bench.figure import Figure
from tests.make.soap_clients import told_client
from tests.soap.people import free_port, wait_for

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_JOB = "tests.bench.soap_served"
_ROUNDS, _CONNECTIONS = 24, 8
_QUESTIONS = {"soap_lookup_served": 1200, "soap_batch_served": 32}
_DOORS: list[Any] = []


def run() -> list[Figure]:
    """Microseconds of processor a question of a client, and the ratio to one that is not known."""
    with servers.running(environment.given()) as settings:
        command = [sys.executable, "-W", "ignore", "-m", _JOB]
        own = {"PREGON_SOAP_USER": "soap", "PREGON_SOAP_PASSWORD": "propia"}
        environ = {**os.environ, **settings, **own}
        done = subprocess.run(command, env=environ, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout)
    return [
        Figure(
            name, round(known, 1), "µs", round(plain / known, 3), "a server that knows no client"
        )
        for name, known, plain in found
    ]


def plain(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
    """The door without clients: as an application of a server of its own."""
    if not _DOORS:
        _DOORS.append(_plain_door())
    answer: Iterable[bytes] = _DOORS[0](environ, start)
    return answer


def _plain_door() -> Any:
    from services.risk_central import store
    from services.risk_central.door import Door
    from shared.settings import settings

    made = Door(store.connect(settings().redis_url), settings().soap_user, settings().soap_password)
    for answers in made._answers.values():
        answers.reply = _unasked(answers.reply)  # type: ignore[method-assign]
    return made


def _unasked(reply: Any) -> Any:
    return lambda body, encoding, _question: reply(body, encoding)


def _measure() -> Iterator[tuple[str, float, float]]:
    from services.risk_central import roster, store
    from shared.settings import settings
    from tests.bench import soap_clients

    redis = store.connect(settings().redis_url, 30)
    one, many = soap_clients.questions(redis)
    roster.write(redis, [told_client("sistema", **soap_clients.UNBOUNDED)])
    bodies = dict(zip(_QUESTIONS, (one, many), strict=True))
    with ExitStack() as stack:
        known = stack.enter_context(_served("services.risk_central.soap:app"))
        bare = stack.enter_context(_served(f"{_JOB}:plain"))
        for name, count in _QUESTIONS.items():
            sides = (known, "sistema:secreto"), (bare, "soap:propia")
            yield (name, *_in_turns(redis, sides, bodies[name], count))


def _in_turns(redis: Any, sides: Any, bodies: list[bytes], count: int) -> tuple[float, float]:
    from tests.bench.soap_clients import compared

    taken: list[list[float]] = [[], []]
    for turn in range(_ROUNDS * 2 + 2):
        side = (turn + turn // 2) % 2
        (port, pid), credentials = sides[side]
        before = _spent(redis, pid)
        _ask_all(port, credentials, bodies, count)
        if turn >= len(sides):  # the first of each warms up
            taken[side].append((_spent(redis, pid) - before) / count)
    return compared(*taken)


def _spent(redis: Any, pid: int) -> float:
    """Microseconds of processor: of the server's processes, all threads, and of Redis."""
    cpu = redis.info("cpu")
    own = sum(map(_of_threads, (pid, *_children(pid)))) / 1000
    return float(own + (cpu["used_cpu_user"] + cpu["used_cpu_sys"]) * 1e6)


def _of_threads(pid: int) -> int:
    told = (path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(int(line.split()[0]) for line in told)


def _children(pid: int) -> list[int]:
    return [int(item) for item in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def _served(target: str) -> Iterator[tuple[int, int]]:
    """Port and process of the product's server with one worker and this application."""
    port = free_port()
    environ = {"PREGON_SOAP_PORT": str(port)}
    (soap,) = (program.command for program in product(environ) if program.name == "soap")
    command = [*soap[:-1], "--workers", "1", target]
    name, *arguments = command
    program = Path(sys.executable).with_name(name)
    process = subprocess.Popen([program, *arguments], stdout=sys.stderr)
    try:
        wait_for(lambda: _listens(port), "the server", 40)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _ask_all(port: int, credentials: str, bodies: list[bytes], count: int) -> None:
    """So many questions over a few connections, each its share one after the other."""
    errors: list[BaseException] = []
    share = count // _CONNECTIONS
    wires = [_wire(body, credentials) for body in bodies]

    def work(number: int) -> None:
        try:
            _ask(port, [wires[(number * share + item) % len(wires)] for item in range(share)])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _wire(body: bytes, credentials: str) -> bytes:
    shown = base64.b64encode(credentials.encode()).decode()
    head = (
        "POST /risk-central HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n"
        f"Authorization: Basic {shown}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _ask(port: int, wires: list[bytes]) -> None:
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        for wire in wires:
            connection.sendall(wire)
            _read_answer(connection)


def _read_answer(connection: socket.socket) -> None:
    got = connection.recv(65536)
    while b"\r\n\r\n" not in got:
        got += connection.recv(65536)
    head, _, rest = got.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(got.decode(errors="replace"))
    left = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]) - len(rest)
    while left > 0:
        left -= len(connection.recv(1 << 20))


if __name__ == "__main__":
    print(json.dumps(list(_measure())))
