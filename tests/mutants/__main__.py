"""`make mutants [ONLY=name]`: plants each fault in a copy of the tree and runs its tests there.

A line a fault; at the end the share that the tests noticed. Exits 1 below 95 %, and when a fault
can no longer be planted because the code has changed: then its entry is brought up to date. The
tests are run without any fault first: one that is red already, or gone, would notice everything.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from tests.mutants.mutant import Mutant
from tests.mutants.planted import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("shared", "services", "infra", "tests", "docs", "pyproject.toml", "docker-compose.yml")
ALSO = ("Makefile", "README.md", "README.es.md", ".env.example")
ENOUGH = 0.95
PATIENCE_SECONDS = 180


def main() -> None:
    """Run the mutants named on the command line, or all."""
    wanted = [mutant for mutant in MUTANTS if not sys.argv[1:] or mutant.name in sys.argv[1:]]
    with tempfile.TemporaryDirectory(prefix="pregon-mutants-") as folder:
        copy = _copy(Path(folder))
        _check_green(copy, wanted)
        survivors = [mutant.name for mutant in wanted if not _is_killed(copy, mutant)]
    share = 1 - len(survivors) / len(wanted)
    print(json.dumps({"mutants": len(wanted), "killed": round(share, 3), "survivors": survivors}))
    sys.exit(0 if share >= ENOUGH else 1)


def _copy(folder: Path) -> Path:
    for name in (*COPIED, *ALSO):
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("node_modules", "__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    return folder


def _check_green(copy: Path, wanted: list[Mutant]) -> None:
    """Exits unless all tests are there and green, each folder in a process of its own."""
    folders: dict[str, set[str]] = defaultdict(set)
    for selection in {selection for mutant in wanted for selection in mutant.tests}:
        folders[selection.split("/")[1]].add(selection)
    for selections in folders.values():
        done = _run(copy, " ".join(sorted(selections)), patience=None)
        if done.returncode:
            sys.exit(f"red without any fault:\n{done.stdout[-3000:]}")


def _is_killed(copy: Path, mutant: Mutant) -> bool:
    file = copy / mutant.file
    sound = file.read_text()
    if sound.count(mutant.old) < 1:
        sys.exit(f"{mutant.name}: {mutant.file} has no such text any more: {mutant.old!r}")
    file.write_text(sound.replace(mutant.old, mutant.new, 1))
    began = time.monotonic()
    more = _fresh() if "/migrations/" in mutant.file else {}
    try:
        killed = not all(_passes(copy, selection, more) for selection in mutant.tests)
    finally:
        file.write_text(sound)
    seconds = round(time.monotonic() - began, 1)
    print(json.dumps({"mutant": mutant.name, "killed": killed, "seconds": seconds}), flush=True)
    return killed


def _fresh() -> dict[str, str]:
    """Databases of its own: in those that are there the sound migration has run already."""
    return {"PREGON_NAMESPACE": f"pregon_test_{secrets.token_hex(3)}"}


def _passes(copy: Path, selection: str, more: dict[str, str]) -> bool:
    """Whether these tests are all green; a run that hangs is a red one."""
    try:
        return _run(copy, selection, PATIENCE_SECONDS, more).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _run(
    copy: Path, selection: str, patience: int | None, more: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "pytest", "-q", "-x", *selection.split()],
        cwd=copy,
        env=os.environ | (more or {}) | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=patience,
        check=False,
    )


if __name__ == "__main__":
    main()
