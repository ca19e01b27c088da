"""A small S3 server for tests, and the behaviour that every store of files has."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import boto3
import httpx
import pytest

from infra.native.run import free_port
from shared import files
from shared.errors import NotFound
from shared.settings import settings

BUCKET = "pregon-test"
LARGE = 20 << 20  # more than is kept in memory, and several parts


@contextmanager
def running() -> Iterator[None]:
    """moto's server with a bucket; the process's files lie there."""
    endpoint = f"http://127.0.0.1:{free_port()}"
    environ = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PREGON_FILES_URL": f"s3://{BUCKET}/files",
    }
    port = endpoint.rpartition(":")[2]
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", port],
        stderr=subprocess.DEVNULL,
    )
    try:
        with mock.patch.dict(os.environ, environ):
            _wait_for(endpoint)
            boto3.client("s3").create_bucket(Bucket=BUCKET)
            forget()
            yield
    finally:
        server.kill()
        server.wait()
        forget()


def check() -> None:
    """What is put can be got, again and from the middle, until it is removed."""
    content = os.urandom(LARGE)
    key = files.put(io.BytesIO(content), ".CSV")
    assert key.endswith(".csv")
    with files.open_key(key) as source:
        assert source.read(10) == content[:10]
        assert b"".join(iter(lambda: source.read(1 << 20), b"")) == content[10:]
        source.seek(LARGE - 5)
        assert source.read() == content[-5:]
    files.remove(key)
    files.remove(key)
    with pytest.raises(NotFound), files.open_key(key):
        pass


def check_all_or_nothing() -> None:
    """What is not written to its end is not there, and before that nothing is."""
    key = files.new_key(".txt")
    with pytest.raises(ZeroDivisionError), files.create(key) as target:  # noqa: PT012
        target.write(b"half")
        1 / 0  # noqa: B018
    with pytest.raises(NotFound), files.open_key(key):
        pass
    with files.create(key) as target:
        target.write(b"whole")
        with pytest.raises(NotFound), files.open_key(key):
            pass
    with files.open_key(key) as source:
        assert source.read() == b"whole"


def _wait_for(endpoint: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            httpx.get(endpoint, trust_env=False)
        except httpx.TransportError:
            assert time.monotonic() < deadline, "no S3 server"
            time.sleep(0.1)
        else:
            return


def forget() -> None:
    settings.cache_clear()
    files._store.cache_clear()
