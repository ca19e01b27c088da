"""Risk files, and the Redis into which they are loaded."""

from typing import Any

import pytest
from redis import Redis
from sqlalchemy.orm import Session, sessionmaker

from services.risk_central import load, loads
from shared import files
from shared.contracts import risk_central as contract
from tests.soap.people import row

ROWS = [row(f"17100{number:04}", f"Mora Rosa {'ABCDEFGHIJ'[number]}") for number in range(10)]


@pytest.fixture
def sessions(database: Any, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The emptied database; chunks of four rows."""
    assert load.RiskLoad.batch == 50_000
    monkeypatch.setattr(load.RiskLoad, "batch", 4)
    return database("risk_central")


def begin(sessions: sessionmaker[Session], content: bytes) -> int:
    with files.create(key := files.new_key(".csv")) as target:
        target.write(content)
    with sessions.begin() as session:
        return loads.ledger.insert(session, "admin", file_key=key, file_name="riesgos.csv").id


def found(sessions: sessionmaker[Session], load_id: int) -> Any:
    with sessions() as session:
        return contract.Load.model_validate(loads.ledger.get(session, load_id))


def counts(sessions: sessionmaker[Session], load_id: int) -> tuple[int, ...]:
    job = found(sessions, load_id)
    return job.read, job.created, job.updated, job.unchanged, job.rejected
