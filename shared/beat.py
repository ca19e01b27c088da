"""Beat's scheduler, which leaves a mark at each tick: what its health check looks at."""

from pathlib import Path
from typing import Any

from celery.beat import PersistentScheduler

from shared import trace

MARK = ".ticked"


class Scheduler(PersistentScheduler):  # type: ignore[misc]  # Celery has no types
    """The persistent one; its own file is written when its dbm sees fit."""

    def apply_async(self, entry: Any, *args: Any, **kwargs: Any) -> Any:
        """Send a job in beat's own name."""
        entry.options["headers"] = {"trace": trace.to_headers()}
        return super().apply_async(entry, *args, **kwargs)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due, and say when that was; the seconds until the next look."""
        seconds: float = super().tick(*args, **kwargs)
        Path(f"{self.schedule_filename}{MARK}").touch()
        return seconds
