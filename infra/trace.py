"""The way of one piece of work through the product: `python -m infra.trace ID [FILE…]`.

Reads the processes' logs (`.run/log` where no file is named, `-` for standard input) and prints
what they say of this id in order of time: page, calls, events, jobs.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from infra.native import environment
from infra.native.run import Run

_SHOWN_APART = {"timestamp", "process", "event", "trace_id", "level", "logger", "exception"}


def read(lines: Iterable[str], trace_id: str) -> Iterator[dict[str, Any]]:
    """The log lines of an id; containers' logs may have a name before the JSON."""
    for line in lines:
        if trace_id not in line:
            continue
        try:
            entry = json.loads(line[line.index("{") :])
        except ValueError:
            continue
        if entry.get("trace_id") == trace_id:
            yield entry


def tell(entry: dict[str, Any]) -> str:
    """One step: when, where, what, and what else was said."""
    rest = " ".join(f"{key}={value}" for key, value in entry.items() if key not in _SHOWN_APART)
    moment = str(entry.get("timestamp", ""))[11:23]
    return f"{moment}  {entry.get('process', '?'):24} {entry.get('event', '')} {rest}".rstrip()


def main() -> None:
    """Print the steps; exit 1 when the id is nowhere."""
    if len(sys.argv) < 2 or not sys.argv[1]:
        sys.exit("make trace ID=…: the id of the header X-Trace-Id or of an error page.")
    trace_id, *names = sys.argv[1:]
    found = sorted(_read_all(names, trace_id), key=lambda entry: str(entry.get("timestamp")))
    for entry in found:
        print(tell(entry))
    if not found:
        sys.exit(f"No log says anything of {trace_id}.")


def _read_all(names: list[str], trace_id: str) -> Iterator[dict[str, Any]]:
    if names == ["-"]:
        yield from read(sys.stdin, trace_id)
        return
    files = [Path(name) for name in names] or _logs()
    for file in files:
        with file.open(errors="replace") as lines:
            yield from read(lines, trace_id)


def _logs() -> list[Path]:
    return sorted(Run.of(environment.given()).log.glob("*.log*"))


if __name__ == "__main__":
    main()
