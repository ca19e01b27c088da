"""Jobs that go wrong in each way, and the app of a worker that knows them besides the real ones.

What they do is written to the file named by ODD_JOBS, a line each: the test reads it.
"""

import os
import signal
import time
from pathlib import Path

import psycopg2

from shared import job, jobs, waiting
from shared.worker import app

__all__ = ["app"]

ROOM = "identity"
waiting.SECONDS = (1, 2, 3)
job.WAITS = (1,)
job.END_WAIT = 1
jobs.GRACE_SECONDS = 2
WAITS = (1, 1)


def say(*words: object) -> None:
    with Path(os.environ["ODD_JOBS"]).open("a") as file:
        file.write(" ".join(str(word) for word in words) + "\n")


def times(word: str) -> int:
    file = Path(os.environ["ODD_JOBS"])
    lines = file.read_text().splitlines() if file.exists() else []
    return sum(line.split()[0] == word for line in lines)


def failed(reason: str, *args: object) -> None:
    say("failed", *args, reason)


@jobs.job(f"{ROOM}.fail_once", failed=failed, waits=WAITS)
def fail_once(number: int) -> None:
    say("tried", number)
    if times("tried") == 1:
        raise psycopg2.OperationalError("terminating connection")
    say("done", number)


@jobs.job(f"{ROOM}.fail_always", failed=failed, waits=WAITS)
def fail_always(number: int) -> None:
    say("tried", number)
    raise ConnectionError("away")


@jobs.job(f"{ROOM}.break_rules", failed=failed, waits=WAITS)
def break_rules(number: int) -> None:
    say("tried", number)
    raise KeyError("secret of a person")


@jobs.job(f"{ROOM}.spill_file", failed=failed, waits=WAITS)
def spill_file(number: int) -> None:
    """As a file of rows does that is not what its beginning promised."""
    rows = Path(__file__).with_name("rows.latin1").read_bytes()
    say("tried", number)
    try:
        rows.decode()
    except UnicodeDecodeError as error:
        raise KeyError(rows.decode("latin-1")) from error


@jobs.job(f"{ROOM}.spill_row", failed=failed, waits=WAITS)
def spill_row(number: int) -> None:
    """As a database does, which quotes the row, or the line of a COPY."""
    row = Path(__file__).with_name("rows.latin1").read_text("latin-1").splitlines()[1]
    say("tried", number)
    raise psycopg2.DataError(
        f'invalid input syntax for type date: "{row}"\nCONTEXT:  COPY person, line 2: "{row}"'
    )


@jobs.job(f"{ROOM}.break_rules_once", failed=failed, waits=WAITS)
def break_rules_once(number: int) -> None:
    say("tried", number)
    if times("tried") == 1:
        raise KeyError(number)
    say("done", number)


@jobs.job(f"{ROOM}.kill_itself", failed=failed, waits=WAITS)
def kill_itself(number: int) -> None:
    say("tried", number)
    os.kill(os.getpid(), signal.SIGKILL)


@jobs.job(f"{ROOM}.eat_memory", failed=failed, waits=WAITS)
def eat_memory(number: int) -> None:
    say("tried", number)
    say("got", len(bytearray(4 << 30)))


@jobs.job(f"{ROOM}.take_for_ever", failed=failed, waits=WAITS, seconds=1)
def take_for_ever(number: int) -> None:
    say("tried", number)
    time.sleep(600)


@jobs.job(f"{ROOM}.hide_and_seek", failed=failed, waits=WAITS, seconds=1)
def hide_and_seek(number: int) -> None:
    """Deaf to the limit that a job can feel, as C code is."""
    say("tried", number)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    time.sleep(600)


@jobs.job(f"{ROOM}.wait_for_file", failed=failed, waits=WAITS)
def wait_for_file(number: int) -> None:
    say("tried", number)
    while not Path(os.environ["ODD_JOBS"]).with_name("go").exists():
        time.sleep(0.05)
    say("done", number)


@jobs.job(f"{ROOM}.end_badly_once", failed=lambda *_: end_badly(), waits=WAITS)
def end_badly_once(number: int) -> None:
    raise KeyError(number)


def end_badly() -> None:
    say("ending")
    if times("ending") == 1:
        raise ConnectionError("away")
    say("failed")
