"""Beat's own process says that it ticks, also when nothing is due."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.native import programs
from shared.beat import MARK


def test_each_tick_leaves_its_mark(tmp_path: Path, until: Callable[..., Any]) -> None:
    table = programs.product({"PREGON_RUN_DIR": str(tmp_path)})
    command = list(next(one for one in table if one.name == "beat").command)
    command[command.index("--max-interval") + 1] = "1"
    mark = tmp_path / f"beat-schedule{MARK}"
    beat = subprocess.Popen(command, env=os.environ | {"PREGON_WORKER_ROOMS": "identity"})
    try:
        until(mark.exists)
        first = mark.stat().st_mtime
        until(lambda: mark.stat().st_mtime > first)
        beat.kill()
        beat.wait()
        last = mark.stat().st_mtime
        time.sleep(1.5)
        assert mark.stat().st_mtime == last
    finally:
        beat.kill()
        beat.wait()
