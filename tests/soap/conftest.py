"""A real Redis with a few known people, and the real SOAP server in front of it."""

import io
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from redis import Redis

from infra.native import programs
from services.risk_central import roster
from services.risk_central.load import load_file
from tests.soap.people import PASSWORD, PEOPLE, USER, csv_bytes, free_port, wait_for

with warnings.catch_warnings():  # spyne is older than what Python warns of; ours stay errors
    warnings.simplefilter("ignore")
    from services.risk_central.door import Door


def pytest_configure(config: pytest.Config) -> None:
    """Every import after spyne's warns of the importer that it leaves behind."""
    config.addinivalue_line("filterwarnings", "ignore:_SixMetaPathImporter:ImportWarning")


@pytest.fixture
def bureau(redis: Redis) -> Redis:
    """The database with `PEOPLE`."""
    load_file(redis, io.BytesIO(csv_bytes(PEOPLE)))
    return redis


@pytest.fixture
def let_in(bureau: Redis) -> Callable[..., None]:
    """`let_in(client, …)`: these may ask, and nobody else but the house."""

    def write(*clients: dict[str, object]) -> None:
        roster.write(bureau, clients)

    return write


@pytest.fixture
def door(bureau: Redis) -> Door:
    """The door in this process."""
    return Door(bureau, USER, PASSWORD)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the product's SOAP server."""
    port = free_port()
    environment = {
        "PREGON_AMQP_URL": "unused",
        "PREGON_DATABASE_URL": "unused",
        "PREGON_FILES_URL": "unused",
        "PREGON_SMTP_URL": "unused",
        "PREGON_SECRET_KEY": "x" * 32,
        **os.environ,
        "PREGON_SOAP_USER": USER,
        "PREGON_SOAP_PASSWORD": PASSWORD,
    }
    log = tmp_path_factory.mktemp("soap") / "log"
    (soap,) = (
        program.command
        for program in programs.product({"PREGON_SOAP_PORT": str(port)})
        if program.name == "soap"
    )
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *soap],
            cwd=Path(__file__).parents[2],
            env=environment,
            stdout=output,
            stderr=output,
        )
    address = f"http://127.0.0.1:{port}"
    wait_for(lambda: _is_healthy(address), f"SOAP server (log: {log})", seconds=40)
    yield address
    process.terminate()
    process.wait()


def _is_healthy(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health").status_code == 200
    except httpx.TransportError:
        return False
