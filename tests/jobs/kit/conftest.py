"""Processes of the kit, their broker behind a gate."""

from collections.abc import Iterator

import pytest

from shared.settings import settings
from tests.gate import Gate


@pytest.fixture
def gate() -> Iterator[Gate]:
    one = Gate(settings().amqp_url)
    yield one
    one.close()
