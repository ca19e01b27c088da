"""One mail handed to every server that misbehaves: it ends in time, and says what became of it.

`python -m tests.hostile.smtp_lines` does it with short waits and prints a line of JSON a server.
"""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.hostile import smtp_servers
from tests.hostile.smtp_servers import Way
from tests.hostile.tally import Tally
from tests.hostile.world import World

STEP = 0.6  # seconds for each step here
STEPS = 8  # at most of one mail, saying goodbye included
BIG = b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n"
_STEPS = ("CONNECT", "COMMAND", "DATA", "BLOCK", "END")
_ROOT = Path(__file__).resolve().parents[2]


def attack(world: World, each: int | None, seed: int) -> Tally:
    """All servers, or `each` times ten of them, in a process with the product's settings."""
    tally = Tally("smtp_servers")
    short = {f"PREGON_SMTP_{step}_SECONDS": str(STEP) for step in _STEPS}
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", __name__],
        env={**os.environ, **world.product.environ, **world.product.settings, **short},
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    results = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    if each is not None:
        results = random.Random(seed).sample(results, min(len(results), each * 10))
    for result in results:
        tally.count(_judge(result), f"{result['way']}: {result}")
    return tally


def _judge(result: dict[str, Any]) -> str:
    if result["seconds"] > STEPS * STEP + 3:
        return "hung"
    if "error" in result:
        return "failed"
    if result["fate"] == "unknown" and not result["doubtful"]:
        return "wrong"
    return "accepted" if result["fate"] == "accepted" else "refused"


def _main() -> None:
    from services.mailer import wire

    wire.GOODBYE_SECONDS = STEP
    for way in smtp_servers.ways():
        began = time.monotonic()
        result: dict[str, Any] = {"way": way.name, "doubtful": way.doubtful}
        try:
            result["fate"] = _hand_over(way)
        except Exception as error:  # any is a defect that is told
            result["error"] = repr(error)
        print(json.dumps(result | {"seconds": round(time.monotonic() - began, 2)}), flush=True)


def _hand_over(way: Way) -> str:
    from services.mailer.smtp import BarredError, Line
    from shared.settings import settings

    with smtp_servers.running(way) as (_, port):
        scheme = "smtp+starttls" if way.starttls else "smtp"
        settings().smtp_url = f"{scheme}://127.0.0.1:{port}"
        try:
            line = Line()
        except (OSError, BarredError):
            return "no line"
        answer = line.send("a@pregon.example", "b@correo.example", BIG * 60_000)
        line.close()
        return answer.fate.name.lower()


if __name__ == "__main__":
    _main()
