"""The room with its database and its keys, both empty."""

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from shared.redis import connect
from tests.databases import forget_keys


@pytest.fixture
def redis() -> Iterator[Redis]:
    client = connect()
    forget_keys(client)
    yield client
    client.close()


@pytest.fixture
def identity(database: Any, door: Any, redis: Redis) -> Any:
    return door("identity", database("identity"), redis=redis)
