"""Whether the record is as it was written: `python -m services.identity.verify_audit`.

Walks every line that is kept and names each day and line that was changed, removed or inserted;
the exit code is 1 then. `--export DIR` writes the sealed days as CSV, each with its hash; `--seal`
compares with a seal that was kept elsewhere, which also finds a record made anew from end to end.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from services.identity import audit, chain
from shared import sheets
from shared.db import sessions

ROOM = "identity"
_COVERED = (*chain.LINKED, *chain.LINKED_LATER)


def verify(session: Session) -> Iterator[str]:
    """What does not hold, in words; nothing when the record is whole."""
    days = audit.all_days(session)
    yield from chain.check_seals(days)
    known = {day["day"] for day in days}
    for day in days:
        yield from check(session, day)
    for stray in audit.recorded_days(session):
        if stray not in known:
            yield f"{stray}: lines were inserted on a day that the record does not know"


def check(session: Session, day: Any) -> Iterator[str]:
    """What does not hold of a day's lines."""
    lines = audit.lines_of(session, day["day"])
    if day["removed_at"] is None:
        yield from chain.check_day(day["day"], day["rows"], day["hash"], lines)


def export(session: Session, folder: Path) -> list[date]:
    """Write the sealed days that are kept, `registro-2026-11-22-<seal>.csv` each."""
    folder.mkdir(parents=True, exist_ok=True)
    days = [day for day in audit.all_days(session) if day["seal"] and not day["removed_at"]]
    for day in days:
        _write(session, day, folder / f"registro-{day['day']}-{day['seal']}.csv")
    return [day["day"] for day in days]


def _write(session: Session, day: Any, target: Path) -> None:
    lines = audit.lines_of(session, day["day"])
    with target.open("wb") as file:
        rows = ([*map(_cell, map(line.get, _COVERED)), line["hash"]] for line in lines)
        sheets.write_csv(file, (*_COVERED, "hash"), rows)


def rehash(before: str, row: Mapping[str, str]) -> str:
    """The hash of a line of such a file; `before` is that of the line before."""
    texts = {name: sheets.plain(row[name]) for name in _COVERED if name in row}
    return chain.link(before, {name: json.loads(value) for name, value in texts.items()})


def _cell(value: Any) -> str:
    """As the hash covers it, so that a reader of the file can make it again."""
    return chain.as_json(value)


def main() -> None:
    """Say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--export", type=Path)
    parser.add_argument("--seal")
    asked = parser.parse_args()
    with sessions(ROOM)() as session:
        faults = list(verify(session))
        days = audit.all_days(session)
        if asked.seal and asked.seal not in {day["seal"] for day in days}:
            faults.append(f"no day has the seal {asked.seal}")
        if asked.export:
            export(session, asked.export)
    if faults:
        sys.exit("\n".join(faults))
    print(_whole(days))  # noqa: T201  # a command's answer


def _whole(days: list[Any]) -> str:
    rows = sum(day["rows"] for day in days if not day["removed_at"])
    last = next((day for day in reversed(days) if day["seal"]), None)
    sealed = f"sealed up to {last['day']} with {last['seal']}" if last else "nothing sealed yet"
    return f"The record is whole: {rows} lines on {len(days)} days, {sealed}."


if __name__ == "__main__":
    main()
