"""risk_central's job: loading the bureau's file."""

from contextlib import closing

from redis.exceptions import RedisError

from services.risk_central import loads, store
from services.risk_central.load import TIMEOUT_SECONDS, Chunk, Loader, read_lines
from shared import clock, files, jobs, outbox
from shared.contracts.risk_central import CategoryNews, LoadState, RisksChanged
from shared.db import sessions
from shared.errors import Conflict, Invalid, NotFound
from shared.settings import settings

ROOM = "risk_central"
EVENT_BATCH = 500


def on_load_failed(reason: str, load_id: int) -> None:
    """End the load as failed; it can be begun again, and goes on where it was."""
    _finish(load_id, reason)


@jobs.job("risk_central.load_file", failed=on_load_failed)
def load_file(load_id: int) -> None:
    """Load a risk file; run again, it goes on where it was.

    A file that cannot be read ends the load as failed, with the reason. Redis being down, or
    another load at work, makes it wait and try again.
    """
    with sessions(ROOM).begin() as session:
        load = loads.get_load(session, load_id, lock=True)
        if load.finished_at is not None:
            return
        load.state, key = LoadState.RUNNING, load.file_key
    try:
        _load(load_id, key)
    except (Invalid, NotFound) as error:
        _finish(load_id, str(error))
    except (RedisError, Conflict) as error:
        raise ConnectionError(str(error)) from error
    else:
        _finish(load_id, None)


def _load(load_id: int, key: str) -> None:
    redis = store.connect(settings().redis_url, TIMEOUT_SECONDS)
    try:
        with files.open_key(key) as source, closing(read_lines(source)) as lines:
            Loader(redis, Journal(load_id)).load(lines)
    finally:
        redis.close()


def _finish(load_id: int, error: str | None) -> None:
    with sessions(ROOM).begin() as session:
        load = loads.get_load(session, load_id, lock=True)
        if load.finished_at is None:
            loads.set_finished(session, load, error)


class Journal:
    """Notes each chunk and announces its new categories, in one transaction."""

    def __init__(self, load_id: int) -> None:
        self._load_id = load_id

    def count_recorded(self) -> int:
        """Chunks noted so far."""
        with sessions(ROOM).begin() as session:
            return loads.get_load(session, self._load_id).chunks

    def record(self, chunk: Chunk) -> None:
        """Before it is written: a load that dies in between writes this chunk again."""
        news = [
            CategoryNews(cedula=report.cedula, category=report.category)
            for report in chunk.changes.list_new_categories()
        ]
        now = clock.now()
        with sessions(ROOM).begin() as session:
            loads.add_chunk(session, loads.get_load(session, self._load_id, lock=True), chunk)
            for start in range(0, len(news), EVENT_BATCH):
                batch = news[start : start + EVENT_BATCH]
                outbox.add(session, RisksChanged(at=now, risks=batch))
