"""What counting and recording a question costs beside answering it, through the door itself.

The same questions with and without, in turns, in one process: time of this process and of Redis'
commands counts, as what else the machine does is not the question's.
"""

import base64
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from infra.native import environment, servers
from tests.bench.figure import Figure
from tests.make.soap_clients import told_client

_JOB = "tests.bench.soap_clients"
_ROUNDS, _ONE, _BATCH, _EACH = 120, 100, 4, 500
_PEOPLE = 5000
UNBOUNDED: dict[str, Any] = {"per_minute": 10_000_000, "per_day": 1_000_000_000, "at_once": 8}
_SCRIPTS = ("eval", "evalsha")


def run() -> list[Figure]:
    """Microseconds of a question of a client, and the ratio to the same without a measure."""
    with servers.running(environment.given()) as settings:
        command = [sys.executable, "-W", "ignore", "-m", _JOB]
        environ = {**os.environ, **settings}
        done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    found = [line.split() for line in done.stdout.splitlines()]
    return [
        Figure(name, round(float(with_it), 1), "µs", round(float(without) / float(with_it), 3), why)
        for name, with_it, without in found
        for why in ("not counted and not recorded",)
    ]


def _measure() -> Iterator[str]:
    from services.risk_central import roster, store
    from services.risk_central.door import Door
    from shared.settings import settings

    redis = store.connect(settings().redis_url, 30)
    one, many = questions(redis)
    roster.write(redis, [told_client("sistema", **UNBOUNDED)])
    door = Door(redis, "soap", "propia")
    for name, bodies in (("soap_lookup_counted", one), ("soap_batch_counted", many)):
        with_it, without = _in_turns(redis, door, bodies)
        yield f"{name} {with_it} {without}"


def questions(redis: Any) -> tuple[list[bytes], list[bytes]]:
    """Lookups and batches about people who are then in the bureau."""
    from services.risk_central.load import load_file
    from tests.soap.people import PEOPLE, cedula, csv_bytes, row

    rows = [row(f"17{number:07}", f"Persona Número {number}") for number in range(_PEOPLE)]
    load_file(redis, io.BytesIO(csv_bytes([*PEOPLE, *rows])))
    known = [cedula(f"17{number:07}") for number in range(_PEOPLE)]
    one = [_message("GetRiskByCedula", f"<cedula>{item}</cedula>") for item in known[:_ONE]]
    strings = "".join(f"<string>{item}</string>" for item in known[:_EACH])
    return one, [_message("GetRisks", f"<cedulas>{strings}</cedulas>")] * _BATCH


def _in_turns(redis: Any, door: Any, bodies: list[bytes]) -> tuple[float, float]:
    answers = door._answers["/risk-central"]
    counted = type(answers).reply.__get__(answers)

    def bare(body: bytes, encoding: str | None, _question: Any) -> Any:
        return counted(body, encoding)

    taken: list[list[float]] = [[], []]
    for turn in range(_ROUNDS * 2):
        side = (turn + turn // 2) % 2  # each goes first as often
        answers.reply = (counted, bare)[side]
        taken[side].append(_microseconds(redis, lambda: _ask_all(door, bodies)) / len(bodies))
    return compared(*taken)


def compared(known: list[float], plain: list[float]) -> tuple[float, float]:
    """The medians, the second one as its ratio to the first is in the middle of all turns.

    What else the machine does comes and goes, but is much the same for two that follow each other.
    """
    usual = median(known)
    return usual, usual * median(b / a for a, b in zip(known, plain, strict=True))


def _microseconds(redis: Any, act: Callable[[], None]) -> float:
    before, began = _spent(redis), time.process_time()
    act()
    own = (time.process_time() - began) * 1e6
    return own + _spent(redis) - before


def _spent(redis: Any) -> float:
    """By scripts, whose time is that of the commands in them, too."""
    stats = redis.info("commandstats")
    return float(sum(stats.get(f"cmdstat_{name}", {"usec": 0})["usec"] for name in _SCRIPTS))


def _ask_all(door: Any, bodies: list[bytes]) -> None:
    head = base64.b64encode(b"sistema:secreto").decode()
    for body in bodies:
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/risk-central",
            "REMOTE_ADDR": "10.0.0.1",
            "HTTP_AUTHORIZATION": f"Basic {head}",
            "CONTENT_TYPE": "text/xml",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        door(environ, _check)


def _check(status: str, _headers: Any) -> None:
    if not status.startswith("200"):
        raise RuntimeError(status)


def _message(operation: str, content: str) -> bytes:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<{operation} xmlns="urn:pregon:risk-central:v1">{content}</{operation}>'
        "</s:Body></s:Envelope>"
    ).encode()


if __name__ == "__main__":
    for line in _measure():
        print(line)
