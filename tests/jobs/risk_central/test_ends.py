"""A load that fails once and still ends; one that fails for good, says so, and is gone on with."""

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from services.risk_central import jobs, loads, store
from services.risk_central.models import LoadReject
from shared import files
from shared.contracts.risk_central import LoadState
from shared.errors import Conflict, NotFound
from tests.jobs.deliveries import deliver, failing
from tests.jobs.risk_central.conftest import ROWS, begin, counts, found
from tests.soap.people import csv_bytes

ALWAYS = 10**6
IN_VAIN = ["wait.5s", "wait.5s", "wait.60s", "wait.60s", "wait.600s"]
AWAY = RedisConnectionError("refused")


def test_a_load_that_failed_once_goes_on(sessions: sessionmaker[Session]) -> None:
    load_id = begin(sessions, csv_bytes(ROWS))
    with failing(store, "write", times=1, error=AWAY):
        assert deliver(jobs.load_file, load_id) == ["wait.5s"]
    assert found(sessions, load_id).state is LoadState.DONE
    assert counts(sessions, load_id) == (10, 10, 0, 0, 0)


def test_a_load_whose_database_was_away_goes_on(sessions: sessionmaker[Session]) -> None:
    load_id = begin(sessions, csv_bytes(ROWS))
    with failing(loads.ledger, "add", times=2):
        assert deliver(jobs.load_file, load_id) == ["wait.5s", "wait.5s"]
    assert counts(sessions, load_id) == (10, 10, 0, 0, 0)


@pytest.fixture
def failed(sessions: sessionmaker[Session]) -> int:
    """A load whose second part could not be written; a row of the first one was refused."""
    load_id = begin(sessions, csv_bytes([ROWS[0] | {"score": "mil"}, *ROWS[1:], ROWS[1]]))
    write, left = store.write, [1]

    def once(redis: object, changes: store.Changes) -> None:
        if not left[0]:
            raise AWAY
        left[0] -= 1
        write(redis, changes)  # type: ignore[arg-type]  # as it came

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "write", once)
        went = deliver(jobs.load_file, load_id)
    assert went == [*IN_VAIN, "jobs.risk_central", "dead.jobs"]
    return load_id


def test_a_load_that_cannot_be_done_says_so_and_what_was_loaded_counts(
    sessions: sessionmaker[Session], failed: int
) -> None:
    load = found(sessions, failed)
    assert load.state is LoadState.FAILED
    assert load.error.startswith("Un servidor no respondió")
    assert load.finished_at is not None
    assert counts(sessions, failed) == (8, 7, 0, 0, 1)
    assert rejected(load.rejected_key) == 1


def test_a_load_that_failed_is_gone_on_with_and_its_counts_add_up(
    sessions: sessionmaker[Session], failed: int
) -> None:
    old = found(sessions, failed).rejected_key
    with sessions.begin() as session:
        loads.ledger.wait_again(loads.ledger.get(session, failed, lock=True))
    again = found(sessions, failed)
    assert (again.state, again.error, again.finished_at) == (LoadState.WAITING, None, None)
    with pytest.raises(NotFound), files.open_key(old):
        pass
    assert deliver(jobs.load_file, failed) == []
    done = found(sessions, failed)
    assert (done.state, done.error) == (LoadState.DONE, None)
    assert counts(sessions, failed) == (11, 9, 0, 0, 2)
    assert rejected(done.rejected_key) == 2
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(LoadReject)) == 0


def rejected(key: str) -> int:
    """Rows in the file of those rejected, without its header."""
    with files.open_key(key) as stored:
        return len(stored.read().splitlines()) - 1


def test_only_a_load_that_failed_is_gone_on_with(sessions: sessionmaker[Session]) -> None:
    load_id = begin(sessions, csv_bytes(ROWS))
    for state in (LoadState.WAITING, LoadState.RUNNING, LoadState.DONE):
        with sessions.begin() as session:
            load = loads.ledger.get(session, load_id)
            load.state = state
            with pytest.raises(Conflict, match="no terminó"):
                loads.ledger.wait_again(load)
